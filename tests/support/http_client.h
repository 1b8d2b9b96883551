// A well-behaved HTTP/1.1 client that keeps its connection.
#pragma once

#include <memory>
#include <string>

#include "raw_client.h"

namespace weir::test {

/// What to ask. `Host: localhost` is sent unless `fields` has a Host; a body gets a Content-Length.
struct Ask {
  std::string method = "GET";
  std::string target = "/";
  Fields fields = {};
  std::string body = {};
  bool chunked = false;  // send the body chunked instead
};

/// The octets of `ask`, in HTTP/1.1.
std::string to_wire(const Ask& ask);

class HttpClient {
 public:
  explicit HttpClient(std::string address) : address_(std::move(address)) {}

  /// Sends `ask` on the kept connection, or on a new one if there is none or the last answer ended it.
  /// Throws SocketError or ProtocolError. Never tries again.
  HttpResponse request(const Ask& ask);
  HttpResponse get(const std::string& target, Fields fields = {}) {
    return request({.target = target, .fields = std::move(fields)});
  }
  HttpResponse post(const std::string& target, std::string body, Fields fields = {}) {
    return request({.method = "POST", .target = target, .fields = std::move(fields), .body = std::move(body)});
  }

  /// How many connections were opened so far.
  int connections() const { return connections_; }
  void disconnect() { client_.reset(); }

 private:
  std::string address_;
  std::unique_ptr<RawClient> client_;
  int connections_ = 0;
};

}  // namespace weir::test
