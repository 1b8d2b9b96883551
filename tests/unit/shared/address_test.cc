#include "shared/address.h"

#include <gtest/gtest.h>

#include "config/directive.h"

namespace weir::shared {
namespace {

TEST(ParseHostPort, ReadsEveryForm) {
  EXPECT_EQ(parse_host_port("a.example", 80).text(), "a.example:80");
  EXPECT_EQ(parse_host_port("a.example:8080", 80).text(), "a.example:8080");
  EXPECT_EQ(parse_host_port("10.0.0.1", 80).text(), "10.0.0.1:80");
  EXPECT_EQ(parse_host_port("[::1]:8080", 80).text(), "[::1]:8080");
  EXPECT_EQ(parse_host_port("[::1]", 443).text(), "[::1]:443");
  EXPECT_EQ(parse_host_port("unix:/run/a.sock", 80).text(), "unix:/run/a.sock");
}

TEST(ParseHostPort, RefusesTheRest) {
  for (const char* text : {"", ":80", "a:0", "a:65536", "a:b", "a:80:90", "[::1", "[zz]:80", "[::1]80", "unix:", "::1"})
    EXPECT_THROW(parse_host_port(text, 80), config::ValueError) << text;
  EXPECT_THROW(parse_host_port("unix:/" + std::string(200, 'x'), 80), config::ValueError);
}

TEST(ParseHostPort, KnowsWhatNeedsNoResolver) {
  EXPECT_TRUE(parse_host_port("10.0.0.1:80", 80).is_literal());
  EXPECT_TRUE(parse_host_port("[::1]:80", 80).is_literal());
  EXPECT_TRUE(parse_host_port("unix:/a", 80).is_literal());
  EXPECT_FALSE(parse_host_port("10.0.0.example:80", 80).is_literal());
}

TEST(ParseListen, MakesOneTextOfEveryForm) {
  EXPECT_EQ(parse_listen("80").text(), "0.0.0.0:80");
  EXPECT_EQ(parse_listen("*:80").text(), "0.0.0.0:80");
  EXPECT_EQ(parse_listen("0.0.0.0").text(), "0.0.0.0:80");
  EXPECT_EQ(parse_listen("[::]:80").text(), "[::]:80");
  EXPECT_EQ(parse_listen("127.0.0.1").text(), "127.0.0.1:80");
  EXPECT_EQ(parse_listen("unix:/a").text(), "unix:/a");
  EXPECT_THROW(parse_listen("0"), config::ValueError);
  EXPECT_THROW(parse_listen("a.example:80"), config::ValueError);
}

}  // namespace
}  // namespace weir::shared
