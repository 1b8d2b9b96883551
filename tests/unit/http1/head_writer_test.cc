#include "http1/head_writer.h"

#include "http/reason_phrase.h"
#include "http1/request_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::http1 {
namespace {

using http::Framing;
using http::Version;

TEST(HeadWriter, WritesARequest) {
  char space[200];
  HeadWriter out(space);
  out.request_line("POST", "/a?b", Version::Http11)
      .field("Host", "example.com")
      .field({"X-Empty", "", http::FieldId::Other})
      .framing({Framing::Kind::Length, 18446744073709551615u})
      .raw("a: b\r\n")
      .end();
  EXPECT_EQ(
      out.text(),
      "POST /a?b HTTP/1.1\r\nHost: example.com\r\nX-Empty: \r\nContent-Length: 18446744073709551615\r\na: b\r\n\r\n");
  EXPECT_EQ(out.needed(), out.text().size());
  EXPECT_FALSE(out.overflowed());
}

TEST(HeadWriter, WritesAnAnswer) {
  char space[200];
  HeadWriter out(space);
  out.status_line(Version::Http10, 404).framing({Framing::Kind::Chunked}).framing({}).end();
  EXPECT_EQ(out.text(), "HTTP/1.0 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n");
  HeadWriter other(space);
  other.status_line(Version::Http2, 299, "").framing({Framing::Kind::UntilClose}).end();
  EXPECT_EQ(other.text(), "HTTP/1.1 299 \r\n\r\n");
}

TEST(HeadWriter, LeavesOutWhatWouldBreakItsLine) {
  char space[200];
  HeadWriter out(space);
  out.field("a", "b\r\nSet-Cookie: c").field("a", "b\n").field("a", std::string_view("b\0c", 3)).field("", "b");
  out.field("a b", "c").field("a:", "c").field("a\r\nb", "c");
  EXPECT_EQ(out.text(), "");
  EXPECT_EQ(out.refused(), 7u);
  out.field("a", "tab\tand \xff\x01");
  EXPECT_EQ(out.text(), "a: tab\tand \xff\x01\r\n");
}

TEST(HeadWriter, FindsALineEndWhereverItLies) {
  for (std::size_t size = 1; size < 40; ++size)
    for (std::size_t at = 0; at < size; ++at)
      for (const char octet : {'\r', '\n', '\0', '\t', '\x0e', '\x80', '\x8d', '\xff'}) {
        std::string value(size, 'v');
        value[at] = octet;
        char space[100];
        HeadWriter out(space);
        out.own("a", value);
        EXPECT_EQ(out.refused(), octet == '\r' || octet == '\n' || octet == '\0' ? 1u : 0u) << size << " " << at;
      }
}

TEST(HeadWriter, ChecksAFieldUnlessAParserHas) {
  char space[200];
  HeadWriter out(space);
  out.field(http::Field{"X-From-Variable", "b\r\nSet-Cookie: c"});
  EXPECT_EQ(out.text(), "");
  EXPECT_EQ(out.refused(), 1u);
  out.field(http::Field{"X-Parsed", "b", http::FieldId::Other, true});
  EXPECT_EQ(out.text(), "X-Parsed: b\r\n");
}

TEST(HeadWriter, WritesFieldsAsIfSinglyWhereverTheyLie) {
  const std::string bytes =
      "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B:2\r\nX-C:  3\r\nX-D: 4 \r\nX-E: 5\nX-F: \r\nX-G:\r\nX-H:\t8\r\nX-I: 9\r\n\r\n";
  http::RequestHead head(std::pmr::get_default_resource());
  RequestParser parser;
  parser.start({}, {.allow_bare_lf = true});
  ASSERT_EQ(parser.parse(bytes, head), ParseStatus::Complete);
  std::string lines;
  for (const http::Field& field : head.fields)
    if (field.is_line) lines += field.line();
  EXPECT_EQ(lines, "Host: a\r\nX-A: 1\r\nX-F: \r\nX-I: 9\r\n");

  http::Fields fields(std::pmr::get_default_resource());
  for (std::size_t i : {0, 1, 3, 4, 5, 6, 7, 8, 9, 1, 0}) fields.add(head.fields[i]);
  fields.add("Cookie", "c");
  fields.replace(http::FieldId::Host, "other");
  char space[200];
  HeadWriter out(space);
  out.fields(fields.all());
  EXPECT_EQ(out.text(),
            "Host: other\r\nX-A: 1\r\nX-C: 3\r\nX-D: 4\r\nX-E: 5\r\nX-F: \r\nX-G: \r\nX-H: 8\r\nX-I: 9\r\nX-A: 1\r\n"
            "Host: a\r\nCookie: c\r\n");
}

TEST(HeadWriter, NeverWritesBeyondItsSpaceAndSaysHowMuchItNeeds) {
  std::string whole;
  for (std::size_t size = 0; size < 60; ++size) {
    std::string space(size + 8, '#');
    HeadWriter out(std::span<char>(space.data(), size));
    out.status_line(Version::Http11, 200).field("Server", "weir").field("a", "").field("n", 7u).end();
    EXPECT_EQ(space.substr(size), "########");
    EXPECT_EQ(out.overflowed(), size < out.needed());
    if (!out.overflowed()) whole = out.text();
    EXPECT_EQ(out.text().empty(), out.overflowed());
    EXPECT_EQ(out.needed(), 44u);
  }
  EXPECT_EQ(whole, "HTTP/1.1 200 OK\r\nServer: weir\r\na: \r\nn: 7\r\n\r\n");
}

TEST(HeadWriter, WritesNothingAfterAGap) {
  char space[12];
  HeadWriter out(space);
  out.field("abcdefgh", "abcdefgh").field("a", "b");
  EXPECT_TRUE(out.overflowed());
  EXPECT_EQ(out.text(), "");
}

TEST(ChunkSize, IsHexadecimalWithLineEnd) {
  char space[18];
  const auto text = [&](std::uint64_t size) { return std::string(space, write_chunk_size(size, space)); };
  EXPECT_EQ(text(0), "0\r\n");
  EXPECT_EQ(text(500), "1f4\r\n");
  EXPECT_EQ(text(~std::uint64_t{0}), "ffffffffffffffff\r\n");
}

TEST(StatusText, KnowsTheUsualOnes) {
  EXPECT_EQ(http::reason_phrase(200), "OK");
  EXPECT_EQ(http::reason_phrase(302), "Moved Temporarily");
  EXPECT_EQ(http::reason_phrase(511), "Network Authentication Required");
  for (const int status : {-1, 0, 99, 299, 600, 1 << 30}) EXPECT_EQ(http::reason_phrase(status), "") << status;
}

}  // namespace
}  // namespace weir::http1
