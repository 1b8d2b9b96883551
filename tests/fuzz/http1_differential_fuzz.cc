// Any octets as what a client sends on one connection. Whatever Weir's parser accepts and its writer re-emits, body and
// all, must be read alike by every lenient model of a recipient: the next request must not begin elsewhere for anybody.
#include <string>

#include "http1/chunked_decoder.h"
#include "http1/head_writer.h"
#include "http1/request_parser.h"
#include "http1_reading.h"
#include "lenient_models.h"

namespace weir::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::RequestHead;
using Kind = Framing::Kind;

constexpr int kMostRequests = 8;

/// Takes one body off `input`. Returns false if it is not complete or not valid.
bool take_body(std::string_view& input, const Framing& framing, std::string& body) {
  if (framing.kind == Kind::Length) {
    if (framing.length > input.size()) return false;
    body = input.substr(0, static_cast<std::size_t>(framing.length));
    input.remove_prefix(static_cast<std::size_t>(framing.length));
    return true;
  }
  if (framing.kind != Kind::Chunked) return true;
  ChunkedDecoder decoder(std::pmr::get_default_resource());
  decoder.start(Side::Client);
  for (;;) {
    std::string_view data;
    switch (decoder.next(input, data)) {
      case ChunkedDecoder::Event::Data: body += data; break;
      case ChunkedDecoder::Event::End: return true;
      default: return false;
    }
  }
}

/// What a backend is sent: as http1::BackendConnection and http::compose_request write it, with no field set by Weir.
std::string emit(const RequestHead& head, std::string_view body) {
  std::string text(256, '\0');
  for (;;) {
    HeadWriter out{std::span<char>(text)};
    out.request_line(head.method_name, head.path_or_root(), head.version);
    if (!head.fields.contains(FieldId::Host)) out.field("Host", "none");
    for (const http::Field& field : head.fields)
      if (field.id != FieldId::ContentLength && !http::is_hop_by_hop(field, head.connection))
        out.field(field.name, field.value);
    out.framing(head.framing).end();
    if (!out.overflowed()) {
      std::string octets(out.text());
      if (head.framing.kind == Kind::Length) octets += body;
      if (head.framing.kind == Kind::Chunked) {
        // In two chunks, as a body that arrived in two pieces.
        for (const std::string_view piece : {body.substr(0, body.size() / 2), body.substr(body.size() / 2)}) {
          if (piece.empty()) continue;
          char size[18];
          octets.append(size, write_chunk_size(piece.size(), size));
          octets += piece;
          octets += "\r\n";
        }
        octets += "0\r\n\r\n";
      }
      return octets;
    }
    text.resize(out.needed());
  }
}

void run(std::string_view input) {
  const FuzzChoices choices(input);
  const RequestOptions options{.ignore_invalid_headers = (choices.options & 1) == 0,
                               .underscores_in_headers = (choices.options & 2) != 0,
                               .allow_bare_lf = (choices.options & 4) != 0,
                               .cut_fragment = (choices.options & 16) != 0};
  std::string forwarded;
  std::vector<std::pair<std::string, std::string>> wanted;  // target and body of each request
  for (int i = 0; i < kMostRequests && !input.empty(); ++i) {
    RequestParser parser;
    parser.start({}, options);
    RequestHead head(std::pmr::get_default_resource());
    if (parser.parse(input, head) != ParseStatus::Complete) break;
    input.remove_prefix(parser.consumed());
    std::string body;
    if (head.form == http::TargetForm::Authority || !take_body(input, head.framing, body)) break;
    forwarded += emit(head, body);
    wanted.emplace_back(head.path_or_root(), std::move(body));
    if (!head.keep_alive) break;
  }
  if (forwarded.empty()) return;
  MUST(!conformance::ambiguity_of(forwarded));
  const conformance::SeenRequests seen = conformance::read_as(conformance::lenient_models().front(), forwarded);
  MUST(seen.requests.size() == wanted.size() && seen.rest.empty());
  for (std::size_t i = 0; i < wanted.size(); ++i)
    MUST(seen.requests[i].target == wanted[i].first && seen.requests[i].body == wanted[i].second);
}

}  // namespace
}  // namespace weir::http1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http1::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
