// HTTP/1 messages as tests see them, and a strict reader for them.
//
// The reader shares no code with the proxy on purpose: it is the judge of what the proxy sends. Anything that RFC
// 9112 does not allow on the wire is a ProtocolError; a message cut short is no error but a message that is not
// `complete`.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "socket.h"

namespace weir::test {

struct ProtocolError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

bool equal_ignoring_case(std::string_view a, std::string_view b);

/// Field lines in the order of the wire; names compare without case.
class Fields : public std::vector<std::pair<std::string, std::string>> {
 public:
  using vector::vector;
  bool has(std::string_view name) const { return count(name) != 0; }
  std::size_t count(std::string_view name) const;
  /// The first value of `name`; empty if there is none.
  std::string get(std::string_view name) const;
  /// Every value of `name`, joined with ", ".
  std::string joined(std::string_view name) const;
};

/// Octets of a body: all are counted and hashed, the first few MiB are kept.
class Body {
 public:
  static constexpr std::size_t kKept = 4 << 20;
  void add(std::string_view bytes);
  const std::string& text() const { return kept_; }
  std::uint64_t size() const { return size_; }
  /// FNV-1a over all octets.
  std::uint64_t hash() const { return hash_; }

 private:
  std::string kept_;
  std::uint64_t size_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

/// `size` octets that look different at every offset: a lost, doubled or moved block changes the hash.
class PatternBytes {
 public:
  explicit PatternBytes(std::uint64_t size, unsigned seed = 1);
  /// The next piece, at most `max` octets; empty at the end. Valid until the next call.
  std::string_view next(std::size_t max = 65'536);
  std::uint64_t size() const { return size_; }
  /// What Body::hash says of all octets.
  std::uint64_t hash() const;
  /// All octets at once; for small sizes.
  std::string whole() const;

 private:
  std::string block_;
  std::uint64_t size_;
  std::uint64_t at_ = 0;
};

struct Message {
  std::string start_line;
  std::string version;  // "HTTP/1.1"
  Fields fields;
  Body body;
  Fields trailers;
  bool chunked = false;
  bool until_close = false;
  bool complete = false;        // the body ended as its framing says
  std::string raw_head;         // with the empty line
  IoStatus end = IoStatus::Ok;  // how the connection ended, if it did so inside the message

  std::string field(std::string_view name) const { return fields.get(name); }
  bool has(std::string_view name) const { return fields.has(name); }
};

struct HttpRequest : Message {
  std::string method, target;
  std::uint64_t connection = 0;  // which accepted connection it came on, counted from 1
};

struct HttpResponse : Message {
  int status = 0;
  std::string reason;
  std::vector<HttpResponse> interim;  // the 1xx before it
  const std::string& text() const { return body.text(); }
};

/// Reads messages from one socket, keeping what came too early for the next.
class MessageReader {
 public:
  explicit MessageReader(Socket& socket) : socket_(&socket) {}

  /// Reads a request head. Returns false if the connection ended before a complete one; throws ProtocolError.
  bool read_request_head(HttpRequest& request, milliseconds patience = kPatience);
  void read_request_body(HttpRequest& request, milliseconds patience = kPatience);

  /// Reads the next response and its body. `method`: of the request, as HEAD's answers have no body.
  /// Throws SocketError if no complete head came, ProtocolError if what came is not HTTP.
  HttpResponse read_response(std::string_view method = "GET", milliseconds patience = kPatience);
  /// Reads one head, 1xx included, and nothing behind it.
  HttpResponse read_response_head(milliseconds patience = kPatience);
  void read_response_body(HttpResponse& response, std::string_view method, milliseconds patience = kPatience);

  /// What has been received and not yet used.
  std::string& buffered() { return buffer_; }
  void attach(Socket& socket) { socket_ = &socket; }

 private:
  IoStatus read_head(Message& message, milliseconds patience);
  void read_length(Message& message, std::uint64_t length, milliseconds patience);
  void read_chunks(Message& message, milliseconds patience);
  void read_until_close(Message& message, milliseconds patience);
  bool read_line(std::string& line, Message& message, milliseconds patience);

  Socket* socket_;
  std::string buffer_;
};

}  // namespace weir::test
