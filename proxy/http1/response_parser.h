// Response heads of HTTP/1.0 and 1.1 from a backend, which is trusted for content but not for framing.
//
// Incremental by line like RequestParser, and as strict: a bare LF, folding, two lengths, a status outside 100 to 599
// or octets that are no status line are Bad, where other proxies guess. A wrong guess hands one client another's
// answer.
//
// Thread safety: none. A parser holds no memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"
#include "http1/line_reader.h"
#include "http1/parse_error.h"

namespace weir::http1 {

struct ResponseOptions {
  bool allow_bare_lf = false;  // as in RequestOptions
};

class ResponseParser {
 public:
  /// Prepares for one head that answers a request with method `request`. To be called again after an interim answer
  /// (`ResponseHead::is_interim`): another head follows.
  void start(const HeadLimits& limits, http::Method request, const ResponseOptions& options = {}) noexcept;

  /// As RequestParser::parse. An answer is Bad as soon as its first octets cannot begin a status line.
  ///
  /// Framing: None for HEAD, 1xx, 204, 304 and a 2xx to CONNECT, whatever the fields say; the octets after a 101
  /// belong to the new protocol. A 204 or 1xx that announces a body clears `keep_alive`.
  ParseStatus parse(std::string_view bytes, http::ResponseHead& head);

  std::size_t consumed() const noexcept { return lines_.begin(); }
  const ParseError& error() const noexcept { return error_; }
  /// Whether any octet of a head was seen: tells "closed without an answer" from "closed in the middle of one".
  bool started() const noexcept { return lines_.base() != nullptr; }

 private:
  enum class State : std::uint8_t { StatusLine, Fields, Complete, Bad };

  ParseStatus fail(Reason reason) noexcept;
  ParseStatus status_line(std::string_view bytes, http::ResponseHead& head);
  ParseStatus fields(std::string_view bytes, http::ResponseHead& head);
  ParseStatus finish(http::ResponseHead& head);

  LineReader lines_;
  ResponseOptions options_;
  std::uint32_t field_count_ = 0;
  http::Method request_ = http::Method::Get;
  State state_ = State::Bad;
  ParseError error_;
};

}  // namespace weir::http1
