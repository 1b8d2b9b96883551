#include "session/server_list.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace weir::discovery {
namespace {

TEST(ServerList, ReadsNamesAndLiteralsWithAndWithoutPorts) {
  EXPECT_EQ(to_string(parse_server("z1.example.com")), "z1.example.com:2181");
  EXPECT_EQ(to_string(parse_server("10.0.0.1:2182")), "10.0.0.1:2182");
  EXPECT_EQ(to_string(parse_server("[::1]")), "[::1]:2181");
  EXPECT_EQ(to_string(parse_server("[::1]:99")), "[::1]:99");
}

TEST(ServerList, RefusesWhatIsNoServer) {
  for (const char* text : {"", ":2181", "a:", "a:0", "a:65536", "a:b", "a:1:2", "a b", "[::1", "[]:1", "[::1]x", "a/chroot",
                           "a,b"}) {
    EXPECT_THROW(parse_server(text), std::invalid_argument) << text;
  }
  EXPECT_THROW(parse_servers({}), std::invalid_argument);
}

TEST(ServerList, IsTheSameInAnyOrder) {
  const std::vector<std::string> one{"b:1", "a", "b:1"}, two{"a:2181", "b:1"};
  EXPECT_EQ(parse_servers(one), parse_servers(two));
  EXPECT_EQ(to_string(parse_servers(one)), "a:2181,b:1");
}

}  // namespace
}  // namespace weir::discovery
