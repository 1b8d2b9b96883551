#include "http_client.h"

#include <charconv>

namespace weir::test {

std::string to_wire(const Ask& ask) {
  std::string wire = ask.method + " " + ask.target + " HTTP/1.1\r\n";
  if (!ask.fields.has("Host")) wire += "Host: localhost\r\n";
  for (const auto& [name, value] : ask.fields) wire += name + ": " + value + "\r\n";
  if (ask.chunked) {
    char size[20];
    const auto end = std::to_chars(size, size + sizeof size, ask.body.size(), 16).ptr;
    wire += "Transfer-Encoding: chunked\r\n\r\n";
    if (!ask.body.empty()) wire.append(size, end).append("\r\n").append(ask.body).append("\r\n");
    return wire + "0\r\n\r\n";
  }
  if (!ask.body.empty() || ask.method == "POST" || ask.method == "PUT")
    wire += "Content-Length: " + std::to_string(ask.body.size()) + "\r\n";
  return wire + "\r\n" + ask.body;
}

HttpResponse HttpClient::request(const Ask& ask) {
  if (!client_) {
    client_ = std::make_unique<RawClient>(address_);
    ++connections_;
  }
  try {
    HttpResponse response = client_->ask(to_wire(ask), ask.method);
    const bool close = equal_ignoring_case(response.field("Connection"), "close") || !response.complete ||
                       response.until_close || response.version == "HTTP/1.0";
    if (close) client_.reset();
    return response;
  } catch (...) {
    client_.reset();
    throw;
  }
}

}  // namespace weir::test
