// A client that sends exactly the octets a test gives it.
#pragma once

#include <string>
#include <string_view>

#include "http_message.h"
#include "socket.h"

namespace weir::test {

class RawClient {
 public:
  /// Connects at once; throws SocketError. `receive_buffer`: SO_RCVBUF, for slow readers.
  explicit RawClient(const std::string& address, int receive_buffer = 0)
      : socket_(Socket::connect(address, kPatience, receive_buffer)), reader_(socket_) {}
  RawClient(RawClient&& other) noexcept : socket_(std::move(other.socket_)), reader_(std::move(other.reader_)) {
    reader_.attach(socket_);
  }

  /// Sends all of `bytes`; how it ended.
  IoStatus send(std::string_view bytes) { return socket_.send(bytes); }
  /// Reads one response with its body. Throws SocketError when none comes, ProtocolError when it is malformed.
  HttpResponse read_response(std::string_view method = "GET", milliseconds patience = kPatience) {
    return reader_.read_response(method, patience);
  }
  HttpResponse read_response_head(milliseconds patience = kPatience) { return reader_.read_response_head(patience); }
  void read_response_body(HttpResponse& response, std::string_view method = "GET") {
    reader_.read_response_body(response, method);
  }
  /// Sends `bytes` and reads the answer.
  HttpResponse ask(std::string_view bytes, std::string_view method = "GET") {
    send(bytes);
    return read_response(method);
  }

  struct Rest {
    std::string bytes;
    IoStatus end = IoStatus::Ok;  // Closed, Reset or Timeout
  };
  /// Reads whatever comes until the connection ends or `patience` has passed without an octet.
  Rest read_to_end(milliseconds patience = kPatience);
  /// Reads until `bytes` octets are there (tunnels); fewer if the connection ends first.
  std::string read_bytes(std::size_t bytes, milliseconds patience = kPatience);

  /// True if the proxy ends the connection within `patience` (orderly or not); what arrives meanwhile is dropped.
  bool closed_within(milliseconds patience = kPatience) { return socket_.ends_within(patience); }
  /// True if nothing at all happens on the connection for `time`: no octet, no end.
  bool quiet_for(milliseconds time);

  void shutdown_send() { socket_.shutdown_send(); }
  void close() { socket_.close(); }
  void reset() { socket_.reset(); }
  Socket& socket() { return socket_; }

 private:
  Socket socket_;
  MessageReader reader_;
};

}  // namespace weir::test
