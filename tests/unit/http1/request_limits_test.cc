// Bounds of a request head, and what the parser does with its buffer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "feeding.h"

namespace weir::http1 {
namespace {

using testing::StartsWith;

constexpr std::string_view kLine = "GET /345678901 HTTP/1.1\r\n";  // 24 octets before its LF
constexpr std::string_view kRest = "Host: 789\r\n\r\n";            // 10 in the field's line

std::string request() {
  return std::string(kLine) + std::string(kRest);
}

TEST(RequestLimits, BoundTheRequestLine) {
  EXPECT_THAT(parse_request(request(), {}, {.max_line = 24}), StartsWith("ok"));
  EXPECT_EQ(parse_request(request(), {}, {.max_line = 23}), bad(Reason::RequestLineTooLong, 414));
  EXPECT_EQ(parse_request(std::string(24, 'x'), {}, {.max_line = 24}), "incomplete");
  EXPECT_EQ(parse_request(std::string(25, 'x'), {}, {.max_line = 24}), bad(Reason::RequestLineTooLong, 414));
  EXPECT_EQ(parse_request("GET /" + std::string(100, '#'), {}, {.max_line = 24}),
            bad(Reason::RequestLineTooLong, 414));
}

TEST(RequestLimits, BoundOneField) {
  EXPECT_THAT(parse_request(request(), {}, {.max_field_line = 10}), StartsWith("ok"));
  EXPECT_EQ(parse_request(request(), {}, {.max_field_line = 9}), bad(Reason::FieldTooLong, 431));
  EXPECT_EQ(parse_request(std::string(kLine) + std::string(11, 'x'), {}, {.max_field_line = 10}),
            bad(Reason::FieldTooLong, 431));
}

TEST(RequestLimits, BoundTheWholeHead) {
  EXPECT_THAT(parse_request(request(), {}, {.max_total = request().size()}), StartsWith("ok"));
  EXPECT_THAT(parse_request(request() + "body", {}, {.max_total = request().size()}), StartsWith("ok"));
  EXPECT_EQ(parse_request(request(), {}, {.max_total = request().size() - 1}), bad(Reason::HeadTooLarge, 431));
  EXPECT_EQ(parse_request(request(), {}, {.max_total = 10}), bad(Reason::HeadTooLarge, 431));
  EXPECT_EQ(parse_request(request(), {}, {.max_total = 0}), bad(Reason::HeadTooLarge, 431));
}

TEST(RequestLimits, AreJudgedByTheOneThatIsBrokenFirst) {
  const std::string request = std::string(kLine) + std::string(100, 'x') + ": y\r\n" + std::string(kRest);
  EXPECT_EQ(parse_request(request, {}, {.max_field_line = 50, .max_total = 60}), bad(Reason::HeadTooLarge, 431));
  EXPECT_EQ(parse_request(request, {}, {.max_field_line = 30, .max_total = 60}), bad(Reason::FieldTooLong, 431));
  for (std::size_t line = 28; line < 40; ++line)
    EXPECT_THAT(parse_request(request, {}, {.max_field_line = line, .max_total = 60}), StartsWith("bad"));
}

TEST(RequestLimits, BoundTheNumberOfFieldsLeftOutOnesIncluded) {
  const std::string request = "GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\nz: 2\r\n\r\n";
  EXPECT_THAT(parse_request(request, {}, {.max_fields = 3}), StartsWith("ok"));
  EXPECT_EQ(parse_request(request, {}, {.max_fields = 2}), bad(Reason::TooManyFields, 400));
}

TEST(RequestLimits, NameTheDirectiveThatSetsThem) {
  EXPECT_EQ(ParseError(Reason::RequestLineTooLong, Side::Client).directive(), "large_client_header_buffers");
  EXPECT_EQ(ParseError(Reason::TooManyFields, Side::Client).directive(), "max_headers");
  EXPECT_EQ(ParseError(Reason::HeadTooLarge, Side::Backend).directive(), "proxy_buffer_size");
  EXPECT_EQ(ParseError(Reason::BadHost, Side::Client).directive(), "");
}

TEST(RequestParser, SaysHowManyOctetsTheHeadHad) {
  const std::string two = request() + request();
  RequestParser parser;
  http::RequestHead head(std::pmr::get_default_resource());
  parser.start({});
  EXPECT_FALSE(parser.started());
  ASSERT_EQ(parser.parse(two, head), ParseStatus::Complete);
  EXPECT_TRUE(parser.started());
  EXPECT_EQ(parser.consumed(), request().size());
  EXPECT_EQ(parser.parse(two, head), ParseStatus::Complete) << "Complete repeats itself";

  head.reset();
  parser.start({});
  EXPECT_FALSE(parser.started());
  ASSERT_EQ(parser.parse(std::string_view(two).substr(request().size()), head), ParseStatus::Complete);
  EXPECT_EQ(head.fields.size(), 1u);
}

TEST(RequestParser, RepeatsItsRefusal) {
  RequestParser parser;
  http::RequestHead head(std::pmr::get_default_resource());
  parser.start({});
  ASSERT_EQ(parser.parse("GET / HTTP/7.0\r\n\r\n", head), ParseStatus::Bad);
  EXPECT_EQ(parser.parse("GET / HTTP/1.0\r\n\r\n", head), ParseStatus::Bad);
  EXPECT_EQ(parser.error().reason, Reason::UnsupportedVersion);
}

/// The octets that `calls` calls cost must not depend on the size of what came before: a drip over a long line is
/// compared with the same drip over a short one, by time, with so wide a margin that only a rescan can fail it
/// (2 MiB a call would be 10^12 octets).
TEST(RequestParser, NeverReadsAnOctetOfAnUnfinishedLineTwice) {
  const std::string line = "GET /" + std::string(1 << 21, 'a');
  RequestParser parser;
  http::RequestHead head(std::pmr::get_default_resource());
  parser.start({.max_line = 1 << 22, .max_field_line = 1 << 22, .max_total = 1 << 22, .max_fields = 10});
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t size = 1; size <= line.size(); ++size)
    ASSERT_EQ(parser.parse(std::string_view(line).substr(0, size), head), ParseStatus::Incomplete);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace weir::http1
