// Field lines of requests, and Host.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feeding.h"
#include "http1/octets.h"

namespace weir::http1 {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// A request with `lines` (each with its line end) after Host.
std::string with(std::string_view lines) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

TEST(RequestFields, KeepsOrderAndCaseAndTrimsValues) {
  EXPECT_THAT(parse_request(with("x-B:1\r\nX-a: \t 2 3\t \r\nx-empty:\r\nx-blank: \t\r\nX-A:\t4\r\n")),
              HasSubstr("[Host: a] [x-B: 1] [X-a: 2 3] [x-empty: ] [x-blank: ] [X-A: 4]"));
}

TEST(RequestFields, AcceptsEveryOctetThatAValueMayHave) {
  std::string value = "v\t";
  for (int octet = 0x20; octet < 0x100; ++octet)
    if (octet != 0x7f) value += static_cast<char>(octet);
  EXPECT_THAT(parse_request(with("x: " + value + "\r\n")), HasSubstr("[x: " + value + "]"));
}

TEST(RequestFields, RefusesEveryOctetThatAValueMayNotHave) {
  for (int octet = 0; octet < 0x100; ++octet) {
    if ((octet >= 0x20 && octet != 0x7f) || octet == '\t') continue;
    for (const std::size_t at : {0, 5, 20, 40}) {
      std::string value(41, 'v');
      value[at] = static_cast<char>(octet);
      const Reason reason = octet == '\n' ? Reason::BareLf : octet == '\r' ? Reason::BareCr : Reason::ControlOctet;
      EXPECT_EQ(parse_request(with("x: " + value + "\r\n")), bad(reason, 400)) << octet << " at " << at;
    }
  }
}

TEST(RequestFields, RefusesNames) {
  const struct {
    const char* lines;
    Reason reason;
  } cases[] = {
      {": v\r\n", Reason::EmptyName},
      {":\r\n", Reason::EmptyName},
      {"x : v\r\n", Reason::SpaceBeforeColon},
      {"x\t: v\r\n", Reason::SpaceBeforeColon},
      {"x y: v\r\n", Reason::BadName},
      {"x\r\n", Reason::MissingColon},
      {"x\ry: v\r\n", Reason::BareCr},
      {"x y\r\n", Reason::BadName},
      {"x(y): v\r\n", Reason::BadName},
      {"</x>: v\r\n", Reason::BadName},
      {"x\x80: v\r\n", Reason::BadName},
      {"\"x\": v\r\n", Reason::BadName},
      {"x\x01: v\r\n", Reason::ControlOctet},
      {"x\x7f: v\r\n", Reason::ControlOctet},
      {" y: v\r\n", Reason::ObsoleteFolding},
      {"x: v\r\n folded\r\n", Reason::ObsoleteFolding},
      {"x: v\r\n\tfolded\r\n", Reason::ObsoleteFolding},
      {"x: v\r\n \r\n", Reason::ObsoleteFolding},
      {"x:\r\n v\r\n", Reason::ObsoleteFolding},
      {"x: v\n", Reason::BareLf},
      {"\n", Reason::BareLf},
      {"x: v\r", Reason::BareCr},
      {"x: v\r\r\n", Reason::BareCr},
      {"x: v\n\r\n", Reason::BareLf},
      {"\rx: v\r\n", Reason::BareCr},
  };
  for (const auto& [lines, reason] : cases) EXPECT_EQ(parse_request(with(lines)), bad(reason, 400)) << lines;
  EXPECT_EQ(parse_request(with(std::string_view("x\0: v\r\n", 7))), bad(Reason::ControlOctet, 400));
}

TEST(RequestFields, RefusesWhiteSpaceBeforeTheFirstField) {
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), bad(Reason::SpaceBeforeField, 400));
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"), bad(Reason::SpaceBeforeField, 400));
}

TEST(RequestFields, AcceptsLfAloneInTheHeadIfAsked) {
  const RequestOptions lenient{.allow_bare_lf = true};
  EXPECT_THAT(parse_request("\nGET / HTTP/1.1\nHost: a\r\nx: y\n\n", lenient),
              AllOf(StartsWith("ok"), HasSubstr("[Host: a] [x: y] line='GET / HTTP/1.1' consumed=31")));
  EXPECT_EQ(parse_request("GET / HTTP/1.1\nHost: a\rb\n\n", lenient), bad(Reason::BareCr, 400));
  EXPECT_EQ(parse_request("GET / HTTP/1.1\nHost: a\r\r\n\n", lenient), bad(Reason::BareCr, 400));
  EXPECT_EQ(parse_request("GET / HTTP/1.1\nHost: a\n folded\n\n", lenient), bad(Reason::ObsoleteFolding, 400));
}

TEST(RequestFields, LeavesOutNamesThatBackendsConfuse) {
  const std::string request = with("x_a: 1\r\nx.b: 2\r\nx-c: 3\r\n");
  EXPECT_THAT(parse_request(request), AllOf(HasSubstr("dropped=2 [Host: a] [x-c: 3] line")));
  EXPECT_THAT(parse_request(request, {.underscores_in_headers = true}),
              HasSubstr("dropped=1 [Host: a] [x_a: 1] [x-c: 3] line"));
  EXPECT_THAT(parse_request(request, {.ignore_invalid_headers = false}),
              HasSubstr("[Host: a] [x_a: 1] [x.b: 2] [x-c: 3] line"));
  EXPECT_THAT(parse_request(request, {.ignore_invalid_headers = false}), Not(HasSubstr("dropped")));
}

TEST(RequestFields, NeverKeepsAnImitationOfFraming) {
  const RequestOptions all{.ignore_invalid_headers = false, .underscores_in_headers = true};
  EXPECT_THAT(parse_request(with("content_length: 5\r\nTransfer_Encoding: chunked\r\nx_y: 1\r\n"), all),
              HasSubstr("body=none keep-alive dropped=2 [Host: a] [x_y: 1]"));
}

TEST(RequestFields, MayNotRepeatWhatIsSingle) {
  for (const char* name : {"Authorization", "If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since",
                           "If-Range", "Content-Range", "Expect"}) {
    const std::string line = std::string(name) + ": 100-continue\r\n";
    EXPECT_THAT(parse_request(with(line)), StartsWith("ok")) << name;
    EXPECT_EQ(parse_request(with(line + line)), bad(Reason::RepeatedField, 400)) << name;
  }
  EXPECT_THAT(parse_request(with("Cookie: a\r\nCookie: b\r\n")), HasSubstr("[Cookie: a] [Cookie: b]"));
}

TEST(RequestHost, IsDemandedOnceInHttp11) {
  EXPECT_EQ(parse_request("GET / HTTP/1.1\r\n\r\n"), bad(Reason::MissingHost, 400));
  EXPECT_EQ(parse_request("GET http://a/ HTTP/1.1\r\n\r\n"), bad(Reason::MissingHost, 400));
  EXPECT_THAT(parse_request("GET / HTTP/1.0\r\n\r\n"), HasSubstr("host='' port=''"));
  EXPECT_THAT(parse_request("GET http://a/ HTTP/1.0\r\n\r\n"), HasSubstr("host='a' port=''"));
  EXPECT_EQ(parse_request(with("Host: a\r\n")), bad(Reason::RepeatedHost, 400));
  EXPECT_EQ(parse_request(with("hOST: b\r\n")), bad(Reason::RepeatedHost, 400));
  EXPECT_EQ(parse_request("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), bad(Reason::RepeatedHost, 400));
}

Outcome parse_host(std::string_view host) {
  return parse_request("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
}

TEST(RequestHost, IsSplitIntoHostAndPort) {
  const struct {
    const char* value;
    const char* parts;
  } cases[] = {
      {"a", "host='a' port=''"},
      {"a:", "host='a' port=''"},
      {"a.example.:80", "host='a.example.' port='80'"},
      {"A-b_c~9:65535", "host='A-b_c~9' port='65535'"},
      {"127.0.0.1:8080", "host='127.0.0.1' port='8080'"},
      {"[::1]", "host='[::1]' port=''"},
      {"[::1]:80", "host='[::1]' port='80'"},
      {"[abcd::ef98:0:7654:321]:", "host='[abcd::ef98:0:7654:321]' port=''"},
      {"[::ffff:12.30.67.89]", "host='[::ffff:12.30.67.89]' port=''"},
      {"[v1F.a:b]:1", "host='[v1F.a:b]' port='1'"},
      {"!$&'()*+,;=", "host='!$&'()*+,;=' port=''"},
      {"a%20b", nullptr},
      {"%41%2d%c3%a9", "host='%41%2d%c3%a9' port=''"},
      {"a:00080", "host='a' port='00080'"},
  };
  for (const auto& [value, parts] : cases) {
    if (parts != nullptr)
      EXPECT_THAT(parse_host(value), HasSubstr(parts)) << value;
    else
      EXPECT_EQ(parse_host(value), bad(Reason::BadHost, 400)) << value;
  }
}

TEST(RequestHost, RefusesWhatIsNoHost) {
  for (const char* value :
       {"",       ".",      "a..b",    "..a",     "a b",          "a/b",          "a?b",     "a#b",
        "a@b",    "u:p@a",  "a\\b",    "a:http",  "a:-1",         "a:+80",        "a:80:80", "a: 80",
        "a :80",  ":80",    "a:65536", "a:99999", "a:4294967376", "a:0x50",       "[::1",    "[::1]x",
        "[::1].", "[]",     "[::1]:x", "[a]",     "[1.2.3.4]",    "[::1%25eth0]", "[v.a]",   "[v1.]",
        "[v1a]",  "[::g]",  "x[::1]",  "::1",     "a%",           "a%4",          "a%zz",    "a%00",
        "a%2f",   "a%3a80", "a%40b",   "a%0d%0a", "a\x80",        "caf\xc3\xa9",  "a\"",     "<a>",
        "a|b",    "a^b",    "a`b",     "{a}",     "a,b c",        "a\tb"})
    EXPECT_EQ(parse_host(value), bad(Reason::BadHost, 400)) << value;
}

// Sixteen octets are looked at together: every octet, at every place of them and of what is left over.
TEST(Octets, PlainNameEndsAtTheFirstOctetThatIsNone) {
  for (std::size_t length = 1; length <= 40; ++length) {
    for (std::size_t at = 0; at < length; ++at) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string name(length, 'a');
        name[at] = static_cast<char>(octet);
        const bool plain = (octet_class(name[at]) & kPlainName) != 0;
        const char* const end = name.data() + length;
        ASSERT_EQ(skip_plain_name(name.data(), end) - name.data(), static_cast<std::ptrdiff_t>(plain ? length : at))
            << "octet " << octet << " at " << at << " of " << length;
      }
    }
  }
}

}  // namespace
}  // namespace weir::http1
