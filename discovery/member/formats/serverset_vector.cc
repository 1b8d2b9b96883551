#include "member/formats/serverset_vector.h"

#include "member/formats/format.h"
#include "member/formats/json.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_map>

namespace weir::discovery {
namespace {

namespace json = boost::json;

constexpr std::string_view kMember = "member=", kInet = "inet=", kShard = "shard=";
constexpr std::string_view kShardFact = "l.shard=";  // the first fact of a member, if it has one

std::optional<std::string> canonical_selector(std::string_view selector) {
  if (selector.size() > kLongestName) return std::nullopt;
  if (selector.starts_with(kMember)) return std::string(selector);
  if (selector.starts_with(kInet)) {
    NameError error{};
    const auto address = canonical_member_address(selector.substr(kInet.size()), error);
    return address ? std::optional(std::string(kInet) + *address) : std::nullopt;
  }
  if (!selector.starts_with(kShard)) return std::nullopt;
  int shard = 0;
  const char* const end = selector.data() + selector.size();
  const auto [stop, error] = std::from_chars(selector.data() + kShard.size(), end, shard);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return std::string(kShard) + std::to_string(shard);
}

std::string_view shard_of(const KnownMember& member) {
  const std::string_view facts = member.facts;
  if (!facts.starts_with(kShardFact)) return {};
  return facts.substr(kShardFact.size(), facts.find(',') - kShardFact.size());
}

void multiply_weight(KnownMember& member, double factor) {
  if (factor <= 0) {
    member.draining = true;
    return;
  }
  const double weight = std::clamp(member.weight * factor, 1.0, static_cast<double>(kGreatestWeight));
  member.weight = static_cast<std::uint32_t>(std::lround(weight));
}

}  // namespace

// Finagle: `{"vector":[{"select":"member=member_0000000007","weight":0.5,"priority":1}]}`. The priority is not used there
// either. Source: `Vector` of finagle-serversets.
DecodedVector decode_vector(std::string_view data) {
  const auto value = parse_json(data, kDeepestJson);
  if (!value || !value->is_object()) return {.reason = value ? "not a JSON object" : "not JSON", .is_rejected = true};
  const json::value* const entries = find_key(value->get_object(), "vector");
  if (entries == nullptr || !entries->is_array()) return {.reason = "no vector", .is_rejected = true};
  if (entries->get_array().size() > kMostPerChild) return {.reason = "too many weights in one node", .is_rejected = true};
  DecodedVector result;
  for (const json::value& entry : entries->get_array()) {
    const auto selector = entry.is_object() ? canonical_selector(string_at(entry.get_object(), "select")) : std::nullopt;
    if (!selector) {
      result.reason = "bad selector";
      continue;
    }
    const json::value* const weight = find_key(entry.get_object(), "weight");
    const auto factor = weight == nullptr ? std::optional(1.0) : number_of(*weight);
    if (factor && *factor <= kGreatestWeight) result.rules.push_back({*selector, std::max(*factor, 0.0)});
    else result.reason = "bad weight";
  }
  return result;
}

void apply_weight_rules(const std::vector<WeightRule>& rules, std::vector<DecodedDirectory::Child>& children) {
  if (rules.empty()) return;
  std::unordered_map<std::string, double> factors;
  for (const WeightRule& rule : rules) factors.try_emplace(rule.selector, 1.0).first->second *= rule.factor;
  const auto factor_of = [&](std::string_view kind, std::string_view which) {
    const auto factor = factors.find(std::string(kind).append(which));
    return factor == factors.end() ? 1.0 : factor->second;
  };
  for (auto& [name, member, is_faulty, number] : children) {
    if (!name.starts_with("member_")) continue;
    const double factor = factor_of(kMember, name) * factor_of(kInet, member.address) * factor_of(kShard, shard_of(member));
    if (factor != 1) multiply_weight(member, factor);
  }
}

}  // namespace weir::discovery
