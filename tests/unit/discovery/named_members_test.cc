// Members that are announced by the names of hosts.
#include "keeper_test.h"

#include "member/membership_cache.h"
#include "member/named_members.h"

#include <cstdlib>
#include <filesystem>
#include <set>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

KnownMember member_at(const std::string& address, std::uint32_t weight = 100) {
  return KnownMember(balancer::Member{.address = address, .weight = weight});
}

Addresses addresses_of(const MemberList& members) {
  Addresses addresses;
  for (const KnownMember& member : members) addresses.push_back(member.address);
  return addresses;
}

TEST(NamedMembers, AreAsManyAsTheyHaveAddressesAndShareTheirWeight) {
  const ResolvedMembers resolved =
      resolve_members({member_at("web:80", 90)}, {{"web", {"10.0.0.1", "10.0.0.2", "2001:db8::1"}}}, {});
  EXPECT_EQ(addresses_of(resolved.members), (Addresses{"10.0.0.1:80", "10.0.0.2:80", "[2001:db8::1]:80"}));
  for (const KnownMember& member : resolved.members) {
    EXPECT_EQ(member.weight, 30u);
    EXPECT_EQ(member.name, "web:80");
    EXPECT_EQ(member.hash_key, "web:80");
    EXPECT_FALSE(member.down);
  }
  EXPECT_TRUE(resolved.without_address.empty());
}

TEST(NamedMembers, NeverHaveNoWeight) {
  const ResolvedMembers resolved = resolve_members({member_at("web:80", 1)}, {{"web", {"10.0.0.1", "10.0.0.2", "10.0.0.3"}}}, {});
  for (const KnownMember& member : resolved.members) EXPECT_EQ(member.weight, 1u);
}

TEST(NamedMembers, AreDownIfNothingIsKnownOfTheirHost) {
  const ResolvedMembers resolved = resolve_members({member_at("10.0.0.1:80"), member_at("web:80")}, {}, {});
  ASSERT_EQ(addresses_of(resolved.members), (Addresses{"10.0.0.1:80", "web:80"}));
  EXPECT_FALSE(resolved.members[0].down);
  EXPECT_TRUE(resolved.members[1].down);
  EXPECT_EQ(resolved.without_address.count("web"), 1u);
}

TEST(NamedMembers, GetAroundNoRule) {
  const HostAddresses known{{"outside", {"10.2.0.1"}}, {"both", {"10.1.0.1", "10.2.0.1"}}, {"metadata", {"169.254.169.254"}},
                            {"scoped", {"fe80::1%eth0"}}, {"everywhere", {"0.0.0.0", "::", "224.0.0.1"}}};
  MemberList members{member_at("both:80"), member_at("everywhere:80"), member_at("metadata:80"), member_at("outside:80"),
                     member_at("scoped:80")};
  const ResolvedMembers resolved = resolve_members(members, known, {*parse_cidr("10.1.0.0/16"), *parse_cidr("169.254.0.0/16")});
  std::vector<std::string> up;
  for (const KnownMember& member : resolved.members) {
    if (!member.down) up.push_back(member.address);
  }
  EXPECT_EQ(up, (Addresses{"10.1.0.1:80"}));
  EXPECT_STREQ(resolved.without_address.at("outside"), kNotAllowed);
  EXPECT_STREQ(resolved.without_address.at("metadata"), "refused address");
  EXPECT_STREQ(resolved.without_address.at("everywhere"), "refused address");
  EXPECT_STREQ(resolved.without_address.at("scoped"), "bad address");
}

TEST(NamedMembers, GiveWayToOneThatIsAnnouncedByItsAddress) {
  KnownMember named = member_at("web:80", 7), other = member_at("web2:80", 8);
  named.draining = true;
  const HostAddresses known{{"web", {"10.0.0.1"}}, {"web2", {"10.0.0.1"}}};
  const ResolvedMembers resolved = resolve_members({member_at("10.0.0.1:80", 20), named, other}, known, {});
  ASSERT_EQ(addresses_of(resolved.members), (Addresses{"10.0.0.1:80"}));
  EXPECT_EQ(resolved.members[0].weight, 20u);
  EXPECT_TRUE(resolved.members[0].draining) << "a wish to drain is heard from either";
}

// --- looked up while the registry is watched

class NamedMembersOfARegistry : public MembershipKeeperTest {};

TEST_F(NamedMembersOfARegistry, AreAnnouncedOnceTheirHostsWereLookedUp) {
  world.hosts["web.example.com"] = {.addresses = {"10.0.0.2", "10.0.0.1"}};
  start_with({"web.example.com:80"});
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"}));
  EXPECT_EQ(world.announced.size(), 1u) << "not as one that cannot serve first";
}

TEST_F(NamedMembersOfARegistry, FollowWhatTheirHostsStandFor) {
  world.hosts["web"] = {.addresses = {"10.0.0.1"}, .valid_for = 5s};
  start_with({"web:80"});
  world.hosts["web"].addresses = {"10.0.0.9"};
  world.pass(3s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80"})) << "the answer is still valid";
  world.pass(3s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.9:80"}));
}

TEST_F(NamedMembersOfARegistry, KeepTheirLastAddressesWhileNobodyResolvesThem) {
  world.hosts["web"] = {.addresses = {"10.0.0.1"}};
  start_with({"web:80", "10.0.0.7:80"});
  world.hosts.clear();
  world.pass(24h);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.7:80"}));
  EXPECT_EQ(status().unresolved, 1u);
  EXPECT_EQ(world.lines_with("cannot be resolved: web (no such host)"), 1u) << "said once";
  EXPECT_LT(world.look_ups["web"], 24 * 3600 / 9) << "asked less and less often";
  world.hosts["web"] = {.addresses = {"10.0.0.2"}};
  world.pass(31s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.2:80", "10.0.0.7:80"}));
  EXPECT_EQ(status().unresolved, 0u);
}

TEST_F(NamedMembersOfARegistry, AreDownWithAWarningIfTheyNeverResolve) {
  start_with({"web:80", "10.0.0.7:80"});
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.7:80", "web:80"}));
  EXPECT_TRUE(world.member("web:80").down);
  EXPECT_EQ(world.lines_with("cannot be resolved: web (no such host)"), 1u);
  EXPECT_NE(describe(status(), world.executor->now()).find("hosts that cannot be resolved: 1\n"), std::string::npos);
  world.hosts["web"] = {.addresses = {"10.0.0.1"}};
  world.pass(31s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.7:80"}));
}

TEST_F(NamedMembersOfARegistry, AreNotWaitedForLongerThanASecond) {
  world.are_name_servers_silent = true;
  world.join("web:80");
  world.join("10.0.0.7:80");
  world.watch();
  world.pass(500ms);
  EXPECT_TRUE(world.announced.empty());
  world.pass(1s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.7:80", "web:80"}));
  world.join("10.0.0.8:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members().size(), 3u);
}

TEST_F(NamedMembersOfARegistry, DoNotKeepOthersWaitingWhileSomebodyServes) {
  start_with({"10.0.0.7:80"});
  world.are_name_servers_silent = true;
  world.join("web:80");
  world.leave("10.0.0.7:80");
  world.join("10.0.0.7:80,s=drain");
  world.join("10.0.0.8:80");
  world.pass(kSoon);
  EXPECT_TRUE(world.member("10.0.0.7:80").draining);
}

TEST_F(NamedMembersOfARegistry, AreReplacedAllAtOnceWithoutAMomentWithoutAny) {
  world.config.vanish.mode = Vanish::Trust;
  for (const char* host : {"a", "b", "c"}) world.hosts[host] = {.addresses = {std::string("10.0.0.") + std::to_string(*host - 96)}};
  start_with({"a:80", "b:80"});
  world.registry.remove("/weir/app/members/a:80");
  world.registry.remove("/weir/app/members/b:80");
  world.join("c:80");
  world.pass(kSoon);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.3:80"}));
  for (const auto& members : world.announced) {
    EXPECT_TRUE(std::any_of(members.begin(), members.end(), [](const auto& member) { return !member.down; }));
  }
}

TEST_F(NamedMembersOfARegistry, AreJudgedByAllTheirAddresses) {
  std::set<std::string> failing{"10.0.0.1:80"};
  const auto witness = [&](std::string_view address) {
    return failing.contains(std::string(address)) ? Health::Failing : Health::Unknown;
  };
  world.hosts["web"] = {.addresses = {"10.0.0.1", "10.0.0.2"}};
  world.join("web:80");
  world.join("10.0.0.7:80");
  world.watch(witness);
  world.pass(1s);
  world.registry.wipe();
  world.pass(10s);
  EXPECT_EQ(status().held, 2u) << "one of its addresses may still serve";
  failing.insert("10.0.0.2:80");
  world.pass(10s);
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.7:80"}));
}

TEST_F(NamedMembersOfARegistry, AreNotWaitedForLongerBecauseContactIsLost) {
  world.are_name_servers_silent = true;
  world.join("web:80");
  world.join("10.0.0.7:80");
  world.watch();
  world.pass(500ms);
  ASSERT_TRUE(world.announced.empty());
  world.registry.go_down();
  world.pass(1min);
  ASSERT_FALSE(world.announced.empty());
  EXPECT_FALSE(world.member("10.0.0.7:80").down);
}

TEST_F(NamedMembersOfARegistry, AreKnownToAPolicyByNameAndByAddress) {
  world.hosts["web"] = {.addresses = {"10.0.0.1", "10.0.0.2"}};
  start_with({"web:80"});
  world.set_policy(R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true}]})");
  world.pass(kSoon);
  EXPECT_TRUE(world.member("10.0.0.1:80").draining);
  EXPECT_FALSE(world.member("10.0.0.2:80").draining);
  world.set_policy(R"({"v":1,"rules":[{"match":"Web:80","weight":7}]})");
  world.pass(kSoon);
  EXPECT_EQ(world.member("10.0.0.1:80").weight, 7u);
  EXPECT_EQ(world.member("10.0.0.2:80").weight, 7u);
}

TEST_F(NamedMembersOfARegistry, AreLookedUpAtMostSoManyAndSoManyAtATime) {
  for (std::size_t i = 0; i < kMostHosts + 5; ++i) {
    const std::string host = "host" + std::to_string(10'000 + i);
    world.hosts[host] = {.addresses = {"10.0." + std::to_string(i / 250) + "." + std::to_string(1 + i % 250)}};
    world.join(host + ":80");
  }
  world.watch();
  world.pass(10s);
  EXPECT_EQ(world.look_ups.size(), kMostHosts);
  EXPECT_EQ(status().unresolved, 5u);
  EXPECT_EQ(std::ranges::count_if(world.announced.back(), [](const auto& member) { return member.down; }), 5);
  EXPECT_EQ(world.lines_with("(too many hosts)"), 1u);
}

TEST_F(NamedMembersOfARegistry, HaveABoundedNumberOfAddresses) {
  for (int i = 1; i <= 40; ++i) world.hosts["web"].addresses.push_back("10.0.0." + std::to_string(i));
  start_with({"web:80"});
  EXPECT_EQ(world.members().size(), kMostAddresses);
}

TEST_F(NamedMembersOfARegistry, AreForgottenWhenTheyAreGone) {
  world.config.vanish.mode = Vanish::Trust;
  world.hosts["web"] = {.addresses = {"10.0.0.1"}};
  start_with({"web:80", "10.0.0.7:80"});
  world.leave("web:80");
  world.pass(kSoon);
  const int asked = world.look_ups["web"];
  world.pass(1h);
  EXPECT_EQ(world.look_ups["web"], asked);
}

TEST_F(NamedMembersOfARegistry, ServeFromTheCacheWithTheAddressesTheyHad) {
  char folder[] = "/tmp/weir-names-XXXXXX";
  world.config.cache_file = std::string(mkdtemp(folder)) + "/app";
  world.hosts["web"] = {.addresses = {"10.0.0.1", "10.0.0.2"}};
  start_with({"web:80"});
  world.pass(3s);
  world.keeper->end();
  world.pass(1ms);
  world.registry.go_down();
  world.are_name_servers_silent = true;
  world.announced.clear();
  world.ensemble = world.make_ensemble();
  world.watch();
  EXPECT_EQ(world.members(), (Addresses{"10.0.0.1:80", "10.0.0.2:80"})) << "before anything was waited for";
  world.keeper->end();
  world.executor->clear();
  std::filesystem::remove_all(folder);
}

TEST(NamedMembersInACache, AreReadBackAndNothingElseIs) {
  CachedMembership cached;
  cached.origin = "here";
  cached.hosts = {{"web", {"10.0.0.1", "::1", "not\tan\naddress"}}, {"web2", {}}};
  std::string error;
  EXPECT_EQ(decode_cache(encode_cache(cached), error), cached);
  cached.hosts = {{"10.0.0.1", {"10.0.0.2"}}};
  EXPECT_EQ(decode_cache(encode_cache(cached), error), std::nullopt);
  cached.hosts = {{"web", std::vector<std::string>(kMostAddresses + 1, "10.0.0.1")}};
  EXPECT_EQ(decode_cache(encode_cache(cached), error), std::nullopt);
}

}  // namespace
}  // namespace weir::discovery
