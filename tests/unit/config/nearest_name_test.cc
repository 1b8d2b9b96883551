#include "config/nearest_name.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::config {
namespace {

constexpr std::string_view kKnown[] = {"listen", "server", "server_name", "proxy_pass", "proxy_set_header", "if"};

TEST(NearestName, FindsTypingErrors) {
  EXPECT_EQ(nearest_name("listne", kKnown), "listen");          // swapped
  EXPECT_EQ(nearest_name("sever", kKnown), "server");           // dropped
  EXPECT_EQ(nearest_name("serverr", kKnown), "server");         // doubled
  EXPECT_EQ(nearest_name("proxy-pass", kKnown), "proxy_pass");  // replaced
  EXPECT_EQ(nearest_name("proxyset_headers", kKnown), "proxy_set_header");
}

TEST(NearestName, PrefersTheFewestChanges) {
  EXPECT_EQ(nearest_name("server_nam", kKnown), "server_name");
}

TEST(NearestName, SaysNothingWhenNothingIsNear) {
  EXPECT_EQ(nearest_name("frobnicate", kKnown), "");
  EXPECT_EQ(nearest_name("", kKnown), "");
  EXPECT_EQ(nearest_name("xyz", kKnown), "");
  EXPECT_EQ(nearest_name(std::string(1000, 'a'), kKnown), "");
  EXPECT_EQ(nearest_name("listne", {}), "");
}

TEST(NearestName, TakesTheLongestNamesItLooksAt) {
  const std::string known(67, 'a');
  const std::string_view names[] = {known};
  EXPECT_EQ(nearest_name(std::string(64, 'a'), names), known);
}

}  // namespace
}  // namespace weir::config
