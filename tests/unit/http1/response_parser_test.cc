// Answers of backends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feeding.h"

namespace weir::http1 {
namespace {

using http::Method;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string answer(std::string_view lines, std::string_view status_line = "HTTP/1.1 200 OK") {
  return std::string(status_line) + "\r\n" + std::string(lines) + "\r\n";
}

TEST(StatusLine, IsTakenApart) {
  EXPECT_EQ(
      parse_response(answer("Server: x\r\nContent-Length: 5\r\n")),
      "ok 200 'OK' HTTP/1.1 body=length 5 said-length=5 keep-alive [Server: x] [Content-Length: 5] consumed=49");
  EXPECT_THAT(parse_response(answer("", "HTTP/1.0 404 Not \tFound\xff")),
              StartsWith("ok 404 'Not \tFound\xff' HTTP/1.0"));
  EXPECT_THAT(parse_response(answer("", "HTTP/1.1 500 ")), StartsWith("ok 500 '' HTTP/1.1"));
  EXPECT_THAT(parse_response(answer("", "HTTP/1.1 500")), StartsWith("ok 500 '' HTTP/1.1"));
  EXPECT_THAT(parse_response(answer("", "HTTP/1.3 599 x")), StartsWith("ok 599 'x' HTTP/1.1"));
}

TEST(StatusLine, RefusesNonsense) {
  const struct {
    const char* line;
    Reason reason = Reason::BadStatusLine;
  } cases[] = {
      {""},
      {"HTTP/1.1"},
      {"HTTP/1.1 "},
      {"HTTP/1.1 20"},
      {"HTTP/1.1 20 OK"},
      {"HTTP/1.1 2000 OK"},
      {"HTTP/1.1 2x0 OK"},
      {"HTTP/1.1 -20 OK"},
      {"HTTP/1.1 +20 OK"},
      {"HTTP/1.1  200 OK"},
      {"HTTP/1.1\t200 OK"},
      {"HTTP/1.1 200\tOK"},
      {"HTTP/1.1 200OK"},
      {"HTTP/1.10 200 OK"},
      {"HTTP/2.0 200 OK"},
      {"HTTP/0.9 200 OK"},
      {"HTTP/9.9 200 OK"},
      {"http/1.1 200 OK"},
      {" HTTP/1.1 200 OK"},
      {"ICY 200 OK"},
      {"<html>"},
      {"GET / HTTP/1.1"},
      {"HTTP/1.1 000 x", Reason::BadStatus},
      {"HTTP/1.1 099 x", Reason::BadStatus},
      {"HTTP/1.1 600 x", Reason::BadStatus},
      {"HTTP/1.1 999 x", Reason::BadStatus},
      {"HTTP/1.1 200 a\x01", Reason::ControlOctet},
      {"HTTP/1.1 200 a\rb", Reason::BareCr},
      {"HTTP/1.1 200 OK\r", Reason::BareCr},
  };
  for (const auto& [line, reason] : cases) EXPECT_EQ(parse_response(answer("", line)), bad(reason, 502)) << line;
  EXPECT_EQ(parse_response(std::string_view("HTTP/1.1 200 a\0b\r\n\r\n", 20)), bad(Reason::ControlOctet, 502));
  EXPECT_EQ(parse_response("\r\nHTTP/1.1 200 OK\r\n\r\n"), bad(Reason::BadStatusLine, 502));
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\n\n"), bad(Reason::BareLf, 502));
}

TEST(StatusLine, IsRefusedBeforeItEndsIfItCannotBeOne) {
  EXPECT_EQ(parse_response("S"), bad(Reason::BadStatusLine, 502));
  EXPECT_EQ(parse_response("HTTP/2"), bad(Reason::BadStatusLine, 502));
  EXPECT_EQ(parse_response("HTTP/1"), "incomplete");
  EXPECT_EQ(parse_response("HTTP/1:1 200 OK", Method::Get, {.max_line = 1}), bad(Reason::FieldTooLong, 502));
}

TEST(ResponseFraming, FollowsTheFields) {
  EXPECT_THAT(parse_response(answer("Content-Length: 0\r\n")), HasSubstr("body=length 0 said-length=0 keep-alive"));
  EXPECT_THAT(parse_response(answer("Transfer-Encoding: Chunked\r\n")), HasSubstr("body=chunked keep-alive"));
  EXPECT_THAT(parse_response(answer("")), AllOf(HasSubstr("body=until-close"), Not(HasSubstr("keep-alive"))));
  EXPECT_THAT(parse_response(answer("Connection: keep-alive\r\n")),
              AllOf(HasSubstr("body=until-close"), Not(HasSubstr(" keep-alive ["))));
}

TEST(ResponseFraming, KnowsAnswersWithoutBody) {
  const std::string length = "Content-Length: 5\r\n";
  EXPECT_THAT(parse_response(answer(length), Method::Head), HasSubstr("body=none said-length=5 keep-alive"));
  EXPECT_THAT(parse_response(answer(""), Method::Head), HasSubstr("body=none keep-alive"));
  EXPECT_THAT(parse_response(answer("Transfer-Encoding: chunked\r\n"), Method::Head),
              HasSubstr("body=none keep-alive"));
  EXPECT_THAT(parse_response(answer(length, "HTTP/1.1 304 x")), HasSubstr("body=none said-length=5 keep-alive"));
  EXPECT_THAT(parse_response(answer("", "HTTP/1.1 204 x")), HasSubstr("body=none keep-alive"));
  EXPECT_THAT(parse_response(answer("Content-Length: 0\r\n", "HTTP/1.1 204 x")), HasSubstr("keep-alive"));
  EXPECT_THAT(parse_response(answer("", "HTTP/1.1 100 Continue")), HasSubstr("body=none"));
  EXPECT_THAT(parse_response(answer("Upgrade: websocket\r\n", "HTTP/1.1 101 x")),
              HasSubstr("body=none keep-alive upgrade='websocket'"));
  EXPECT_THAT(parse_response(answer(length), Method::Connect), HasSubstr("body=none"));
  EXPECT_THAT(parse_response(answer(length, "HTTP/1.1 403 x"), Method::Connect), HasSubstr("body=length 5"));
}

TEST(ResponseFraming, DoesNotReuseAConnectionThatMayHoldAnUnexpectedBody) {
  EXPECT_THAT(parse_response(answer("Content-Length: 5\r\n", "HTTP/1.1 204 x")), Not(HasSubstr(" keep-alive")));
  EXPECT_THAT(parse_response(answer("Transfer-Encoding: chunked\r\n", "HTTP/1.1 204 x")),
              AllOf(HasSubstr("body=none"), Not(HasSubstr(" keep-alive"))));
}

TEST(ResponseFraming, RefusesDoubt) {
  const struct {
    const char* lines;
    Reason reason;
  } cases[] = {
      {"Content-Length: 5\r\nContent-Length: 5\r\n", Reason::RepeatedContentLength},
      {"Content-Length: 5\r\nContent-Length: 6\r\n", Reason::RepeatedContentLength},
      {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Reason::LengthAndTransferEncoding},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", Reason::LengthAndTransferEncoding},
      {"Content-Length: 5, 5\r\n", Reason::BadContentLength},
      {"Content-Length: -1\r\n", Reason::BadContentLength},
      {"Content-Length: +5\r\n", Reason::BadContentLength},
      {"Content-Length: 5x\r\n", Reason::BadContentLength},
      {"Content-Length:\r\n", Reason::BadContentLength},
      {"Content-Length: 9223372036854775808\r\n", Reason::BadContentLength},
      {"Transfer-Encoding: gzip\r\n", Reason::UnknownTransferCoding},
      {"Transfer-Encoding: gzip, chunked\r\n", Reason::UnknownTransferCoding},
      {"Transfer-Encoding: identity\r\n", Reason::UnknownTransferCoding},
      {"Transfer-Encoding: chunked, chunked\r\n", Reason::BadTransferEncoding},
      {"Transfer-Encoding:\r\n", Reason::BadTransferEncoding},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Reason::RepeatedTransferEncoding},
  };
  for (const auto& [lines, reason] : cases) {
    EXPECT_EQ(parse_response(answer(lines)), bad(reason, 502)) << lines;
    EXPECT_EQ(parse_response(answer(lines), Method::Head), bad(reason, 502)) << lines;
    EXPECT_EQ(parse_response(answer(lines, "HTTP/1.1 304 x")), bad(reason, 502)) << lines;
  }
  EXPECT_EQ(parse_response(answer("Transfer-Encoding: chunked\r\n", "HTTP/1.0 200 OK")),
            bad(Reason::TransferEncodingInHttp10, 502));
}

TEST(ResponseFields, RefuseWhatSplitsAnswers) {
  const struct {
    const char* lines;
    Reason reason;
  } cases[] = {
      {"x: a\nSet-Cookie: b\r\n", Reason::BareLf},
      {"x: a\rSet-Cookie: b\r\n", Reason::BareCr},
      {"x: a\r\n b\r\n", Reason::ObsoleteFolding},
      {" x: a\r\n", Reason::SpaceBeforeField},
      {"x : a\r\n", Reason::SpaceBeforeColon},
      {": a\r\n", Reason::EmptyName},
      {"x\r\n", Reason::MissingColon},
      {"x y: a\r\n", Reason::BadName},
      {"x: a\x01\r\n", Reason::ControlOctet},
      {"\n", Reason::BareLf},
  };
  for (const auto& [lines, reason] : cases) EXPECT_EQ(parse_response(answer(lines)), bad(reason, 502)) << lines;
  EXPECT_EQ(parse_response(answer(std::string_view("x: a\0b\r\n", 8))), bad(Reason::ControlOctet, 502));
}

TEST(ResponseFields, KeepUnusualNamesAndRepetitions) {
  EXPECT_THAT(
      parse_response(answer("x_y: 1\r\nx.z: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nExpires: 1\r\nExpires: 2\r\n")),
      HasSubstr("[x_y: 1] [x.z: 2] [Set-Cookie: a] [Set-Cookie: b] [Expires: 1] [Expires: 2]"));
}

TEST(ResponseFields, AcceptLfAloneIfAsked) {
  const ResponseOptions lenient{.allow_bare_lf = true};
  EXPECT_THAT(parse_response("HTTP/1.1 200 OK\nContent-Length: 5\nx: y\r\n\n", Method::Get, {}, lenient),
              AllOf(StartsWith("ok 200 'OK'"), HasSubstr("body=length 5"), HasSubstr("[x: y] consumed=41")));
  EXPECT_EQ(parse_response("HTTP/1.1 200 OK\nx: a\rb\n\n", Method::Get, {}, lenient), bad(Reason::BareCr, 502));
}

TEST(ResponseFields, AreBounded) {
  const std::string head = answer("aaaaaaaaaa: b\r\nc: d\r\n");
  EXPECT_THAT(parse_response(head, Method::Get, {.max_fields = 2}), StartsWith("ok"));
  EXPECT_EQ(parse_response(head, Method::Get, {.max_fields = 1}), bad(Reason::TooManyFields, 502));
  EXPECT_EQ(parse_response(head, Method::Get, {.max_field_line = 13}), bad(Reason::FieldTooLong, 502));
  EXPECT_EQ(parse_response(head, Method::Get, {.max_line = 15}), bad(Reason::FieldTooLong, 502));
  EXPECT_EQ(parse_response(head, Method::Get, {.max_total = head.size() - 1}), bad(Reason::HeadTooLarge, 502));
  EXPECT_THAT(parse_response(head, Method::Get, {.max_total = head.size()}), StartsWith("ok"));
}

TEST(ResponseConnection, DecidesAboutReuse) {
  const std::string length = "Content-Length: 0\r\n";
  EXPECT_THAT(parse_response(answer(length + "Connection: close\r\n")), Not(HasSubstr(" keep-alive")));
  EXPECT_THAT(parse_response(answer(length + "Connection: ;\r\n")), Not(HasSubstr(" keep-alive")));
  EXPECT_THAT(parse_response(answer(length, "HTTP/1.0 200 OK")), Not(HasSubstr(" keep-alive")));
  EXPECT_THAT(parse_response(answer(length + "Connection: Keep-Alive\r\n", "HTTP/1.0 200 OK")),
              HasSubstr(" keep-alive ["));
  EXPECT_THAT(parse_response(answer(length + "Connection: X-Secret\r\nX-Secret: 1\r\n")),
              HasSubstr(" keep-alive nominated=X-Secret ["));
}

TEST(ResponseParser, ReadsInterimAnswersOneByOne) {
  const std::string bytes = answer("x: 1\r\n", "HTTP/1.1 103 Early Hints") + answer("Content-Length: 1\r\n") + "z";
  ResponseParser parser;
  http::ResponseHead head(std::pmr::get_default_resource());
  parser.start({}, Method::Get);
  ASSERT_EQ(parser.parse(bytes, head), ParseStatus::Complete);
  EXPECT_TRUE(head.is_interim());
  const std::string_view rest = std::string_view(bytes).substr(parser.consumed());
  parser.start({}, Method::Get);
  head.reset();
  ASSERT_EQ(parser.parse(rest, head), ParseStatus::Complete);
  EXPECT_EQ(head.status, 200);
  EXPECT_FALSE(head.is_interim());
  EXPECT_EQ(rest.substr(parser.consumed()), "z");
}

}  // namespace
}  // namespace weir::http1
