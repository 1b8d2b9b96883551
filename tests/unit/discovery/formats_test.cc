#include "member/formats/format.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

namespace weir::discovery {
namespace {

// One child of a directory, and what it is to mean.
struct Golden {
  std::string where, name, data;
  std::vector<std::string> expected;
  std::string reason;
};

std::vector<Golden> golden_of(const std::string& format) {
  const std::string path = std::string(WEIR_GOLDEN) + "/" + format + ".txt";
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  std::vector<Golden> all;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    const auto value_of = [&](const char* key) {
      return line.starts_with(key) ? line.substr(std::string(key).size()) : std::string();
    };
    if (line.starts_with("name: ")) all.push_back({fmt::format("{}:{}", path, number), value_of("name: "), {}, {}, {}});
    if (line.starts_with("data: ")) {
      std::string data = value_of("data: ");
      if (const auto escape = data.find("\\n"); escape != data.npos) data.replace(escape, 2, "\n");
      all.back().data = data;
    }
    if (line.starts_with("expect: ")) all.back().expected.push_back(value_of("expect: "));
    if (line.starts_with("reject: ")) all.back().reason = value_of("reject: ");
  }
  return all;
}

std::string describe(const KnownMember& member) {
  const balancer::Member usual;
  std::string text = fmt::format("{} weight={}", member.address, member.weight);
  if (member.backup) text += " backup";
  if (member.down) text += " down";
  if (member.draining) text += " draining";
  if (member.max_fails != usual.max_fails || member.fail_timeout != usual.fail_timeout)
    text += fmt::format(" max_fails={} fail_timeout={}", member.max_fails, member.fail_timeout.count());
  if (member.max_conns != 0) text += fmt::format(" max_conns={}", member.max_conns);
  if (!member.facts.empty()) text += " facts=" + member.facts;
  return text;
}

// Reads a child as a directory reader does.
std::pair<std::vector<std::string>, std::string> read(Format format, const Golden& golden) {
  const DecodeRules rules;
  std::vector<std::string> members;
  FromName from_name = decode_child_name(format, golden.name, rules, true);
  std::string reason = from_name.reason == nullptr ? "" : from_name.reason;
  for (const KnownMember& member : from_name.members) members.push_back(describe(member));
  if (from_name.what == FromName::What::NeedsData) {
    const FromData from_data = decode_child_data(format, golden.name, golden.data, rules);
    reason = from_data.reason == nullptr ? "" : from_data.reason;
    for (const KnownMember& member : from_data.members) members.push_back(describe(member));
  }
  return {members, reason};
}

class GoldenFormats : public testing::TestWithParam<const char*> {};

TEST_P(GoldenFormats, AreReadAsTheyAreDocumented) {
  const Format format = format_of(GetParam()).value_or(Format::Auto);
  const std::vector<Golden> all = golden_of(GetParam());
  ASSERT_FALSE(all.empty());
  for (const Golden& golden : all) {
    const auto [members, reason] = read(format, golden);
    EXPECT_EQ(members, golden.expected) << golden.where;
    EXPECT_EQ(reason, golden.reason) << golden.where;
  }
}

TEST_P(GoldenFormats, AreFoundOutForEachChild) {
  if (GetParam() == std::string("nginx")) return;  // its names are taken for ours
  for (const Golden& golden : golden_of(GetParam())) {
    const auto [members, reason] = read(Format::Auto, golden);
    EXPECT_EQ(members, golden.expected) << golden.where;
    EXPECT_EQ(reason, golden.reason) << golden.where;
  }
}

INSTANTIATE_TEST_SUITE_P(All, GoldenFormats,
                         testing::Values("native", "plain", "nerve", "serverset", "curator", "dubbo", "nginx", "list"));

TEST(Formats, TakeOurOwnNodesForNoMembers) {
  for (const char* name : {"members", "static", "policy"}) {
    EXPECT_EQ(decode_child_name(Format::Auto, name, {}, true).what, FromName::What::NotOne) << name;
    EXPECT_EQ(decode_child_name(Format::Nerve, name, {}, true).what, FromName::What::NotOne) << name;
  }
}

TEST(Formats, AreRefusedIfPinnedToAnother) {
  EXPECT_EQ(decode_child_name(Format::ServerSet, "10.0.0.1:80", {}, true).what, FromName::What::Rejected);
  EXPECT_TRUE(decode_child_data(Format::Curator, "x", "10.0.0.1:80", {}).is_rejected);
}

TEST(Formats, RefuseWhatIsTooMuch) {
  const std::string large = R"({"host":"10.0.0.1","port":80,"name":")" + std::string(kLongestData, 'x') + "\"}";
  EXPECT_STREQ(decode_child_data(Format::Auto, "x", large, {}).reason, "too much data");
  const std::string deep = R"({"host":"10.0.0.1","port":80,"x":)" + std::string(20, '[') + std::string(20, ']') + "}";
  EXPECT_STREQ(decode_child_data(Format::Auto, "x", deep, {}).reason, "not JSON");
  EXPECT_STREQ(decode_child_data(Format::Auto, "x", "{\"host\":\"10.0.0.1\",\"port\":80,\"name\":\"\xc3\x28\"}", {}).reason,
               "not JSON");
  std::string many = "10.0.0.1:1";
  for (std::size_t i = 0; i < kMostPerChild; ++i) many += fmt::format(",10.0.0.1:{}", i + 2);
  EXPECT_TRUE(decode_child_data(Format::Auto, "x", many, {}).is_rejected);
}

TEST(Formats, MultiplyWhatTheVectorsOfAServerSetSayOfAMember) {
  const auto child = [](const char* name, const char* address, const char* facts) {
    return DecodedDirectory::Child{.name = name, .member = {{.address = address, .weight = 100}, facts}};
  };
  std::vector<DecodedDirectory::Child> children{
      child("member_1", "10.0.0.1:80", "l.shard=1"), child("member_2", "10.0.0.2:80", "l.shard=2,l.dc=eu"),
      child("member_3", "10.0.0.3:80", ""), child("10.0.0.1:80,l.shard=1", "10.0.0.1:80", "l.shard=1")};
  std::vector<WeightRule> rules;
  for (const char* data : {R"({"vector":[{"select":"member=member_1","weight":0.5},{"select":"shard=1","weight":3}]})",
                           R"({"vector":[{"select":"inet=10.0.0.1:80","weight":0.1},{"select":"shard=2","weight":-1.0},
                               {"select":"member=member_3"},{"select":"member=member_3","weight":1e4}]})"}) {
    const DecodedVector vector = decode_vector(data);
    EXPECT_EQ(vector.reason, nullptr);
    rules.insert(rules.end(), vector.rules.begin(), vector.rules.end());
  }
  apply_weight_rules(rules, children);
  EXPECT_EQ(children[0].member.weight, 15u);
  EXPECT_TRUE(children[1].member.draining);
  EXPECT_EQ(children[2].member.weight, kGreatestWeight);
  EXPECT_EQ(children[3].member.weight, 100u) << "no member of a ServerSet";
}

TEST(Formats, HaveWordsThatAreReadBack) {
  for (const Format format : {Format::Auto, Format::Native, Format::Plain, Format::Nerve, Format::ServerSet, Format::Curator,
                              Format::Dubbo, Format::Nginx}) {
    EXPECT_EQ(format_of(to_string(format)), format);
  }
  EXPECT_EQ(format_of("eureka"), std::nullopt);
}

TEST(Cidr, HoldsTheAddressesOfItsRange) {
  const auto ranges = [](const char* text) { return std::vector<Cidr>{parse_cidr(text).value()}; };
  EXPECT_TRUE(is_allowed("10.1.2.3:80", ranges("10.0.0.0/8")));
  EXPECT_FALSE(is_allowed("11.1.2.3:80", ranges("10.0.0.0/8")));
  EXPECT_TRUE(is_allowed("10.1.2.3:80", ranges("10.1.2.3")));
  EXPECT_TRUE(is_allowed("10.1.2.67:80", ranges("10.1.2.64/26")));
  EXPECT_FALSE(is_allowed("10.1.2.128:80", ranges("10.1.2.64/26")));
  EXPECT_TRUE(is_allowed("[fd00::1]:80", ranges("fd00::/8")));
  EXPECT_FALSE(is_allowed("10.1.2.3:80", ranges("fd00::/8")));
  EXPECT_TRUE(is_allowed("10.1.2.3:80", ranges("0.0.0.0/0")));
  EXPECT_FALSE(is_allowed("[fd00::1]:80", ranges("0.0.0.0/0")));
  EXPECT_TRUE(is_allowed("10.1.2.3:80", {}));
  for (const char* text : {"", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "10.0.0.0/8x", "host"})
    EXPECT_FALSE(parse_cidr(text)) << text;
}

}  // namespace
}  // namespace weir::discovery
