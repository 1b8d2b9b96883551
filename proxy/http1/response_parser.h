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
#include "http1/head_parser.h"

namespace weir::http1 {

struct ResponseOptions {
  bool allow_bare_lf = false;  // as in RequestOptions
};

/// An answer is Bad as soon as its first octets cannot begin a status line.
///
/// Framing: None for HEAD, 1xx, 204, 304 and a 2xx to CONNECT, whatever the fields say; the octets after a 101 belong to
/// the new protocol. A 204 or 1xx that announces a body clears `keep_alive`.
class ResponseParser : public HeadParser<ResponseParser, http::ResponseHead, Side::Backend> {
 public:
  /// Prepares for one head that answers a request with method `request`. To be called again after an interim answer
  /// (`ResponseHead::is_interim`): another head follows.
  void start(const HeadLimits& limits, http::Method request, const ResponseOptions& options = {}) noexcept;

 private:
  friend HeadParser;

  ParseStatus first_line(std::string_view bytes, http::ResponseHead& head);
  static bool leaves_out(const FieldLine&, const http::ResponseHead&) { return false; }
  Reason judge(http::ResponseHead& head) const;

  http::Method request_ = http::Method::Get;
};

}  // namespace weir::http1
