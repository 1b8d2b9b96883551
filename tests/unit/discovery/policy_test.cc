#include "member/policy.h"

#include <gtest/gtest.h>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

const WallTime kNow{1'790'000'000s};

KnownMember member(const std::string& address, const std::string& facts = {}, std::uint32_t weight = 100) {
  KnownMember result;
  result.address = address;
  result.weight = weight;
  result.facts = facts;
  return result;
}

Policy policy(std::string_view text) {
  ParsedPolicy parsed = parse_policy(text);
  EXPECT_EQ(parsed.error, "") << text;
  return parsed.policy.value_or(Policy{});
}

MemberList under(std::string_view text, MemberList members, WallTime now = kNow, const HealthWitness& health = {}) {
  return apply_policy(policy(text), std::move(members), now, health).members;
}

// The share of the traffic that `member` gets among `members`, in percent.
double share(const MemberList& members, std::size_t which) {
  double all = 0;
  for (const KnownMember& each : members) all += each.draining || each.down || each.backup ? 0 : each.weight;
  return members[which].draining ? 0 : 100 * members[which].weight / all;
}

TEST(Policy, IsReadAndWrittenBack) {
  const Policy read = policy(R"({"v":1,"rules":[{"match":"10.9.0.5:8080","weight":0},
      {"match":"z=eu-1b","drain":true,"until":"2026-12-01T10:00:00Z"}],
      "split":[{"match":"v=2026.1","percent":5}],"backup_below":0.3,"freeze":true,"accept":7})");
  EXPECT_EQ(read.rules.size(), 2u);
  EXPECT_EQ(format_time(*read.rules[1].until), "2026-12-01T10:00:00Z");
  EXPECT_EQ(parse_policy(format_policy(read)).policy, read);
  EXPECT_EQ(parse_policy(format_policy({})).policy, Policy{});
  EXPECT_EQ(parse_policy("").policy, Policy{});
}

TEST(Policy, StaysTheSameWhenItIsWrittenBackWhateverItsValuesHold) {
  for (const char* match : {"z=eu 1", "z=eu%201", "z=a,b", "z=100%", "z=%0A", "z=%$$", "z=%25"}) {
    const std::string once = canonical_match(match);
    EXPECT_EQ(canonical_match(once), once) << match;
  }
  EXPECT_EQ(canonical_match("z=eu 1"), "z=eu%201");
  EXPECT_EQ(canonical_match("z=a,b"), "z=a%2Cb");
}

TEST(Policy, IsTakenWholeOrNotAtAll) {
  const std::pair<const char*, const char*> wrong[] = {
      {"[]", "not a JSON object"},
      {"{", "not a JSON object"},
      {R"({"rules":[]})", "\"v\" is missing"},
      {R"({"v":2})", "\"v\" must be 1"},
      {R"({"v":1,"frieze":true})", "unknown key \"frieze\""},
      {R"({"v":1,"freeze":1})", "must be true or false"},
      {R"({"v":1,"rules":{}})", "must be a list"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80"}]})", "neither"},
      {R"({"v":1,"rules":[{"weight":1}]})", "has no \"match\""},
      {R"({"v":1,"rules":[{"match":"10.0.0.1","weight":1}]})", "must be an address"},
      {R"({"v":1,"rules":[{"match":"w=5","weight":1}]})", "must be an address"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":65536}]})", "must be a number of 0 to 65535"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":1.5}]})", "whole number"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":"tomorrow"}]})", "must be a time"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":"2026-02-30T10:00:00Z"}]})", "must be a time"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":"1013-12-01T10:00:00Z"}]})", "must be a time"},
      {R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":"2263-01-01T00:00:00Z"}]})", "must be a time"},
      {R"({"v":1,"split":[{"match":"v=1","percent":101}]})", "must be a number of 0 to 100"},
      {R"({"v":1,"split":[{"match":"v=1","percent":60},{"match":"v=2","percent":60}]})", "more than 100"},
      {R"({"v":1,"rules":[[[[[[]]]]]]})", "not a JSON object"},
  };
  for (const auto& [text, error] : wrong) {
    const ParsedPolicy parsed = parse_policy(text);
    EXPECT_FALSE(parsed.policy) << text;
    EXPECT_NE(parsed.error.find(error), std::string::npos) << text << ": " << parsed.error;
  }
  EXPECT_FALSE(parse_policy(std::string(kLongestPolicy + 1, ' ') + "{}").policy);
}

TEST(Policy, SetsWeightsAndDrains) {
  const auto members = under(R"({"v":1,"rules":[{"match":"10.0.0.1:80","weight":7},{"match":"z=b","drain":true},
                                 {"match":"10.0.0.3:80","weight":0}]})",
                             {member("10.0.0.1:80"), member("10.0.0.2:80", "z=b,v=1"), member("10.0.0.3:80", "z=bb")});
  EXPECT_EQ(members[0].weight, 7u);
  EXPECT_TRUE(members[1].draining);
  EXPECT_TRUE(members[2].draining);
  EXPECT_FALSE(members[0].draining);
}

TEST(Policy, MatchesWholeFactsOnly) {
  const KnownMember one = member("10.0.0.1:80", "z=eu-1b,l.z=x,v=2026.1");
  EXPECT_TRUE(matches("z=eu-1b", one));
  EXPECT_TRUE(matches("v=2026.1", one));
  EXPECT_FALSE(matches("z=eu-1", one));
  EXPECT_FALSE(matches("z=x", one));
  EXPECT_FALSE(matches("10.0.0.1:8", one));
  EXPECT_TRUE(matches(canonical_match("[0:0:0:0:0:0:0:1]:80"), member("[::1]:80")));
}

TEST(Policy, EndsARuleAtItsTime) {
  const std::string text = R"({"v":1,"rules":[{"match":"10.0.0.1:80","drain":true,"until":")" + format_time(kNow + 10s) + "\"}]}";
  EXPECT_TRUE(under(text, {member("10.0.0.1:80")})[0].draining);
  EXPECT_EQ(apply_policy(policy(text), {member("10.0.0.1:80")}, kNow, {}).look_again, 10'001ms);
  EXPECT_FALSE(under(text, {member("10.0.0.1:80")}, kNow + 10s)[0].draining);
}

TEST(Policy, SplitsTrafficByFacts) {
  const auto members = under(R"({"v":1,"split":[{"match":"v=2","percent":5}]})",
                             {member("a", "v=1"), member("b", "v=1", 300), member("c", "v=2"), member("d", "v=2", 50)});
  EXPECT_NEAR(share(members, 2) + share(members, 3), 5, 0.01);
  EXPECT_NEAR(share(members, 2), share(members, 3) * 2, 0.01);
  EXPECT_NEAR(share(members, 1), share(members, 0) * 3, 0.01);
}

TEST(Policy, NeverSplitsTrafficToNobody) {
  constexpr const char* kAll = R"({"v":1,"split":[{"match":"v=2","percent":100}]})";
  EXPECT_NEAR(share(under(kAll, {member("a", "v=1"), member("b", "v=2")}), 1), 100, 0.01);
  EXPECT_FALSE(under(kAll, {member("a", "v=1")})[0].draining) << "nobody matches";
  KnownMember drained = member("b", "v=2");
  drained.draining = true;
  EXPECT_FALSE(under(kAll, {member("a", "v=1"), drained})[0].draining) << "who matches takes no traffic";
}

TEST(Policy, CallsTheBackupsWhenTooFewPrimariesWork) {
  KnownMember backup = member("z");
  backup.backup = true;
  const auto health = [](std::string_view address) { return address < "c" ? Health::Failing : Health::Passing; };
  const MemberList all{member("a"), member("b"), member("c"), backup};
  EXPECT_FALSE(under(R"({"v":1,"backup_below":0.5})", all, kNow, health)[3].backup);
  EXPECT_TRUE(under(R"({"v":1,"backup_below":0.3})", all, kNow, health)[3].backup);
  EXPECT_TRUE(under(R"({"v":1,"backup_below":0.5})", all)[3].backup);
}

}  // namespace
}  // namespace weir::discovery
