#include "http1/response_parser.h"

#include <algorithm>

#include "http1/framing.h"
#include "http1/octets.h"

namespace weir::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::Method;
using http::ResponseHead;
using http::Version;

constexpr std::string_view kVersionBegin = "HTTP/1.";
constexpr std::size_t kStatusEnd = 12;  // "HTTP/1.1 200"

/// Reads `version SP status [SP reason]` and the end of the line; returns what follows, or nullptr with a reason.
/// The space before an empty reason, which RFC 9112 demands, is missing in many answers and nobody can misread that.
const char* read_status_line(const char* from, const char* end, bool allow_bare_lf, ResponseHead& head,
                             Reason& reason) {
  const char* const at = find_control(from, end);
  const char* const next = line_end(at, end, allow_bare_lf, reason);
  if (next == nullptr) return nullptr;
  const std::string_view line(from, static_cast<std::size_t>(at - from));
  reason = Reason::BadStatusLine;
  if (line.size() < kStatusEnd || !line.starts_with(kVersionBegin) || !is_digit(line[7]) || line[8] != ' ' ||
      !is_digit(line[9]) || !is_digit(line[10]) || !is_digit(line[11]))
    return nullptr;
  if (line.size() > kStatusEnd && line[kStatusEnd] != ' ') return nullptr;
  head.version = line[7] == '0' ? Version::Http10 : Version::Http11;
  head.status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  head.reason = line.substr(std::min(line.size(), kStatusEnd + 1));
  reason = Reason::BadStatus;
  return head.status >= 100 && head.status <= 599 ? next : nullptr;
}

bool has_no_body(Method request, int status) {
  return request == Method::Head || status < 200 || status == 204 || status == 304 ||
         (request == Method::Connect && status < 300);
}

/// RFC 9112 6.3, without what it lets a recipient repair.
Reason judge_framing(Method request, ResponseHead& head) {
  const http::Field* coding = head.fields.find(FieldId::TransferEncoding);
  const http::Field* length = head.fields.find(FieldId::ContentLength);
  if (coding != nullptr) {
    if (length != nullptr) return Reason::LengthAndTransferEncoding;
    if (head.version == Version::Http10) return Reason::TransferEncodingInHttp10;
    const Reason reason = judge_transfer_encoding(coding->value);
    if (reason != Reason::None) return reason;
  }
  if (length != nullptr) {
    if (!parse_content_length(length->value, head.length)) return Reason::BadContentLength;
    head.has_length = true;
  }

  if (has_no_body(request, head.status)) {
    head.framing = {};
  } else if (coding != nullptr) {
    head.framing.kind = Framing::Kind::Chunked;
  } else if (length != nullptr) {
    head.framing = {Framing::Kind::Length, head.length};
  } else {
    head.framing.kind = Framing::Kind::UntilClose;
  }
  return Reason::None;
}

bool allows_keep_alive(const ResponseHead& head) {
  const http::ConnectionOptions& said = head.connection;
  if (said.close || said.malformed || head.framing.kind == Framing::Kind::UntilClose) return false;
  // An answer that cannot have a body announces one: some backends then send it.
  const bool never_body = head.status < 200 || head.status == 204;
  if (never_body && (head.length != 0 || head.fields.contains(FieldId::TransferEncoding))) return false;
  return head.version != Version::Http10 || said.keep_alive;
}

}  // namespace

void ResponseParser::start(const HeadLimits& limits, Method request, const ResponseOptions& options) noexcept {
  begin(limits, options.allow_bare_lf, State::FirstLine);
  request_ = request;
}

ParseStatus ResponseParser::first_line(std::string_view bytes, ResponseHead& head) {
  // What is not HTTP/1 may never send a LF: no need to wait for one. An octet beyond a limit is not looked at, or a
  // head that arrives at once would be refused for another reason than one that drips.
  const std::size_t max_line = lines_.limits().max_line;
  const std::size_t last = std::min({max_line, lines_.limits().max_total - 1, kVersionBegin.size() - 1});
  const std::size_t seen = std::min(bytes.size(), last + 1);
  if (bytes.substr(0, seen) != kVersionBegin.substr(0, seen)) return fail(Reason::BadStatusLine);

  if (!lines_.may_be_complete(bytes)) return fail(lines_.unfinished(bytes, max_line));
  Reason reason = Reason::None;
  const char* const end = bytes.data() + bytes.size();
  const char* const next = read_status_line(bytes.data(), end, allow_bare_lf_, head, reason);
  if (next == nullptr) return fail(lines_.reject(bytes, max_line, reason));
  reason = lines_.accept(next, max_line);
  return reason == Reason::None ? ParseStatus::Complete : fail(reason);
}

Reason ResponseParser::judge(ResponseHead& head) const {
  Reason reason = judge_framing(request_, head);
  if (reason == Reason::None) reason = parse_connection(head.fields, head.connection);
  if (head.fields.count(FieldId::Upgrade) == 1) head.upgrade = head.fields.value(FieldId::Upgrade);
  head.keep_alive = allows_keep_alive(head);
  return reason;
}

}  // namespace weir::http1
