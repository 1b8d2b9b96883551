// Any octets as the value of a field that Weir reads itself: a date, credentials, ranges, an address. The first octet says
// which. Must hold: what is read, written anew, is read to the same again; ranges lie within the body.
#include <string>

#include "http/base64.h"
#include "http/byte_ranges.h"
#include "http/credentials.h"
#include "http/date.h"
#include "must.h"
#include "net/endpoint.h"

namespace weir::http {
namespace {

void read_date(std::string_view text) {
  const std::time_t time = parse_http_date(text);
  if (time == -1) return;
  MUST(time >= 0);
  MUST(parse_http_date(http_date(time)) == time);
}

void read_base64(std::string_view text) {
  const auto octets = decode_base64(text);
  if (!octets) return;
  MUST(octets->size() <= text.size());
  MUST(decode_base64(encode_base64(*octets)) == octets);
}

void read_credentials(std::string_view text) {
  const auto read = basic_credentials(text);
  if (!read) return;
  MUST(read->user.find(':') == read->user.npos);
  const auto again = basic_credentials("Basic " + encode_base64(read->user + ":" + read->password));
  MUST(again && again->user == read->user && again->password == read->password);
}

void read_ranges(std::string_view text) {
  if (text.empty() || !names_byte_ranges(text.substr(1))) return;
  const std::uint64_t size = static_cast<unsigned char>(text[0]);
  for (const std::uint32_t most : {1u, 3u, 1000u}) {
    ByteRanges ranges;
    const RangeReading reading = read_byte_ranges(text.substr(1), size, most, ranges);
    MUST(ranges.size() <= most);
    for (const ByteRange& range : ranges) MUST(range.from < range.end && range.end <= size);
    if (reading != RangeReading::Good || ranges.empty()) continue;
    std::string written = "bytes=";
    for (const ByteRange& range : ranges)
      written += std::to_string(range.from) + '-' + std::to_string(range.end - 1) + ',';
    written.pop_back();
    ByteRanges again;
    MUST(read_byte_ranges(written, size, most, again) == RangeReading::Good && again.size() == ranges.size());
    for (std::size_t i = 0; i < ranges.size(); ++i) MUST(again[i].from == ranges[i].from && again[i].end == ranges[i].end);
  }
}

void read_address(std::string_view text) {
  const auto endpoint = net::Endpoint::parse(text);
  if (!endpoint) return;
  const auto again = net::Endpoint::parse(endpoint->to_string());
  MUST(again && *again == *endpoint);
}

void run(std::string_view input) {
  if (input.empty()) return;
  const std::string text(input.substr(1));  // a copy of its own: what lies beyond it must not be touched
  switch (static_cast<unsigned char>(input[0]) % 5) {
    case 0: return read_date(text);
    case 1: return read_base64(text);
    case 2: return read_credentials(text);
    case 3: return read_ranges(text);
    case 4: return read_address(text);
  }
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
