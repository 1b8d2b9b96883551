// Length, coding, connection, expectation and upgrade of requests.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feeding.h"

namespace weir::http1 {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string post(std::string_view lines, std::string_view version = "1.1") {
  return "POST / HTTP/" + std::string(version) + "\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

TEST(RequestLength, IsADecimalNumber) {
  EXPECT_THAT(parse_request(post("")), HasSubstr("body=none"));
  EXPECT_THAT(parse_request(post("Content-Length: 0\r\n")), HasSubstr("body=length 0 "));
  EXPECT_THAT(parse_request(post("content-length:\t5 \r\n")), HasSubstr("body=length 5 "));
  EXPECT_THAT(parse_request(post("Content-Length: 007\r\n")), HasSubstr("body=length 7 "));
  EXPECT_THAT(parse_request(post("Content-Length: 9223372036854775807\r\n")),
              HasSubstr("body=length 9223372036854775807 "));
}

TEST(RequestLength, RefusesEverythingElse) {
  for (const char* value : {"",
                            "-1",
                            "+1",
                            "-0",
                            "1 2",
                            "1,1",
                            "5, 5",
                            "5,",
                            ",5",
                            "0x10",
                            "1e3",
                            "1.0",
                            "5;x",
                            "\"5\"",
                            "5\v",
                            "five",
                            "1_000",
                            "9223372036854775808",
                            "18446744073709551616",
                            "18446744073709551621",
                            "99999999999999999999999999999999",
                            "5 ,5",
                            "\xb2",
                            "\xef\xbc\x95"}) {
    const Reason reason = std::string_view(value).find('\v') != std::string_view::npos ? Reason::ControlOctet
                                                                                       : Reason::BadContentLength;
    EXPECT_EQ(parse_request(post("Content-Length: " + std::string(value) + "\r\n")), bad(reason, 400)) << value;
  }
}

TEST(RequestLength, RefusesRepetitionEvenOfTheSame) {
  EXPECT_EQ(parse_request(post("Content-Length: 5\r\nContent-Length: 5\r\n")),
            bad(Reason::RepeatedContentLength, 400));
  EXPECT_EQ(parse_request(post("Content-Length: 5\r\ncontent-length: 6\r\n")),
            bad(Reason::RepeatedContentLength, 400));
}

TEST(RequestCoding, IsChunkedAloneInAnyCase) {
  EXPECT_THAT(parse_request(post("Transfer-Encoding: chunked\r\n")), HasSubstr("body=chunked keep-alive"));
  EXPECT_THAT(parse_request(post("transfer-encoding:\tCHUNKED \t\r\n")), HasSubstr("body=chunked"));
}

TEST(RequestCoding, RefusesEverythingElse) {
  const struct {
    const char* value;
    Reason reason;
    int status = 400;
  } cases[] = {
      {"gzip", Reason::UnknownTransferCoding, 501},
      {"identity", Reason::UnknownTransferCoding, 501},
      {"xchunked", Reason::UnknownTransferCoding, 501},
      {"gzip, chunked", Reason::UnknownTransferCoding, 501},
      {"chunked, identity", Reason::UnknownTransferCoding, 501},
      {"chunked,gzip", Reason::UnknownTransferCoding, 501},
      {"chunked, chunked", Reason::BadTransferEncoding},
      {"chunked,gzip,chunked", Reason::BadTransferEncoding},
      {"chunked,", Reason::BadTransferEncoding},
      {",chunked", Reason::BadTransferEncoding},
      {"chunked, ", Reason::BadTransferEncoding},
      {"", Reason::BadTransferEncoding},
      {",", Reason::BadTransferEncoding},
      {"chunked;q=1", Reason::BadTransferEncoding},
      {"chunked foo", Reason::BadTransferEncoding},
      {"\"chunked\"", Reason::BadTransferEncoding},
      {"'chunked'", Reason::UnknownTransferCoding, 501},
      {"chunked\x80", Reason::BadTransferEncoding},
      {"chu\tnked", Reason::BadTransferEncoding},
      {"chunked\v", Reason::ControlOctet},
      {"\x0b"
       "chunked",
       Reason::ControlOctet},
  };
  for (const auto& [value, reason, status] : cases)
    EXPECT_EQ(parse_request(post("Transfer-Encoding: " + std::string(value) + "\r\n")), bad(reason, status)) << value;
}

TEST(RequestCoding, RefusesASecondOpinion) {
  EXPECT_EQ(parse_request(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")),
            bad(Reason::LengthAndTransferEncoding, 400));
  EXPECT_EQ(parse_request(post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n")),
            bad(Reason::LengthAndTransferEncoding, 400));
  EXPECT_EQ(parse_request(post("Content-Length: x\r\nTransfer-Encoding: y\r\n")),
            bad(Reason::LengthAndTransferEncoding, 400));
  EXPECT_EQ(parse_request(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
            bad(Reason::RepeatedTransferEncoding, 400));
  EXPECT_EQ(parse_request(post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n")),
            bad(Reason::RepeatedTransferEncoding, 400));
  EXPECT_EQ(parse_request(post("Transfer-Encoding: chunked\r\n", "1.0")), bad(Reason::TransferEncodingInHttp10, 400));
}

TEST(RequestConnection, DecidesAboutKeepAliveByVersionAndOptions) {
  const auto keeps = [](std::string_view lines, std::string_view version) {
    return parse_request(post(lines, version)).find("body=none keep-alive") != std::string::npos;
  };
  EXPECT_TRUE(keeps("", "1.1"));
  EXPECT_FALSE(keeps("Connection: close\r\n", "1.1"));
  EXPECT_FALSE(keeps("Connection: keep-alive\r\nConnection: x, CLOSE\r\n", "1.1"));
  EXPECT_FALSE(keeps("Connection: \"keep-alive\"\r\n", "1.1")) << "malformed: not kept";
  EXPECT_TRUE(keeps("Connection: ,, ,\r\n", "1.1"));
  EXPECT_TRUE(keeps("Connection: closed\r\n", "1.1"));
  EXPECT_FALSE(keeps("", "1.0"));
  EXPECT_TRUE(keeps("Connection: Keep-Alive\r\n", "1.0"));
  EXPECT_FALSE(keeps("Connection: keep-alive, close\r\n", "1.0"));
  EXPECT_FALSE(keeps("Proxy-Connection: keep-alive\r\n", "1.0"));
}

TEST(RequestConnection, CollectsNominatedFields) {
  EXPECT_THAT(parse_request(post("Connection: X-A,  close ,,x-b\r\nx-a: 1\r\nConnection: te\r\n")),
              HasSubstr(" nominated=X-A nominated=x-b nominated=te "));
}

TEST(RequestConnection, BoundsTheNumberOfOptions) {
  std::string options = "Connection: a";
  for (int i = 1; i < 32; ++i) options += ",a";
  EXPECT_THAT(parse_request(post(options + ",close\r\n")), HasSubstr("nominated=a"));
  EXPECT_EQ(parse_request(post(options + ",b\r\n")), bad(Reason::TooManyConnectionOptions, 400));
}

TEST(RequestExpectation, IsUnderstoodOrRefused) {
  EXPECT_THAT(parse_request(post("Expect: 100-Continue\r\n")), HasSubstr(" expects-continue"));
  EXPECT_THAT(parse_request(post("Expect: 100-continue\r\n", "1.0")), Not(HasSubstr("expects-continue")));
  EXPECT_EQ(parse_request(post("Expect: 200-ok\r\n")), bad(Reason::UnknownExpectation, 417));
  EXPECT_EQ(parse_request(post("Expect: 100-continue, x\r\n")), bad(Reason::UnknownExpectation, 417));
  EXPECT_EQ(parse_request(post("Expect:\r\n")), bad(Reason::UnknownExpectation, 417));
}

TEST(RequestUpgrade, NeedsTheOptionOneFieldAndHttp11) {
  const std::string both = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  EXPECT_THAT(parse_request(post(both)), HasSubstr(" upgrade='websocket'"));
  EXPECT_THAT(parse_request(post("Connection: keep-alive, upgrade\r\nUpgrade: a, b/1\r\n")),
              HasSubstr(" upgrade='a, b/1'"));
  EXPECT_THAT(parse_request(post(both, "1.0")), Not(HasSubstr("upgrade=")));
  EXPECT_THAT(parse_request(post("Upgrade: websocket\r\n")), Not(HasSubstr("upgrade=")));
  EXPECT_THAT(parse_request(post("Connection: upgrade\r\n")), Not(HasSubstr("upgrade=")));
  EXPECT_THAT(parse_request(post(both + "Upgrade: h2c\r\n")), Not(HasSubstr("upgrade=")));
}

}  // namespace
}  // namespace weir::http1
