#include "net/send.h"

namespace weir::net {

Task<IoError> send_all(Stream& stream, std::string_view bytes, std::chrono::milliseconds timeout) {
  for (;;) {
    const IoResult sent = stream.try_write(bytes);
    bytes.remove_prefix(sent.bytes);
    if (bytes.empty()) co_return IoError{};
    if (!sent.error.would_block()) co_return sent.error;
    if (const IoError error = co_await stream.writable(timeout)) co_return error;
  }
}

}  // namespace weir::net
