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
#include "http1/line_reader.h"
#include "http1/parse_error.h"

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

class RequestParser {
 public:
  /// Prepares for one head. The limits are copied.
  void start(const HeadLimits& limits, const RequestOptions& options = {}) noexcept;

  /// Goes on with `bytes`: everything received since the head began, not only what is new. They may have moved since
  /// the last call and be longer, but must begin with the same octets; `head` must be the same and, before the first
  /// call, fresh or reset. While Incomplete the slices of `head` are kept in step by the parser itself; after
  /// Complete the owner calls `head.rebase` when the bytes move.
  ParseStatus parse(std::string_view bytes, http::RequestHead& head);

  /// How many octets the complete head had, with leading empty lines and the empty line at its end.
  std::size_t consumed() const noexcept { return lines_.begin(); }

  /// Why, after Bad.
  const ParseError& error() const noexcept { return error_; }

  /// Whether any octet of a head was seen: an idle connection that ends is not a broken request.
  bool started() const noexcept { return lines_.base() != nullptr; }

 private:
  enum class State : std::uint8_t { Start, RequestLine, Fields, Complete, Bad };

  ParseStatus fail(Reason reason) noexcept;
  ParseStatus empty_lines(std::string_view bytes);
  ParseStatus request_line(std::string_view bytes, http::RequestHead& head);
  ParseStatus fields(std::string_view bytes, http::RequestHead& head);
  ParseStatus finish(http::RequestHead& head);

  LineReader lines_;
  RequestOptions options_;
  std::uint32_t field_count_ = 0;
  std::uint8_t empty_lines_ = 0;
  State state_ = State::Bad;
  ParseError error_;
};

}  // namespace weir::http1
