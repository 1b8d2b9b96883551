// The request's body: streamed from the client, or read whole first so that it can be sent again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "http/body.h"
#include "http/error.h"
#include "http/temp_file.h"
#include "net/buffer_pool.h"
#include "net/task.h"

namespace weir::http {

class Exchange;

/// `client_body_in_file_only`.
enum class BodyInFile : std::uint8_t {
  WhenLarge,  // off
  Clean,      // always; the file goes with the exchange
  Keep,       // on: always, and it stays
};

/// Owned by the exchange. Octets beyond client_body_buffer_size go to a temporary file.
class RequestBody {
 public:
  explicit RequestBody(Exchange& exchange) : exchange_(exchange) {}
  ~RequestBody();
  RequestBody(const RequestBody&) = delete;

  /// True if the request has a body at all (its framing says so; the length may still be 0).
  bool is_present() const;

  /// Reads the body to its end, unless that was done. After success it can be sent any number of times.
  /// Fails with RequestBodyFailed (the client's fault: `status()` says which answer) or Internal.
  net::Task<Result<>> read_whole();

  bool is_whole() const { return whole_; }
  std::uint64_t octets() const { return octets_; }
  /// The answer to a failed body: 400, 408, 413 or 500.
  int status() const { return status_; }
  void fails_with(int status) { status_ = status; }

  /// The body from its beginning. Requires is_whole().
  BodySource& replay();

  /// The body as it comes from the client. Yields it from the beginning at each call; requires `can_restart()`.
  BodySource& live();
  /// Whether `live` can still yield the first octet: all that was read so far fits into client_body_buffer_size.
  bool can_restart() const;

  /// The body's octets if they are all in memory.
  std::string_view in_memory() const;
  /// Whether client_body_buffer_size wants the body in a file. It may still be in memory, and is until somebody asks for
  /// the file.
  bool belongs_in_file() const;
  /// The path of the file that holds the body (`$request_body_file`); empty if none does. It gets its name now.
  std::string_view file_name();

 private:
  class Replay;
  class Live;
  bool keep(std::string_view octets);
  bool make_room(std::size_t octets);
  bool open_file();
  bool write_file(std::string_view octets);
  void spill();
  bool unspill();
  Result<> finish();
  Result<> failed(int status, net::IoError cause);
  bool is_too_large(std::uint64_t octets);

  Exchange& exchange_;
  net::Buffer block_;
  char* memory_ = nullptr;  // in block_, or, if that is too small, in the exchange's arena
  std::size_t used_ = 0, room_ = 0;
  std::uint64_t octets_ = 0;
  std::string_view borrowed_;  // the whole body, still in the connection's buffer
  TempFile file_;
  bool whole_ = false;
  bool spilled_ = false;  // the file is there only because the client is slow
  int status_ = 400;
  Replay* replay_ = nullptr;  // in the exchange's arena, as the next
  Live* live_ = nullptr;
};

}  // namespace weir::http
