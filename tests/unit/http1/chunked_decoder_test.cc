#include "http1/chunked_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feeding.h"

namespace weir::http1 {
namespace {

TEST(ChunkedDecoder, DecodesChunks) {
  EXPECT_EQ(decode_chunked("0\r\n\r\n"), "ok ");
  EXPECT_EQ(decode_chunked("5\r\nhello\r\n0\r\n\r\n"), "ok hello");
  EXPECT_EQ(decode_chunked("5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n"), "ok hello, world");
  EXPECT_EQ(decode_chunked("00a\r\n0123456789\r\n000\r\n\r\n"), "ok 0123456789");
  EXPECT_EQ(decode_chunked("A\r\n0123456789\r\n0\r\n\r\n"), "ok 0123456789");
  EXPECT_EQ(decode_chunked("2\r\n\r\n\r\n0\r\n\r\n"), "ok \r\n") << "data may look like framing";
}

TEST(ChunkedDecoder, LeavesWhatFollowsTheBody) {
  EXPECT_EQ(decode_chunked("1\r\nx\r\n0\r\n\r\nGET /"), "ok x left 5");
}

TEST(ChunkedDecoder, WaitsForTheEnd) {
  for (const char* part : {"", "5", "5\r", "5\r\n", "5\r\nhel", "5\r\nhello", "5\r\nhello\r", "5\r\nhello\r\n",
                           "5\r\nhello\r\n0", "0\r\n", "0\r\n\r", "0\r\nx: y", "0\r\nx: y\r\n", "5;ext"})
    EXPECT_EQ(decode_chunked(part), "incomplete") << part;
}

TEST(ChunkedDecoder, DropsExtensions) {
  EXPECT_EQ(decode_chunked("1;a\r\nx\r\n0;b=c;d=\"e;f\"\r\n\r\n"), "ok x");
  EXPECT_EQ(decode_chunked("1 ;a\r\nx\r\n0\t; b = c\r\n\r\n"), "ok x");
  EXPECT_EQ(decode_chunked("1;\xff\r\nx\r\n0;\r\n\r\n"), "ok x");
}

TEST(ChunkedDecoder, RefusesSizes) {
  const struct {
    const char* bytes;
    Reason reason = Reason::BadChunkSize;
  } cases[] = {
      {"\r\n"},
      {";a\r\n"},
      {"-1\r\n"},
      {"+1\r\n"},
      {"0x1\r\n"},
      {" 1\r\n"},
      {"\t1\r\n"},
      {"1 \r\n"},
      {"1\t\r\n"},
      {"1 2\r\n"},
      {"g\r\n"},
      {"1g\r\n"},
      {"1,2\r\n"},
      {"1.\r\n"},
      {"\xb9\r\n"},
      {"1\x0b\r\n"},
      {"1\n", Reason::BareLf},
      {"0\n\n", Reason::BareLf},
      {"1;a\nx", Reason::BareLf},
      {"1 \n", Reason::BareLf},
      {"1\rx", Reason::BareCr},
      {"1\r\r\n", Reason::BareCr},
      {"1;a\rb\r\n", Reason::BareCr},
      {"1;a\x01\r\n", Reason::BadChunkExtension},
      {"1;a\x7f\r\n", Reason::BadChunkExtension},
      {"8000000000000000\r\n", Reason::ChunkTooLarge},
      {"ffffffffffffffff\r\n", Reason::ChunkTooLarge},
      {"10000000000000000\r\n", Reason::ChunkTooLarge},
      {"00000000000000001\r\n", Reason::ChunkTooLarge},
      {"100000000000000005\r\n", Reason::ChunkTooLarge},
  };
  for (const auto& [bytes, reason] : cases) {
    EXPECT_EQ(decode_chunked(bytes), bad(reason, 400)) << bytes;
    EXPECT_EQ(decode_chunked(bytes, {}, Side::Backend), bad(reason, 502)) << bytes;
    EXPECT_EQ(decode_chunked("1\r\nx\r\n" + std::string(bytes)), bad(reason, 400)) << "second chunk: " << bytes;
  }
  EXPECT_EQ(decode_chunked(std::string_view("1\0\r\n", 4)), bad(Reason::BadChunkSize, 400));
  EXPECT_EQ(decode_chunked(std::string_view("1;\0\r\n", 5)), bad(Reason::BadChunkExtension, 400));
}

TEST(ChunkedDecoder, TakesTheLargestSize) {
  EXPECT_EQ(decode_chunked("7fffffffffffffff\r\nx"), "incomplete");
  EXPECT_EQ(decode_chunked("0000000000000001\r\nx\r\n0\r\n\r\n"), "ok x");
}

TEST(ChunkedDecoder, RefusesChunksThatDoNotEndWhereTheySay) {
  EXPECT_EQ(decode_chunked("4\r\nSEE-THIS\r\n0\r\n\r\n"), bad(Reason::BadChunkEnd, 400));
  EXPECT_EQ(decode_chunked("4\r\nSEE\r\n0\r\n\r\n"), bad(Reason::BadChunkEnd, 400));
  EXPECT_EQ(decode_chunked("1\r\nx0\r\n\r\n"), bad(Reason::BadChunkEnd, 400));
  EXPECT_EQ(decode_chunked("1\r\nx\n0\r\n\r\n"), bad(Reason::BadChunkEnd, 400));
  EXPECT_EQ(decode_chunked("1\r\nx\rx0\r\n\r\n"), bad(Reason::BadChunkEnd, 400));
  EXPECT_EQ(decode_chunked("1\r\nx\r\n\r\n"), bad(Reason::BadChunkSize, 400));
}

TEST(ChunkedDecoder, BoundsExtensionsOfTheWholeBody) {
  const ChunkLimits limits{.max_extensions = 4};
  EXPECT_EQ(decode_chunked("1;aa\r\nx\r\n1;aa\r\nx\r\n0\r\n\r\n", limits), "ok xx");
  EXPECT_EQ(decode_chunked("1;aa\r\nx\r\n1;aaa\r\nx\r\n0\r\n\r\n", limits), bad(Reason::ChunkExtensionsTooLong, 400));
  EXPECT_EQ(decode_chunked("1;aaaaa\x01\r\n", limits), bad(Reason::ChunkExtensionsTooLong, 400));
  EXPECT_EQ(decode_chunked("1     ;a\r\n", limits), bad(Reason::ChunkExtensionsTooLong, 400));
  EXPECT_EQ(decode_chunked("1;" + std::string(100, 'a'), limits), bad(Reason::ChunkExtensionsTooLong, 400));
}

TEST(ChunkedDecoder, ExposesTrailersButNotThoseThatComeTooLate) {
  EXPECT_EQ(decode_chunked("1\r\nx\r\n0\r\nX-Sum: 1 \r\nETag: \"a\"\r\n\r\nrest"),
            "ok x trailers [X-Sum: 1] [ETag: \"a\"] left 4");
  EXPECT_EQ(
      decode_chunked("0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: a\r\nx: y\r\nAuthorization: a\r\n"
                     "Set-Cookie: a\r\nX-Forwarded-For: a\r\nX_Sum: 1\r\n\r\n"),
      "ok  trailers [x: y] dropped=7");
}

TEST(ChunkedDecoder, RefusesTrailers) {
  const struct {
    const char* trailers;
    Reason reason;
  } cases[] = {
      {"x\r\n\r\n", Reason::MissingColon},
      {": y\r\n\r\n", Reason::EmptyName},
      {"x : y\r\n\r\n", Reason::SpaceBeforeColon},
      {"x: y\r\n z\r\n\r\n", Reason::ObsoleteFolding},
      {" x: y\r\n\r\n", Reason::ObsoleteFolding},
      {"x: y\n\r\n", Reason::BareLf},
      {"x: y\r\n\n", Reason::BareLf},
      {"\n", Reason::BareLf},
      {"\r\r\n", Reason::BareCr},
      {"x: a\rb\r\n\r\n", Reason::BareCr},
      {"x: a\x01\r\n\r\n", Reason::ControlOctet},
      {"GET / HTTP/1.1\r\n\r\n", Reason::BadName},
  };
  for (const auto& [trailers, reason] : cases)
    EXPECT_EQ(decode_chunked("0\r\n" + std::string(trailers)), bad(reason, 400)) << trailers;
}

TEST(ChunkedDecoder, BoundsTrailers) {
  const std::string line = "x: y\r\n";
  const auto limits = [](std::size_t total, std::size_t field, std::size_t count) {
    return ChunkLimits{.trailers = {.max_field_line = field, .max_total = total, .max_fields = count}};
  };
  EXPECT_EQ(decode_chunked("0\r\n" + line + line + "\r\n", limits(12, 100, 2)), "ok  trailers [x: y] [x: y]");
  EXPECT_EQ(decode_chunked("0\r\n" + line + line + "\r\n", limits(11, 100, 2)), bad(Reason::TrailersTooLarge, 431));
  EXPECT_EQ(decode_chunked("0\r\n" + line + line + "\r\n", limits(12, 100, 1)), bad(Reason::TooManyTrailers, 431));
  EXPECT_EQ(decode_chunked("0\r\n" + line + line + "\r\n", limits(12, 5, 2)), bad(Reason::TrailersTooLarge, 431));
  EXPECT_EQ(decode_chunked("0\r\nHost: a\r\nHost: a\r\n\r\n", limits(99, 99, 1)), bad(Reason::TooManyTrailers, 431));
  EXPECT_EQ(decode_chunked("0\r\n" + std::string(20, 'x'), limits(12, 100, 2)), bad(Reason::TrailersTooLarge, 431));
}

TEST(ChunkedDecoder, YieldsSlicesOfItsInput) {
  ChunkedDecoder decoder(std::pmr::null_memory_resource());  // no trailers: no memory
  decoder.start(Side::Client);
  const std::string bytes = "5\r\nhello\r\n0\r\n\r\n";
  std::string_view input = bytes, data;
  ASSERT_EQ(decoder.next(input, data), ChunkedDecoder::Event::Data);
  EXPECT_EQ(data.data(), bytes.data() + 3);
  EXPECT_EQ(data, "hello");
  EXPECT_EQ(decoder.next(input, data), ChunkedDecoder::Event::End);
}

TEST(ChunkedDecoder, StartsAfresh) {
  ChunkedDecoder decoder(std::pmr::get_default_resource());
  std::string_view data;
  for (int round = 0; round < 2; ++round) {
    decoder.start(Side::Client);
    std::string_view input = "1\r\nx\r\n0\r\nHost: a\r\na: b\r\n\r\n";
    EXPECT_EQ(decoder.next(input, data), ChunkedDecoder::Event::Data);
    EXPECT_EQ(decoder.next(input, data), ChunkedDecoder::Event::End);
    EXPECT_EQ(decoder.trailers().size(), 1u);
    EXPECT_EQ(decoder.dropped_trailers(), 1u);
    EXPECT_EQ(decoder.decoded(), 1u);
  }
}

}  // namespace
}  // namespace weir::http1
