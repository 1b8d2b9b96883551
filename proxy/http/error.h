// Why an attempt at a backend failed, and what may be done about it.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "net/io_result.h"

namespace weir::http {

/// What went wrong between Weir and a backend (or, while it worked for a request, with the client).
enum class Reason : std::uint8_t {
  ConnectFailed,
  ConnectTimeout,
  SendFailed,
  SendTimeout,
  ReadFailed,
  ReadTimeout,
  ClosedBeforeHead,   // the connection ended before the response's head was complete
  BadHead,            // not a response head
  HeadTooLarge,       // larger than proxy_buffer_size allows
  UnwantedUpgrade,    // 101 that nobody asked for, or before the end of the request
  BodyCut,            // the body ended before its framing said so
  BodyTimeout,        // it stopped coming
  UnwantedStatus,     // a status that proxy_next_upstream names
  NoBackend,          // none was left to try
  QueueFull,          // all are full, and as many requests wait as may
  QueueTimeout,       // it waited for one of them too long
  NotResolved,        // the name of the backend has no address
  ClientClosed,       // the client went away
  RequestBodyFailed,  // the client's body could not be read to its end
  Internal,
  Hangs,              // the backend has been silent for far longer than usual, and others may not be
  NoDescriptor,  // the process may open no more sockets, or the system has no memory for one
};

/// May the request be given to another backend?
enum class Retry : std::uint8_t {
  No,
  Yes,       // as proxy_next_upstream says
  IfReused,  // surely not the backend's fault if the connection was a kept-alive one
};

struct Error {
  Reason reason;
  net::IoError cause = {};
  std::string_view detail = {};  // static text, such as the parser's reason
};

/// What follows from a reason.
struct ReasonInfo {
  int status;              // the answer when no other backend is tried
  Retry retry;
  std::uint32_t condition;  // the proxy_next_upstream condition that allows a retry (Condition bits)
  bool backend_failed;     // counts against the backend (max_fails)
  std::string_view what;   // for the log: "connect() failed"
  std::string_view doing;  // for the log: "connecting to upstream"
};
const ReasonInfo& info(Reason reason);

/// The conditions of `proxy_next_upstream`, as bits.
namespace condition {
inline constexpr std::uint32_t kError = 1, kTimeout = 2, kInvalidHeader = 4, kHttp500 = 8, kHttp502 = 16,
                               kHttp503 = 32, kHttp504 = 64, kHttp403 = 128, kHttp404 = 256, kHttp429 = 512,
                               kNonIdempotent = 1024, kOff = 2048, kUpdating = 4096, kDenied = 8192;
/// The bit of a response status, or 0.
std::uint32_t of_status(int status);
/// Whether a response status tells of trouble at the backend itself.
constexpr bool is_error(int status) { return status == 500 || (status >= 502 && status <= 504); }
/// Whether a backend that gave this answer failed; 403 and 404 are answers like others (nginx's `max_fails`).
constexpr bool is_failure(std::uint32_t status) { return (status & (kHttp403 | kHttp404)) == 0; }
}  // namespace condition

/// A value or an Error. `Result<>` has no value.
template <class T = std::monostate>
class [[nodiscard]] Result {
 public:
  Result() requires std::is_same_v<T, std::monostate> : content_(std::monostate{}) {}
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, error) {}
  explicit operator bool() const { return content_.index() == 0; }
  T& operator*() { return std::get<0>(content_); }
  T* operator->() { return &std::get<0>(content_); }
  const Error& error() const { return std::get<1>(content_); }

 private:
  std::variant<T, Error> content_;
};

}  // namespace weir::http
