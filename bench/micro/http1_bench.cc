// What the heads and chunks of one proxied request cost: the head parsed as received and written anew, the answer's
// head both ways, a chunked body decoded.
//
//   build/bench/micro/http1_bench --benchmark_repetitions=7 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <array>
#include <memory_resource>
#include <string>
#include <string_view>

#include "http1/chunked_decoder.h"
#include "http1/head_writer.h"
#include "http1/request_parser.h"
#include "http1/response_parser.h"

namespace {

using namespace weir;
using namespace weir::http1;

/// A browser's request, as bench/compare sends it.
constexpr std::string_view kRequest =
    "GET /static/app.js?v=17 HTTP/1.1\r\n"
    "Host: www.example.com\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Cookie: session=7f3a9c2e51d84b06; theme=dark\r\n"
    "Connection: keep-alive\r\n"
    "\r\n";
constexpr std::string_view kShortRequest = "GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n";
constexpr std::string_view kResponse =
    "HTTP/1.1 200 OK\r\n"
    "Server: origin\r\n"
    "Date: Tue, 10 Nov 2026 10:00:00 GMT\r\n"
    "Content-Type: application/javascript\r\n"
    "Content-Length: 128\r\n"
    "ETag: \"65a1b2c3-80\"\r\n"
    "Cache-Control: max-age=3600\r\n"
    "\r\n";

/// Memory for the fields of a head that needs none from outside, as an exchange's arena does not.
struct HeadMemory {
  std::array<std::byte, 8192> space;
  std::pmr::monotonic_buffer_resource resource{space.data(), space.size(), std::pmr::null_memory_resource()};
};

void parse_request(benchmark::State& state, std::string_view bytes) {
  for (auto _ : state) {
    HeadMemory memory;
    http::RequestHead head(&memory.resource);
    RequestParser parser;
    parser.start({});
    if (parser.parse(bytes, head) != ParseStatus::Complete) return state.SkipWithError("the head is refused");
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes.size()));
}
BENCHMARK_CAPTURE(parse_request, browser, kRequest);
BENCHMARK_CAPTURE(parse_request, short, kShortRequest);

/// One octet more in each call: what a client that drips costs in total.
void parse_dripping_request(benchmark::State& state) {
  for (auto _ : state) {
    HeadMemory memory;
    http::RequestHead head(&memory.resource);
    RequestParser parser;
    parser.start({});
    ParseStatus status = ParseStatus::Incomplete;
    for (std::size_t size = 1; size <= kRequest.size(); ++size) status = parser.parse(kRequest.substr(0, size), head);
    if (status != ParseStatus::Complete) return state.SkipWithError("the head is refused");
    benchmark::DoNotOptimize(head);
  }
}
BENCHMARK(parse_dripping_request);

void parse_response(benchmark::State& state) {
  for (auto _ : state) {
    HeadMemory memory;
    http::ResponseHead head(&memory.resource);
    ResponseParser parser;
    parser.start({}, http::Method::Get);
    if (parser.parse(kResponse, head) != ParseStatus::Complete) return state.SkipWithError("the head is refused");
    benchmark::DoNotOptimize(head);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kResponse.size()));
}
BENCHMARK(parse_response);

/// The request to the backend: all fields but those of this connection, Host replaced, the usual three added.
void rewrite_request(benchmark::State& state) {
  HeadMemory memory;
  http::RequestHead head(&memory.resource);
  RequestParser parser;
  parser.start({});
  if (parser.parse(kRequest, head) != ParseStatus::Complete) return state.SkipWithError("the head is refused");
  std::array<char, 4096> space;
  for (auto _ : state) {
    HeadWriter out(space);
    out.request_line(head.method_name, head.target, http::Version::Http11).field("Host", "backend");
    for (const http::Field& field : head.fields) {
      if (field.id == http::FieldId::Host || http::is_hop_by_hop(field, head.connection)) continue;
      out.field(field);
    }
    out.field("X-Real-IP", "203.0.113.7").field("X-Forwarded-For", "203.0.113.7").field("X-Forwarded-Proto", "http");
    out.framing(head.framing).end();
    if (out.overflowed()) return state.SkipWithError("the head is too long");
    benchmark::DoNotOptimize(out.text().data());
  }
}
BENCHMARK(rewrite_request);

void rewrite_response(benchmark::State& state) {
  HeadMemory memory;
  http::ResponseHead head(&memory.resource);
  ResponseParser parser;
  parser.start({}, http::Method::Get);
  if (parser.parse(kResponse, head) != ParseStatus::Complete) return state.SkipWithError("the head is refused");
  std::array<char, 4096> space;
  for (auto _ : state) {
    HeadWriter out(space);
    out.status_line(http::Version::Http11, head.status, head.reason).field("Server", "weir");
    for (const http::Field& field : head.fields) {
      if (field.id == http::FieldId::Server || field.id == http::FieldId::ContentLength) continue;
      if (!http::is_hop_by_hop(field, head.connection)) out.field(field);
    }
    out.framing(head.framing).field("Connection", "keep-alive").end();
    if (out.overflowed()) return state.SkipWithError("the head is too long");
    benchmark::DoNotOptimize(out.text().data());
  }
}
BENCHMARK(rewrite_response);

/// 64 KiB in chunks of the given size.
void decode_chunked(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::string data(size, 'x');
  std::string coded;
  for (std::size_t sent = 0; sent < 65536; sent += size) {
    char line[18];
    coded.append(line, write_chunk_size(size, line)).append(data).append(kChunkEnd);
  }
  coded += kLastChunk;
  ChunkedDecoder decoder(std::pmr::null_memory_resource());
  for (auto _ : state) {
    decoder.start(Side::Backend);
    std::string_view input = coded, piece;
    while (decoder.next(input, piece) == ChunkedDecoder::Event::Data) benchmark::DoNotOptimize(piece.data());
    if (!decoder.ended()) return state.SkipWithError("the body is refused");
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * 65536);
}
BENCHMARK(decode_chunked)->Arg(16)->Arg(1024)->Arg(8192);

}  // namespace
