// Any octets as an answer's head. Must hold: how they arrive makes no difference, and what is accepted has one
// framing and fields that cannot split the answer when they are written to a client.
#include <string>

#include "http1/head_writer.h"
#include "http1/response_parser.h"
#include "http1_reading.h"

namespace weir::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::Method;
using http::ResponseHead;

std::string emit(const ResponseHead& head) {
  std::string text(64, '\0');
  for (;;) {
    HeadWriter out{std::span<char>(text)};
    out.status_line(head.version, head.status, head.reason);
    for (const http::Field& field : head.fields) out.field(field.name, field.value);
    out.end();
    MUST(out.refused() == 0);
    if (!out.overflowed()) return std::string(out.text());
    text.resize(out.needed());
  }
}

void check(const ResponseHead& head, Method request) {
  MUST(head.status >= 100 && head.status <= 599);
  const bool no_body = request == Method::Head || head.status < 200 || head.status == 204 || head.status == 304 ||
                       (request == Method::Connect && head.status < 300);
  if (no_body) MUST(head.framing.kind == Framing::Kind::None);
  if (!no_body) MUST(head.framing.kind != Framing::Kind::None);
  MUST(head.fields.count(FieldId::ContentLength) + head.fields.count(FieldId::TransferEncoding) <= 1);
  MUST(head.has_length == head.fields.contains(FieldId::ContentLength));
  if (head.framing.kind == Framing::Kind::UntilClose) MUST(!head.keep_alive);
  if (head.framing.kind == Framing::Kind::Length) MUST(head.has_length && head.framing.length == head.length);
}

void run(std::string_view input) {
  const FuzzChoices choices(input);
  const ResponseOptions options{.allow_bare_lf = (choices.options & 1) != 0};
  const auto request = static_cast<Method>(choices.request % (static_cast<int>(Method::Other) + 1));
  std::unique_ptr<FuzzBlock> block, other_block;
  ResponseHead head(std::pmr::get_default_resource()), other(std::pmr::get_default_resource());
  ResponseParser parser, other_parser;
  parser.start(choices.head_limits(), request, options);
  other_parser.start(choices.head_limits(), request, options);
  const ParseStatus status = parse_in_steps(parser, input, input.size() + 1, head, block);
  MUST(parse_in_steps(other_parser, input, choices.step % 32 + 1, other, other_block) == status);
  MUST(parser.error().reason == other_parser.error().reason);
  if (status == ParseStatus::Bad) MUST(parser.error().status == 502 && !parser.error().text().empty());
  if (status != ParseStatus::Complete) return;
  MUST(parser.consumed() == other_parser.consumed());
  check(head, request);

  const std::string first = emit(head);
  MUST(first == emit(other));
  ResponseHead again(std::pmr::get_default_resource());
  parser.start({.max_line = 1 << 24, .max_field_line = 1 << 24, .max_total = 1 << 24, .max_fields = 1 << 20},
               request);
  MUST(parser.parse(first, again) == ParseStatus::Complete && parser.consumed() == first.size());
  MUST(again.framing == head.framing && again.keep_alive == head.keep_alive && again.status == head.status);
  MUST(emit(again) == first);
  std::size_t lines = 0;
  for (const char c : first) lines += c == '\n';
  MUST(lines == head.fields.size() + 2);
}

}  // namespace
}  // namespace weir::http1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http1::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
