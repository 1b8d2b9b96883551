// Any octets as the beginning of a connection; the first says in what steps the others arrive. Must hold: the outcome does
// not depend on the steps, nor on what follows, and what is told of a client is fit for maps and logs.
#include <algorithm>
#include <cstdint>
#include <string>

#include "must.h"
#include "net/client_hello.h"

namespace weir::net {
namespace {

using Status = ClientHelloStatus;

void check(const ClientHello& hello) {
  MUST(hello.server_name.size() <= 255);
  MUST(std::all_of(hello.server_name.begin(), hello.server_name.end(), [](char c) { return c > 0x20 && c < 0x7f; }));
  MUST(hello.version_name().size() <= 7);
}

void run(std::string_view input) {
  if (input.empty()) return;
  const std::size_t step = 1 + static_cast<unsigned char>(input[0]) % 64;
  const std::string octets(input.substr(1));

  ClientHelloReader whole;
  const Status outcome = whole.read(octets);
  MUST((outcome == Status::Bad) == !whole.problem().empty());

  ClientHelloReader stepwise;
  Status status = Status::Incomplete;
  std::size_t end = 0;
  while (status == Status::Incomplete && end < octets.size()) {
    end = std::min(end + step, octets.size());
    const std::string so_far = octets.substr(0, end);  // a copy: what lies beyond it must not be touched
    status = stepwise.read(so_far);
  }
  MUST(status == outcome);
  if (outcome != Status::Complete) return;
  check(whole.hello());
  MUST(stepwise.hello().server_name == whole.hello().server_name);
  MUST(stepwise.hello().alpn_protocols == whole.hello().alpn_protocols);
  MUST(stepwise.hello().version == whole.hello().version);
  ClientHelloReader followed;
  MUST(followed.read(octets + "\x17\x03\x03") == Status::Complete);
}

}  // namespace
}  // namespace weir::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::net::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
