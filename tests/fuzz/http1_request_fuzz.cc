// Any octets as a request head. Must hold: how they arrive makes no difference; what is accepted satisfies the
// invariants of RequestHead; and what HeadWriter makes of it parses to the same head again, also by the simple rules
// of a lenient parser.
#include <string>

#include "http1/head_writer.h"
#include "http1/request_parser.h"
#include "http1_reading.h"

namespace weir::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::RequestHead;
using http::TargetForm;

bool same_fields(const http::Fields& a, const http::Fields& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].name != b[i].name || a[i].value != b[i].value || a[i].id != b[i].id) return false;
  return true;
}

bool same_heads(const RequestHead& a, const RequestHead& b) {
  return a.method == b.method && a.form == b.form && a.version == b.version && a.has_query == b.has_query &&
         a.keep_alive == b.keep_alive && a.expect_continue == b.expect_continue &&
         a.wants_upgrade == b.wants_upgrade && a.target_https == b.target_https && a.method_name == b.method_name &&
         a.target == b.target && a.path == b.path && a.query == b.query && a.host == b.host && a.port == b.port &&
         a.upgrade == b.upgrade && a.framing == b.framing && a.connection.nominated == b.connection.nominated &&
         same_fields(a.fields, b.fields);
}

bool has_octet(std::string_view text, std::string_view octets) {
  return text.find_first_of(octets) != text.npos;
}

void check_invariants(const RequestHead& head, std::string_view bytes, std::size_t consumed) {
  const auto inside = [&](std::string_view slice) {
    return slice.data() == nullptr ||
           (slice.data() >= bytes.data() && slice.data() + slice.size() <= bytes.data() + consumed);
  };
  for (const std::string_view slice :
       {head.method_name, head.target, head.line, head.path, head.query, head.host, head.port, head.upgrade})
    MUST(inside(slice) && !has_octet(slice, std::string_view("\r\n\0", 3)));
  MUST(!head.method_name.empty() && !head.target.empty());
  for (const char c : head.target) MUST(c > 0x20 && c < 0x7f && c != '#');
  MUST(head.form != TargetForm::Origin || head.path.front() == '/');
  MUST(!has_octet(head.host, "@/?#\\ \t") && !has_octet(head.port, "@/?#:"));
  MUST(!head.host.empty() || head.version == http::Version::Http10);

  for (const http::Field& field : head.fields) {
    MUST(inside(field.name) && inside(field.value) && !field.name.empty());
    MUST(!has_octet(field.name, std::string_view(" \t:\r\n\0", 6)) &&
         !has_octet(field.value, std::string_view("\r\n\0", 3)));
    MUST(field.value.empty() ||
         (!has_octet(field.value.substr(0, 1), " \t") && field.value.back() != ' ' && field.value.back() != '\t'));
  }
  MUST(head.fields.count(FieldId::Host) <= 1);
  const std::size_t lengths = head.fields.count(FieldId::ContentLength);
  const std::size_t codings = head.fields.count(FieldId::TransferEncoding);
  MUST(lengths + codings <= 1);
  MUST((head.framing.kind == Framing::Kind::Length) == (lengths == 1));
  MUST((head.framing.kind == Framing::Kind::Chunked) == (codings == 1));
  MUST(head.framing.kind != Framing::Kind::UntilClose && head.framing.length < std::uint64_t{1} << 63);
}

/// The head written anew, framing from its parsed form.
std::string emit(const RequestHead& head) {
  std::string text(64, '\0');
  for (;;) {
    HeadWriter out{std::span<char>(text)};
    out.request_line(head.method_name, head.target, head.version);
    for (const http::Field& field : head.fields) {
      if (field.id == FieldId::ContentLength || field.id == FieldId::TransferEncoding)
        out.framing(head.framing);
      else
        out.field(field.name, field.value);
    }
    out.end();
    MUST(out.refused() == 0);
    if (!out.overflowed()) return std::string(out.text());
    text.resize(out.needed());
  }
}

/// The framing fields may change their spelling ("007", "Chunked"); all else stays.
void check_emitted(const RequestHead& head, const RequestOptions& options) {
  const std::string first = emit(head);
  RequestOptions keep = options;
  keep.allow_bare_lf = false;
  const HeadLimits wide{.max_line = 1 << 24, .max_field_line = 1 << 24, .max_total = 1 << 24, .max_fields = 1 << 20};
  RequestParser parser;
  parser.start(wide, keep);
  RequestHead again(std::pmr::get_default_resource());
  MUST(parser.parse(first, again) == ParseStatus::Complete);
  MUST(parser.consumed() == first.size());
  MUST(again.framing == head.framing && again.host == head.host && again.port == head.port &&
       again.keep_alive == head.keep_alive && again.target == head.target &&
       again.fields.size() == head.fields.size());
  const std::string second = emit(again);
  MUST(second == first);

  RequestHead third(std::pmr::get_default_resource());
  parser.start(wide, keep);
  MUST(parser.parse(second, third) == ParseStatus::Complete);
  MUST(same_heads(again, third));

  // A lenient reader, which ends lines at any LF and the head at the first empty one, sees the same lines.
  std::size_t lines = 0;
  for (std::size_t i = 0; i < first.size(); ++i) {
    MUST(first[i] != '\r' || (i + 1 < first.size() && first[i + 1] == '\n'));
    MUST(first[i] != '\n' || (i > 0 && first[i - 1] == '\r'));
    lines += first[i] == '\n';
  }
  MUST(lines == head.fields.size() + 2);
  MUST(first.find("\r\n ") == first.npos && first.find("\r\n\t") == first.npos);
  MUST(first.find("\r\n\r\n") == first.size() - 4);
}

void run(std::string_view input) {
  const FuzzChoices choices(input);
  const RequestOptions options{.ignore_invalid_headers = (choices.options & 1) == 0,
                               .underscores_in_headers = (choices.options & 2) != 0,
                               .allow_bare_lf = (choices.options & 4) != 0,
                               .refuse_host_conflict = (choices.options & 8) != 0,
                               .cut_fragment = (choices.options & 16) != 0};
  std::unique_ptr<FuzzBlock> block, other_block;
  RequestHead head(std::pmr::get_default_resource()), other(std::pmr::get_default_resource());
  RequestParser parser, other_parser;
  parser.start(choices.head_limits(), options);
  other_parser.start(choices.head_limits(), options);
  const ParseStatus status = parse_in_steps(parser, input, input.size() + 1, head, block);
  MUST(parse_in_steps(other_parser, input, choices.step % 32 + 1, other, other_block) == status);
  MUST(parser.error().reason == other_parser.error().reason);
  MUST((status == ParseStatus::Bad) == static_cast<bool>(parser.error()));
  if (status == ParseStatus::Bad) MUST(parser.error().status >= 400 && !parser.error().text().empty());
  if (status != ParseStatus::Complete) return;
  MUST(parser.consumed() == other_parser.consumed() && same_heads(head, other) && head.line == other.line);
  check_invariants(head, block->view(), parser.consumed());
  check_emitted(head, options);
}

}  // namespace
}  // namespace weir::http1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http1::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
