// Any octets as a chunked body. Must hold: how they arrive makes no difference, and what is accepted, coded anew, is
// decoded to the same body.
#include <algorithm>
#include <string>

#include "http1/chunked_decoder.h"
#include "http1/head_writer.h"
#include "http1_reading.h"

namespace weir::http1 {
namespace {

using Event = ChunkedDecoder::Event;

struct Result {
  Event event = Event::NeedInput;
  Reason reason = Reason::None;
  std::string body, trailers;
  std::size_t left = 0;  // octets after the end

  bool operator==(const Result&) const = default;
};

Result decode(std::string_view bytes, std::size_t step, const ChunkLimits& limits) {
  ChunkedDecoder decoder(std::pmr::get_default_resource());
  decoder.start(Side::Client, limits);
  Result result;
  for (std::size_t from = 0; from < bytes.size() && result.event == Event::NeedInput; from += step) {
    const FuzzBlock block(bytes.substr(from, step));
    std::string_view input = block.view(), data;
    while ((result.event = decoder.next(input, data)) == Event::Data) {
      MUST(!data.empty());
      result.body += data;
    }
    MUST(result.event != Event::NeedInput || input.empty());
    if (result.event == Event::End) result.left = bytes.size() - std::min(bytes.size(), from + step) + input.size();
  }
  result.reason = decoder.error().reason;
  MUST((result.event == Event::Bad) == (result.reason != Reason::None));
  MUST(decoder.decoded() == result.body.size());
  for (const http::Field& field : decoder.trailers()) {
    MUST(field.id == http::FieldId::Other || field.id == http::FieldId::ETag);
    result.trailers.append(field.name).append(": ").append(field.value).append("\r\n");
  }
  return result;
}

void run(std::string_view input) {
  const FuzzChoices choices(input);
  ChunkLimits limits;
  if (choices.limits >= 192) {
    limits.max_extensions = choices.limits % 17u;
    limits.trailers = choices.head_limits();
  }
  const Result whole = decode(input, input.size() + 1, limits);
  MUST(decode(input, choices.step % 32 + 1, limits) == whole);
  if (whole.event != Event::End) return;

  std::string coded;
  if (!whole.body.empty()) {
    char size[18];
    coded.append(size, write_chunk_size(whole.body.size(), size)).append(whole.body).append(kChunkEnd);
  }
  coded.append("0\r\n").append(whole.trailers).append("\r\n");
  const Result again = decode(coded, coded.size(), {});
  MUST(again.event == Event::End && again.body == whole.body && again.trailers == whole.trailers && again.left == 0);
}

}  // namespace
}  // namespace weir::http1

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http1::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
