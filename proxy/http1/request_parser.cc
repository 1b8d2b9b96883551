#include "http1/request_parser.h"

#include "http1/framing.h"
#include "http1/octets.h"
#include "http1/target.h"

namespace weir::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::RequestHead;
using http::TargetForm;
using http::Version;

/// RFC 9112 2.2 wants at least one CRLF before a request tolerated: old clients send one after a body.
constexpr std::uint8_t kMaxEmptyLines = 2;

/// The version at the end of a request line. A minor version above 1 is answered as 1.1 (RFC 9110 2.5).
Reason parse_version(std::string_view text, Version& version) {
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
    return Reason::BadVersion;
  if (text[5] == '0') return Reason::BadVersion;
  if (text[5] != '1') return Reason::UnsupportedVersion;
  version = text[7] == '0' ? Version::Http10 : Version::Http11;
  return Reason::None;
}

/// Why the target ends at `at` although no space follows.
Reason bad_target(const char* at, const char* end) {
  if (at == end) return Reason::BadRequestLine;
  if (*at == '#') return Reason::TargetFragment;
  if (*at == '\n' || (*at == '\r' && at + 1 != end && at[1] == '\n')) return Reason::MissingVersion;
  return Reason::TargetOctet;
}

/// Reads `method SP target SP version` and the end of the line; returns what follows, or nullptr with a reason.
const char* read_request_line(const char* from, const char* end, const RequestOptions& options, RequestHead& head,
                              Reason& reason) {
  const char* at = from;
  while (at != end && is_token_octet(*at)) ++at;
  if (at == end || *at != ' ') {
    reason = at == end || *at == '\r' || *at == '\n' ? Reason::BadRequestLine : Reason::BadMethod;
    return nullptr;
  }
  head.method_name = {from, static_cast<std::size_t>(at - from)};

  const char* const target = ++at;
  at = find_target_end(target, end);
  head.target = {target, static_cast<std::size_t>(at - target)};
  head.fragment_cut = at != end && *at == '#' && options.cut_fragment;
  if (head.fragment_cut)
    while (at != end && (is_target_octet(*at) || *at == '#')) ++at;
  if (at == end || *at != ' ' || head.target.empty()) {
    reason = head.target.empty() ? Reason::BadRequestLine : bad_target(at, end);
    return nullptr;
  }

  const char* const version = ++at;
  at = find_control(version, end);
  const char* const next = line_end(at, end, options.allow_bare_lf, reason);
  if (next == nullptr) return nullptr;
  head.line = {from, static_cast<std::size_t>(at - from)};
  reason = parse_version({version, static_cast<std::size_t>(at - version)}, head.version);
  return reason == Reason::None ? next : nullptr;
}

/// A request line has a limit and a status of its own.
Reason for_request_line(Reason reason) {
  return reason == Reason::FieldTooLong ? Reason::RequestLineTooLong : reason;
}

/// Whether `name` becomes one that decides about framing or routing where `_` is read as `-`.
bool imitates_framing(std::string_view name) {
  char hyphened[sizeof "Transfer-Encoding"];
  if (name.size() >= sizeof hyphened) return false;
  for (std::size_t i = 0; i < name.size(); ++i) hyphened[i] = name[i] == '_' ? '-' : name[i];
  const FieldId id = http::field_id({hyphened, name.size()});
  return id == FieldId::ContentLength || id == FieldId::TransferEncoding;
}

bool is_left_out(const FieldLine& line, const RequestOptions& options) {
  const bool underscore = (line.name_classes & kUnderscore) != 0;
  if (underscore && imitates_framing(line.name)) return true;  // whatever the options say
  if (!options.ignore_invalid_headers) return false;
  return (line.name_classes & kOtherToken) != 0 || (underscore && !options.underscores_in_headers);
}

/// RFC 9112 3.2: exactly one valid Host in HTTP/1.1, and the target's authority before it.
Reason judge_host(const RequestOptions& options, RequestHead& head) {
  const http::Field* field = head.fields.find(FieldId::Host);
  if (field == nullptr) return head.version == Version::Http10 ? Reason::None : Reason::MissingHost;
  Authority authority;
  if (!parse_authority(field->value, authority)) return Reason::BadHost;
  if (head.form == TargetForm::Origin || head.form == TargetForm::Asterisk) {
    head.host = authority.host;
    head.port = authority.port;
    return Reason::None;
  }
  const unsigned default_port = head.target_https ? 443 : 80;
  if (options.refuse_host_conflict && !same_authority({head.host, head.port}, authority, default_port))
    return Reason::HostDisagrees;
  const std::string_view last = head.port.empty() ? head.host : head.port;
  const char* const end = last.data() + last.size();
  head.fields.replace(FieldId::Host, {head.host.data(), static_cast<std::size_t>(end - head.host.data())});
  return Reason::None;
}

Reason judge_framing(RequestHead& head) {
  const http::Field* coding = head.fields.find(FieldId::TransferEncoding);
  const http::Field* length = head.fields.find(FieldId::ContentLength);
  if (coding != nullptr) {
    if (length != nullptr) return Reason::LengthAndTransferEncoding;
    if (head.version == Version::Http10) return Reason::TransferEncodingInHttp10;
    head.framing.kind = Framing::Kind::Chunked;
    return judge_transfer_encoding(coding->value);
  }
  if (length != nullptr) {
    head.framing.kind = Framing::Kind::Length;
    if (!parse_content_length(length->value, head.framing.length)) return Reason::BadContentLength;
  }
  return Reason::None;
}

/// What only HTTP/1.1 has; in an HTTP/1.0 request both mean nothing (RFC 9110 7.8 and 10.1.1).
Reason judge_expectation_and_upgrade(RequestHead& head) {
  if (head.version == Version::Http10) return Reason::None;
  if (const http::Field* expect = head.fields.find(FieldId::Expect)) {
    if (!http::equal_caseless(expect->value, "100-continue")) return Reason::UnknownExpectation;
    head.expect_continue = true;
  }
  if (head.connection.upgrade && head.fields.count(FieldId::Upgrade) == 1) {
    head.wants_upgrade = true;
    head.upgrade = head.fields.value(FieldId::Upgrade);
  }
  return Reason::None;
}

bool wants_keep_alive(const RequestHead& head) {
  const http::ConnectionOptions& said = head.connection;
  if (said.close || said.malformed) return false;
  return head.version != Version::Http10 || said.keep_alive;
}

}  // namespace

void RequestParser::start(const HeadLimits& limits, const RequestOptions& options) noexcept {
  begin(limits, options.allow_bare_lf, State::EmptyLines);
  options_ = options;
  empty_lines_ = 0;
}

/// Steps over empty lines and looks at the octet after them: what cannot begin a method, such as a TLS handshake, is
/// refused at once and not when a LF happens to arrive.
ParseStatus RequestParser::empty_lines(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  for (;;) {
    const char* const at = bytes.data() + lines_.begin();
    if (at == end) return ParseStatus::Incomplete;
    if (is_token_octet(*at)) break;
    if (*at == '\r' && at + 1 == end) return ParseStatus::Incomplete;
    if (*at != '\r' && *at != '\n') return fail(Reason::BadMethod);
    Reason reason = Reason::None;
    const char* const next = line_end(at, end, options_.allow_bare_lf, reason);
    if (next == nullptr) return fail(reason);
    if (++empty_lines_ > kMaxEmptyLines) return fail(Reason::TooManyEmptyLines);
    if (const Reason limit = lines_.accept(next, lines_.limits().max_line); limit != Reason::None) return fail(limit);
  }
  state_ = State::FirstLine;
  return ParseStatus::Complete;
}

ParseStatus RequestParser::first_line(std::string_view bytes, RequestHead& head) {
  if (state_ == State::EmptyLines)
    if (const ParseStatus status = empty_lines(bytes); status != ParseStatus::Complete) return status;
  const std::size_t max_line = lines_.limits().max_line;
  if (!lines_.may_be_complete(bytes)) return fail(for_request_line(lines_.unfinished(bytes, max_line)));
  Reason reason = Reason::None;
  const char* const from = bytes.data() + lines_.begin();
  const char* const next = read_request_line(from, bytes.data() + bytes.size(), options_, head, reason);
  if (next == nullptr) return fail(for_request_line(lines_.reject(bytes, max_line, reason)));
  reason = for_request_line(lines_.accept(next, max_line));
  if (reason == Reason::None) {
    head.method = http::method_of(head.method_name);
    reason = parse_target(head.target, head);
  }
  return reason == Reason::None ? ParseStatus::Complete : fail(reason);
}

bool RequestParser::leaves_out(const FieldLine& line, RequestHead& head) const {
  if (!is_left_out(line, options_)) return false;
  ++head.dropped_fields;
  return true;
}

Reason RequestParser::judge(RequestHead& head) const {
  Reason reason = judge_framing(head);
  if (reason == Reason::None) reason = judge_host(options_, head);
  if (reason == Reason::None) reason = parse_connection(head.fields, head.connection);
  if (reason == Reason::None) reason = judge_expectation_and_upgrade(head);
  head.keep_alive = wants_keep_alive(head);
  return reason;
}

}  // namespace weir::http1
