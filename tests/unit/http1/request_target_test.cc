// Request lines: method, target, version.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feeding.h"

namespace weir::http1 {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string line_and_host(std::string_view line, std::string_view host = "a") {
  return std::string(line) + "\r\nHost: " + std::string(host) + "\r\n\r\n";
}

TEST(RequestLine, TakesAnOriginTargetApart) {
  EXPECT_EQ(
      parse_request("GET /x/y?q=1&r HTTP/1.1\r\nHost: a.example:81\r\n\r\n"),
      "ok GET /x/y?q=1&r HTTP/1.1 origin path='/x/y' query='q=1&r' host='a.example' port='81' body=none keep-alive "
      "[Host: a.example:81] line='GET /x/y?q=1&r HTTP/1.1' consumed=47");
}

TEST(RequestLine, TellsAnEmptyQueryFromNone) {
  EXPECT_THAT(parse_request(line_and_host("GET /? HTTP/1.1")), HasSubstr("path='/' query='' host"));
  EXPECT_THAT(parse_request(line_and_host("GET / HTTP/1.1")), HasSubstr("path='/' host"));
  EXPECT_THAT(parse_request(line_and_host("GET /?a?b HTTP/1.1")), HasSubstr("query='a?b'"));
}

TEST(RequestLine, AcceptsTheFourForms) {
  EXPECT_THAT(parse_request(line_and_host("GET http://b.example/x?y HTTP/1.1", "b.example")),
              HasSubstr("absolute path='/x' query='y' host='b.example' port=''"));
  EXPECT_THAT(parse_request(line_and_host("GET HTTPS://b:8443 HTTP/1.1", "b:8443")),
              HasSubstr("absolute path='' host='b' port='8443' body=none https"));
  EXPECT_THAT(parse_request(line_and_host("GET http://b?q HTTP/1.1", "b")), HasSubstr("path='' query='q' host='b'"));
  EXPECT_THAT(parse_request(line_and_host("CONNECT b:443 HTTP/1.1", "b:443")),
              HasSubstr("authority path='' host='b' port='443'"));
  EXPECT_THAT(parse_request(line_and_host("OPTIONS * HTTP/1.1")), HasSubstr("asterisk path='*' host='a'"));
}

TEST(RequestLine, LetsTheAbsoluteTargetWinOverHost) {
  const Outcome outcome = parse_request("GET http://b:82/ HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_THAT(outcome, HasSubstr("host='b' port='82'"));
  EXPECT_THAT(outcome, HasSubstr("[host: b:82]")) << "whoever forwards the Host field forwards the target's";
}

TEST(RequestLine, RefusesAHostThatDisagreesIfAsked) {
  const RequestOptions strict{.refuse_host_conflict = true};
  EXPECT_EQ(parse_request(line_and_host("GET http://b/ HTTP/1.1"), strict), bad(Reason::HostDisagrees, 400));
  EXPECT_EQ(parse_request(line_and_host("GET http://a/ HTTP/1.1", "a:81"), strict), bad(Reason::HostDisagrees, 400));
  EXPECT_EQ(parse_request(line_and_host("GET https://a/ HTTP/1.1", "a:80"), strict), bad(Reason::HostDisagrees, 400));
  EXPECT_THAT(parse_request(line_and_host("GET http://A/ HTTP/1.1", "a:80"), strict), StartsWith("ok"));
  EXPECT_THAT(parse_request(line_and_host("GET https://a:443/ HTTP/1.1", "a"), strict), StartsWith("ok"));
  EXPECT_THAT(parse_request(line_and_host("GET http://a:080/ HTTP/1.1", "a:"), strict), StartsWith("ok"));
}

TEST(RequestLine, RefusesTargets) {
  const struct {
    const char* line;
    Reason reason;
  } cases[] = {
      {"GET a HTTP/1.1", Reason::BadTarget},
      {"GET a/b HTTP/1.1", Reason::BadTarget},
      {"GET ?q HTTP/1.1", Reason::BadTarget},
      {"GET a:80 HTTP/1.1", Reason::BadTarget},
      {"GET http:/a HTTP/1.1", Reason::BadTarget},
      {"GET http: HTTP/1.1", Reason::BadTarget},
      {"GET ftp://a/ HTTP/1.1", Reason::TargetScheme},
      {"GET httpx://a/ HTTP/1.1", Reason::TargetScheme},
      {"GET ://a/ HTTP/1.1", Reason::TargetScheme},
      {"GET http:// HTTP/1.1", Reason::TargetAuthority},
      {"GET http:///a HTTP/1.1", Reason::TargetAuthority},
      {"GET http://:80/ HTTP/1.1", Reason::TargetAuthority},
      {"GET http://a:x/ HTTP/1.1", Reason::TargetAuthority},
      {"GET http://a:65536/ HTTP/1.1", Reason::TargetAuthority},
      {"GET http://a\\b/ HTTP/1.1", Reason::TargetAuthority},
      {"GET http://[::1/ HTTP/1.1", Reason::TargetAuthority},
      {"GET http://u@a/ HTTP/1.1", Reason::TargetUserInfo},
      {"GET http://u:p@a/ HTTP/1.1", Reason::TargetUserInfo},
      {"GET http://@a/ HTTP/1.1", Reason::TargetUserInfo},
      {"GET /a#b HTTP/1.1", Reason::TargetFragment},
      {"GET /# HTTP/1.1", Reason::TargetFragment},
      {"GET http://a/#b HTTP/1.1", Reason::TargetFragment},
      {"GET /a\x01 HTTP/1.1", Reason::TargetOctet},
      {"GET /a\x7f HTTP/1.1", Reason::TargetOctet},
      {"GET /a\x80 HTTP/1.1", Reason::TargetOctet},
      {"GET /caf\xc3\xa9 HTTP/1.1", Reason::TargetOctet},
      {"GET /a\tb HTTP/1.1", Reason::TargetOctet},
      {"GET /a\rb HTTP/1.1", Reason::TargetOctet},
      {"GET * HTTP/1.1", Reason::TargetFormMethod},
      {"OPTIONS ** HTTP/1.1", Reason::BadTarget},
      {"CONNECT / HTTP/1.1", Reason::TargetFormMethod},
      {"CONNECT a HTTP/1.1", Reason::TargetFormMethod},
      {"CONNECT a: HTTP/1.1", Reason::TargetFormMethod},
      {"CONNECT http://a:80/ HTTP/1.1", Reason::TargetFormMethod},
      {"CONNECT u@a:80 HTTP/1.1", Reason::TargetFormMethod},
  };
  for (const auto& [line, reason] : cases) EXPECT_EQ(parse_request(line_and_host(line)), bad(reason, 400)) << line;
  EXPECT_EQ(parse_request(std::string_view("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 28)),
            bad(Reason::TargetOctet, 400));
}

TEST(RequestLine, CutsAFragmentIfAsked) {
  const RequestOptions lenient{.cut_fragment = true};
  EXPECT_THAT(parse_request(line_and_host("GET /a?b#c?d#e HTTP/1.1"), lenient),
              StartsWith("ok GET /a?b HTTP/1.1 origin path='/a' query='b' "));
  EXPECT_EQ(parse_request(line_and_host("GET #c HTTP/1.1"), lenient), bad(Reason::BadRequestLine, 400));
  EXPECT_EQ(parse_request(line_and_host("GET /#\x80 HTTP/1.1"), lenient), bad(Reason::TargetOctet, 400));
}

TEST(RequestLine, AcceptsWhatBrowsersSendUnencoded) {
  EXPECT_THAT(parse_request(line_and_host("GET /a|b^{c}[d]\"<e>`\\?%zz HTTP/1.1")),
              HasSubstr("path='/a|b^{c}[d]\"<e>`\\' query='%zz'"));
}

TEST(RequestLine, RefusesOtherSyntax) {
  const struct {
    const char* line;
    Reason reason;
    int status = 400;
  } cases[] = {
      {"GET", Reason::BadRequestLine},
      {"GET ", Reason::BadRequestLine},
      {"GET  / HTTP/1.1", Reason::BadRequestLine},
      {" GET / HTTP/1.1", Reason::BadMethod},
      {"G\tET / HTTP/1.1", Reason::BadMethod},
      {"GET\t/ HTTP/1.1", Reason::BadMethod},
      {"G@T / HTTP/1.1", Reason::BadMethod},
      {"GET: / HTTP/1.1", Reason::BadMethod},
      {"\x16\x03\x01 / HTTP/1.1", Reason::BadMethod},
      {"\x80 / HTTP/1.1", Reason::BadMethod},
      {"GET /", Reason::MissingVersion},
      {"GET / ", Reason::BadVersion},
      {"GET /  HTTP/1.1", Reason::BadVersion},
      {"GET / HTTP/1.1 ", Reason::BadVersion},
      {"GET / HTTP/1.1\t", Reason::BadVersion},
      {"GET / / HTTP/1.1", Reason::BadVersion},
      {"GET / http/1.1", Reason::BadVersion},
      {"GET / HTTP/1", Reason::BadVersion},
      {"GET / HTTP/1.", Reason::BadVersion},
      {"GET / HTTP/1.10", Reason::BadVersion},
      {"GET / HTTP/01.1", Reason::BadVersion},
      {"GET / HTTP/11.1", Reason::BadVersion},
      {"GET / HTTP/1,1", Reason::BadVersion},
      {"GET / HTTP 1.1", Reason::BadVersion},
      {"GET / HTTPS/1.1", Reason::BadVersion},
      {"GET / HTTP/0.9", Reason::BadVersion},
      {"GET / HTTP/0.0", Reason::BadVersion},
      {"GET / HTTP/2.0", Reason::UnsupportedVersion, 505},
      {"GET / HTTP/3.0", Reason::UnsupportedVersion, 505},
      {"GET / HTTP/9.9", Reason::UnsupportedVersion, 505},
      {"PRI * HTTP/2.0", Reason::UnsupportedVersion, 505},
      {"GET / HTTP/1.1\r", Reason::BareCr},
      {"GET / HTTP/1\x01.1", Reason::ControlOctet},
  };
  for (const auto& [line, reason, status] : cases)
    EXPECT_EQ(parse_request(line_and_host(line)), bad(reason, status)) << line;
}

TEST(RequestLine, TreatsHigherMinorVersionsAs11) {
  for (const char* version : {"HTTP/1.1", "HTTP/1.2", "HTTP/1.9"})
    EXPECT_THAT(parse_request(line_and_host("GET / " + std::string(version))), HasSubstr(" HTTP/1.1 origin "))
        << version;
  EXPECT_THAT(parse_request(line_and_host("GET / HTTP/1.0")), HasSubstr(" HTTP/1.0 origin "));
}

TEST(RequestLine, KnowsMethodsByCaseAndTakesAnyToken) {
  for (const char* method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "MKCOL", "COPY", "MOVE", "PROPFIND",
        "PROPPATCH", "LOCK", "UNLOCK", "get", "M-SEARCH", "!#$%&'*+-.^_`|~9"})
    EXPECT_THAT(parse_request(line_and_host(std::string(method) + " / HTTP/1.1")), StartsWith("ok ")) << method;
  EXPECT_EQ(http::method_of("get"), http::Method::Other);
  EXPECT_EQ(http::method_of("PROPPATCH"), http::Method::PropPatch);
}

TEST(RequestLine, MayFollowTwoEmptyLines) {
  const std::string request = line_and_host("GET / HTTP/1.1");
  EXPECT_THAT(parse_request("\r\n" + request), HasSubstr("consumed=29"));
  EXPECT_THAT(parse_request("\r\n\r\n" + request), HasSubstr("consumed=31"));
  EXPECT_EQ(parse_request("\r\n\r\n\r\n" + request), bad(Reason::TooManyEmptyLines, 400));
  EXPECT_EQ(parse_request("\n" + request), bad(Reason::BareLf, 400));
  EXPECT_EQ(parse_request("\r" + request), bad(Reason::BareCr, 400));
  EXPECT_EQ(parse_request("\r\n"), "incomplete");
  EXPECT_EQ(parse_request("\r"), "incomplete");
  EXPECT_EQ(parse_request(""), "incomplete");
}

TEST(RequestLine, IsRefusedAtItsFirstOctetIfThatCannotBeginAMethod) {
  EXPECT_EQ(parse_request("\x16"), bad(Reason::BadMethod, 400)) << "a TLS handshake";
  EXPECT_EQ(parse_request("\r\n\x80"), bad(Reason::BadMethod, 400));
}

TEST(RequestLine, IsReadBeforeItsEndOnlyToTheEnd) {
  EXPECT_EQ(parse_request("GET /#"), "incomplete") << "nothing is judged before the line is complete";
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r"), "incomplete");
}

}  // namespace
}  // namespace weir::http1
