#include "net/endpoint.h"

#include "fixture.h"

namespace weir::net {
namespace {

TEST(Endpoint, ReadsWhatItPrints) {
  for (const char* text : {"127.0.0.1:80", "10.0.0.255:0", "[::1]:8080", "[2001:db8::5]:65535", "unix:/tmp/a b"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
    EXPECT_EQ(Endpoint::parse(endpoint->to_string()), endpoint);
  }
}

TEST(Endpoint, RefusesWhatIsNoAddressWithPort) {
  for (const char* text : {"", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 80",
                           "127.0.0.1:80x", "127.0.0:80", "::1:80", "[::1]", "[::1]80", "[127.0.0.1]:80", "[::1:80",
                           "localhost:80", "unix:", "256.0.0.1:80", "[]:80"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  EXPECT_FALSE(Endpoint::parse("unix:/" + std::string(107, 'x')));
  EXPECT_FALSE(Endpoint::parse(std::string_view("127.0.0.1\0:80", 13)));
}

TEST(Endpoint, TellsAddressAndPortApart) {
  EXPECT_EQ(Endpoint::parse("[::1]:443")->address_string(), "::1");
  EXPECT_EQ(Endpoint::parse("[::1]:443")->port(), 443);
  EXPECT_EQ(Endpoint::parse("1.2.3.4:5")->address_string(), "1.2.3.4");
  EXPECT_EQ(Endpoint::parse("unix:/x")->address_string(), "unix:");
  EXPECT_EQ(Endpoint::parse("unix:/x")->port(), 0);
  EXPECT_EQ(Endpoint::from_address("::1", 7), Endpoint::parse("[::1]:7"));
  EXPECT_NE(Endpoint::parse("1.2.3.4:5"), Endpoint::parse("1.2.3.4:6"));
  EXPECT_TRUE(Endpoint().is_empty());
  EXPECT_EQ(Endpoint().to_string(), "");
}

TEST(Endpoint, IsAValueWhateverItsFamily) {
  const char* const kTexts[] = {"1.2.3.4:5", "[2001:db8::1]:65535", "unix:/run/a.sock"};
  for (const char* from : kTexts)
    for (const char* to : kTexts) {
      Endpoint target = *Endpoint::parse(to);
      const Endpoint source = *Endpoint::parse(from);
      target = source;
      const Endpoint copy(target);
      target = Endpoint();
      EXPECT_TRUE(target.is_empty());
      EXPECT_EQ(copy, source);
      EXPECT_EQ(copy.to_string(), from);
    }
  static_assert(sizeof(Endpoint) == 32);
}

TEST(Endpoint, AsksTheKernelForBothEnds) {
  const auto [server, client] = tcp_pair();
  EXPECT_EQ(Endpoint::local_of(server), Endpoint::peer_of(client));
  EXPECT_EQ(Endpoint::peer_of(server), Endpoint::local_of(client));
  EXPECT_EQ(Endpoint::peer_of(server).address_string(), "127.0.0.1");
  ::close(server);
  ::close(client);
  const auto [left, right] = unix_pair();
  EXPECT_EQ(Endpoint::peer_of(left).to_string(), "unix:");
  ::close(left);
  ::close(right);
  EXPECT_TRUE(Endpoint::peer_of(-1).is_empty());
}

}  // namespace
}  // namespace weir::net
