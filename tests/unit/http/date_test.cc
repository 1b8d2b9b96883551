#include "http/date.h"

#include <gtest/gtest.h>

namespace weir::http {
namespace {

TEST(HttpDate, WritesAndReadsTheExampleOfTheRfc) {
  EXPECT_EQ(http_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), 784111777);
}

TEST(HttpDate, KnowsWhatIsNoDate) {
  for (const char* text : {"", "now", "Sun, 06 Nov 1994", "Sun, 06 Nov 1994 08:49:37 GMT and more"})
    EXPECT_EQ(parse_http_date(text), -1) << text;
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1960 08:49:37 GMT"), -1);  // before the epoch
  EXPECT_EQ(parse_http_date(std::string_view("Sun, 06 Nov 1994 08:49:37 GMT\0", 30)), -1);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37" + std::string(60, ' ') + "1994"), -1);
}

TEST(HttpDate, OfNowIsADate) { EXPECT_NE(parse_http_date(http_date_now()), -1); }

}  // namespace
}  // namespace weir::http
