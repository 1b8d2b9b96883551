// Request heads of HTTP/1.0 and 1.1, as strict as RFC 9112 and RFC 9110 ask.
//
// Incremental by line: a finished line is never read again and an unfinished one is only searched for its end, so a
// client that sends one octet at a time costs as much in total as one that sends all at once. How the bytes were cut
// into calls never changes the outcome.
//
// Whatever two recipients could read differently is refused, never repaired: line ends other than CRLF, folding,
// white space around names, repeated or doubtful lengths, codings other than one final `chunked`, more than one or an
// invalid Host. The one exception are fields left out by name, see `RequestOptions`.
//
// Thread safety: none. A parser holds no memory; it may live as long as its connection.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"
#include "http1/head_parser.h"

namespace weir::http1 {

/// What may be let through that is refused or left out otherwise.
///
/// About names: those that are tokens but not made of letters, digits and hyphens are left out, as nginx does,
/// because backends that turn names into variables cannot tell `X_Real_IP` from `X-Real-IP`. Names that are no tokens
/// are always a 400; leaving those out, as nginx does, is what lets two parsers disagree about where a field ends.
struct RequestOptions {
  bool ignore_invalid_headers = true;   // leave such fields out; false: keep them all
  bool underscores_in_headers = false;  // `_` counts as a letter
  /// A LF alone ends a line of the head, which RFC 9112 2.2 permits and nginx accepts. Since heads are written anew,
  /// no backend sees it; but a proxy in front of this one that lets LF pass in values could be fooled.
  bool allow_bare_lf = false;
  /// Refuse an absolute target and a Host field that disagree. Otherwise the target wins (RFC 9112 3.2.2), and the
  /// Host field in `RequestHead::fields` is made to say what the target says.
  bool refuse_host_conflict = false;
  /// Cut a `#fragment` off the target, as nginx does for its `$uri`; otherwise it is a 400.
  bool cut_fragment = false;
};

class RequestParser : public HeadParser<RequestParser, http::RequestHead, Side::Client> {
 public:
  /// Prepares for one head. The limits are copied.
  void start(const HeadLimits& limits, const RequestOptions& options = {}) noexcept;

 private:
  friend HeadParser;

  ParseStatus first_line(std::string_view bytes, http::RequestHead& head);
  ParseStatus empty_lines(std::string_view bytes);
  bool leaves_out(const FieldLine& line, http::RequestHead& head) const;
  Reason judge(http::RequestHead& head) const;

  RequestOptions options_;
  std::uint8_t empty_lines_ = 0;
};

}  // namespace weir::http1
