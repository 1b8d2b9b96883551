// The policy as a document: read strictly, written for people.
#include "member/policy.h"

#include "member/formats/json.h"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace weir::discovery {
namespace {

namespace json = boost::json;

constexpr std::size_t kMostRules = 1000;
constexpr std::size_t kMostSplits = 20;

/// Says where and what in one line.
[[noreturn]] void fail(const std::string& what) { throw std::invalid_argument(what); }

std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

bool bool_of(const json::value& value, std::string_view key) {
  if (!value.is_bool()) fail(fmt::format("\"{}\" must be true or false", key));
  return value.get_bool();
}

double number_in(const json::value& value, std::string_view key, double least, double most) {
  const auto number = number_of(value);
  if (!number || !(*number >= least) || *number > most)
    fail(fmt::format("\"{}\" must be a number of {} to {}", key, least, most));
  return *number;
}

std::int64_t whole_in(const json::value& value, std::string_view key, double most) {
  const double number = number_in(value, key, 0, most);
  if (number != std::floor(number)) fail(fmt::format("\"{}\" must be a whole number", key));
  return static_cast<std::int64_t>(number);
}

std::string match_of(const json::value& value) {
  if (!value.is_string() || !is_valid_match(view(value.get_string())))
    fail("\"match\" must be an address or key=value with a key of z, v, i, p or l.<label>");
  return canonical_match(view(value.get_string()));
}

const json::array& array_of(const json::value& value, std::string_view key, std::size_t most) {
  if (!value.is_array() || value.get_array().size() > most)
    fail(fmt::format("\"{}\" must be a list of at most {} objects", key, most));
  for (const json::value& entry : value.get_array()) {
    if (!entry.is_object()) fail(fmt::format("\"{}\" must be a list of objects", key));
  }
  return value.get_array();
}

Policy::Rule rule_of(const json::object& object) {
  Policy::Rule rule;
  for (const auto& entry : object) {
    const std::string_view key = view(entry.key());
    const json::value& value = entry.value();
    if (key == "match") rule.match = match_of(value);
    else if (key == "weight") rule.weight = static_cast<std::uint32_t>(whole_in(value, key, kGreatestWeight));
    else if (key == "drain") rule.drain = bool_of(value, key);
    else if (key == "until") {
      if (value.is_string()) rule.until = parse_time(view(value.get_string()));
      if (!rule.until) fail("\"until\" must be a time such as 2026-12-01T10:00:00Z");
    } else {
      fail(fmt::format("unknown key \"{}\" in a rule", printable(key)));
    }
  }
  if (rule.match.empty()) fail("a rule has no \"match\"");
  if (!rule.weight && !rule.drain) fail("a rule has neither \"weight\" nor \"drain\"");
  return rule;
}

Policy::Split split_of(const json::object& object) {
  Policy::Split split;
  bool has_percent = false;
  for (const auto& entry : object) {
    const std::string_view key = view(entry.key());
    if (key == "match") split.match = match_of(entry.value());
    else if (key == "percent") {
      split.percent = number_in(entry.value(), key, 0, 100);
      has_percent = true;
    } else {
      fail(fmt::format("unknown key \"{}\" in a split", printable(key)));
    }
  }
  if (split.match.empty() || !has_percent) fail("a split needs \"match\" and \"percent\"");
  return split;
}

Policy policy_of(const json::object& object) {
  Policy policy;
  bool has_version = false;
  for (const auto& entry : object) {
    const std::string_view key = view(entry.key());
    const json::value& value = entry.value();
    if (key == "v") {
      if (whole_in(value, key, 1e9) != 1) fail("\"v\" must be 1: a later version is not understood");
      has_version = true;
    } else if (key == "rules") {
      for (const json::value& rule : array_of(value, key, kMostRules)) policy.rules.push_back(rule_of(rule.get_object()));
    } else if (key == "split") {
      for (const json::value& split : array_of(value, key, kMostSplits))
        policy.split.push_back(split_of(split.get_object()));
    } else if (key == "backup_below") {
      policy.backup_below = number_in(value, key, 0, 1);
    } else if (key == "freeze") {
      policy.freeze = bool_of(value, key);
    } else if (key == "accept") {
      policy.accept = whole_in(value, key, 9e15);
    } else {
      fail(fmt::format("unknown key \"{}\"", printable(key)));
    }
  }
  if (!has_version) fail("\"v\" is missing");
  double percents = 0;
  for (const Policy::Split& split : policy.split) percents += split.percent;
  if (percents > 100 + 1e-9) fail("the percents of \"split\" are more than 100 together");
  return policy;
}

}  // namespace

ParsedPolicy parse_policy(std::string_view text) {
  if (text.find_first_not_of(" \t\r\n") == text.npos) return {.policy = Policy{}};
  if (text.size() > kLongestPolicy) return {.error = "longer than 64 KiB"};
  const auto value = parse_json(text, 4);
  if (!value || !value->is_object()) return {.error = "not a JSON object"};
  try {
    return {.policy = policy_of(value->get_object())};
  } catch (const std::invalid_argument& wrong) {
    return {.error = wrong.what()};
  }
}

std::string format_policy(const Policy& policy) {
  json::object object{{"v", 1}};
  json::array rules, splits;
  for (const Policy::Rule& rule : policy.rules) {
    json::object entry{{"match", rule.match}};
    if (rule.weight) entry["weight"] = *rule.weight;
    if (rule.drain) entry["drain"] = true;
    if (rule.until) entry["until"] = format_time(*rule.until);
    rules.push_back(std::move(entry));
  }
  for (const Policy::Split& split : policy.split) {
    splits.push_back(json::object{{"match", split.match}, {"percent", split.percent}});
  }
  if (!rules.empty()) object["rules"] = std::move(rules);
  if (!splits.empty()) object["split"] = std::move(splits);
  if (policy.backup_below != 0) object["backup_below"] = policy.backup_below;
  if (policy.freeze) object["freeze"] = true;
  if (policy.accept != 0) object["accept"] = policy.accept;
  return json::serialize(object);
}

}  // namespace weir::discovery
