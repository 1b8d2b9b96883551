#include "server/room.h"

#include <gtest/gtest.h>

#include <list>

namespace weir::server {
namespace {

using http::Standing;
using Kind = Standing::Kind;

constexpr std::uint32_t kPlaces = 8;  // so two are an address's share

class FakeConnection final : public http::ClientConnectionBase {
 public:
  FakeConnection(net::Endpoint client, Standing standing) : client_(client), standing_(standing) {}
  void drain() override {}
  void close_now() override {}
  Standing standing() const override { return standing_; }
  void follow() override {}
  std::uint64_t generation() const override { return 1; }
  const net::Endpoint& client() const override { return client_; }
  void make_room(std::string_view) override {}

 private:
  const net::Endpoint client_;
  const Standing standing_;
};

class Room : public ::testing::Test {
 protected:
  static net::Endpoint address(std::string_view text) { return *net::Endpoint::parse(std::string(text) + ":1000"); }

  void hold(std::string_view client, Kind kind, std::int64_t rank = 0) {
    connections_.emplace_back(address(client), Standing{kind, rank});
    host_.connections.add(connections_.back());
  }
  /// Who leaves for a client of that address: `address kind rank`, or nothing.
  std::string leaver(const net::Endpoint& newcomer) {
    const auto leavers = choose_leavers(host_, kPlaces, newcomer, 1);
    if (leavers.empty()) return "nobody";
    constexpr const char* kKinds[] = {"idle", "head", "body", "serving", "gone"};
    const Standing standing = leavers.front()->standing();
    return leavers.front()->client().address_string() + " " + kKinds[static_cast<std::size_t>(standing.kind)] + " " +
           std::to_string(standing.rank);
  }
  std::string leaver(std::string_view newcomer) { return leaver(address(newcomer)); }

  net::Loop loop_;
  http::ProcessCounters counters_;
  http::WorkerState worker_{loop_, nullptr, counters_};
  std::atomic<std::uint64_t> serial_{0};
  http::ConnectionHost host_{worker_, serial_};
  std::list<FakeConnection> connections_;
};

TEST_F(Room, IsMadeByThoseWithTheLeastClaim) {
  hold("10.0.0.1", Kind::Serving, 1);
  hold("10.0.0.2", Kind::Body, 1);
  hold("10.0.0.3", Kind::Head, 1);
  EXPECT_EQ(leaver("10.0.0.9"), "10.0.0.3 head 1");
  hold("10.0.0.4", Kind::Idle, 7);
  hold("10.0.0.5", Kind::Idle, 5);
  EXPECT_EQ(leaver("10.0.0.9"), "10.0.0.5 idle 5");
  EXPECT_EQ(leaver(net::Endpoint()), "10.0.0.5 idle 5");
}

TEST_F(Room, IsMadeByNobodyWhoIsServedWithinTheirShare) {
  for (const char* client : {"10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"}) hold(client, Kind::Serving);
  hold("10.0.0.3", Kind::Gone);
  EXPECT_EQ(leaver("10.0.0.9"), "nobody");
}

TEST_F(Room, IsMadeFirstByAnAddressWithMoreThanItsShare) {
  hold("10.0.0.1", Kind::Idle, 1);
  for (std::int64_t since : {9, 3, 4}) hold("10.0.0.2", Kind::Head, since);
  EXPECT_EQ(leaver("10.0.0.9"), "10.0.0.2 head 3");
  EXPECT_EQ(leaver(net::Endpoint()), "10.0.0.2 head 3");
}

TEST_F(Room, OfAnAddressWithMoreThanItsShareEvenRequestsThatAreServedMayGo) {
  for (std::int64_t since : {9, 3, 4}) hold("10.0.0.2", Kind::Serving, since);
  hold("10.0.0.1", Kind::Serving, 1);
  EXPECT_EQ(leaver("10.0.0.9"), "10.0.0.2 serving 3");
  EXPECT_EQ(leaver("10.0.0.2"), "nobody");
  EXPECT_EQ(leaver(net::Endpoint()), "nobody");
  hold("10.0.0.1", Kind::Body, 1);
  EXPECT_EQ(leaver("10.0.0.9"), "10.0.0.1 body 1") << "but only when nothing else is left";
}

TEST_F(Room, AnAddressWithMoreThanItsShareMakesItForItself) {
  for (int i = 0; i < 2; ++i) hold("10.0.0.2", Kind::Serving);
  hold("10.0.0.1", Kind::Head);
  EXPECT_EQ(leaver("10.0.0.2"), "nobody") << "the unfinished head of another has more right to its place";
  hold("10.0.0.1", Kind::Idle);
  EXPECT_EQ(leaver("10.0.0.2"), "10.0.0.1 idle 0");
  hold("10.0.0.2", Kind::Body, 5);
  EXPECT_EQ(leaver("10.0.0.2"), "10.0.0.2 body 5");
}

TEST_F(Room, CountsIpv6ByNetworkAndMappedAddressesAsIpv4) {
  for (const char* client : {"[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]"}) hold(client, Kind::Head);
  hold("[2001:db8:0:1::1]", Kind::Idle);
  EXPECT_EQ(leaver("10.0.0.9"), "2001:db8::3 head 0");
  connections_.clear();
  for (const char* client : {"[::ffff:10.0.0.1]", "10.0.0.1", "10.0.0.1"}) hold(client, Kind::Head);
  hold("10.0.0.2", Kind::Idle);
  EXPECT_NE(leaver("10.0.0.9"), "10.0.0.2 idle 0");
}

}  // namespace
}  // namespace weir::server
