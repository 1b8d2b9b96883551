// Formats that are not JSON: Dubbo's names, the lines of ngx_zookeeper_upstream, plain `host:port`.
#include "member/formats/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir::discovery {
namespace {

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || text.empty() || value > most) return std::nullopt;
  return value;
}

// `33`, `33s`, `500ms`, `2m`, `1h`: nginx's times, at most a day.
std::optional<std::chrono::milliseconds> time(std::string_view text) {
  std::int64_t unit = 1000;
  for (const auto& [suffix, ms] : {std::pair{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}) {
    if (!text.ends_with(suffix)) continue;
    text.remove_suffix(std::string_view(suffix).size());
    unit = ms;
    break;
  }
  const auto value = number(text, 86'400'000);
  if (!value || *value * unit > 86'400'000) return std::nullopt;
  return std::chrono::milliseconds(*value * unit);
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// As Java's URLEncoder wrote it: `+` is a space. Nothing if an escape is none.
std::optional<std::string> url_decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex(text[i + 1]), low = hex(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

// Calls `take` with each part of `text` between separators; the last may be empty.
template <class Take>
void split(std::string_view text, std::string_view separators, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(separators), text.size());
    if (end != 0) take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

}  // namespace

// Dubbo's interface-level registry: children of `…/providers` are URLs, encoded.
// Source: Dubbo's documentation of its ZooKeeper registry and of the provider URL (weight: 100 unless given).
FromName decode_dubbo_name(std::string_view name, const DecodeRules& rules) {
  if (name.size() > kLongestData) return {.reason = to_string(NameError::TooLong)};
  const auto url = url_decode(name);
  if (!url) return {.reason = to_string(NameError::BadEscape)};
  std::string_view rest = *url;
  const std::size_t separator = rest.find("://");
  if (separator == rest.npos || separator == 0) return {.reason = "not a URL"};
  const std::string_view protocol = rest.substr(0, separator);
  if (protocol == "consumer" || protocol == "override" || protocol == "empty" || protocol == "route" ||
      protocol == "condition") {
    return {.what = FromName::What::NotOne};
  }
  rest.remove_prefix(separator + 3);
  const std::size_t question = rest.find('?');
  std::string_view authority = rest.substr(0, std::min(rest.find('/'), question));
  if (const std::size_t at = authority.rfind('@'); at != authority.npos) authority.remove_prefix(at + 1);
  MemberBuilder builder(rules);
  if (const char* const wrong = builder.set_address(authority)) return {.reason = wrong};
  const char* reason = nullptr;
  bool is_enabled = true;
  split(question == rest.npos ? std::string_view() : rest.substr(question + 1), "&", [&](std::string_view field) {
    const std::size_t equals = std::min(field.find('='), field.size());
    const std::string_view key = field.substr(0, equals), value = field.substr(std::min(equals + 1, field.size()));
    if (key == "weight") {
      const auto weight = number(value, kGreatestWeight);
      if (!weight || !builder.set_weight(*weight, 1)) reason = "bad weight";
    } else if (key == "enabled") {
      is_enabled = value != "false";
    } else if (key == "disabled") {
      is_enabled = value != "true";
    } else if (key == "version") {
      builder.add_fact("v", value);
    } else if (key == "group" || key == "application") {
      builder.add_fact("l." + std::string(key), value);
    }
  });
  builder.add_fact("p", protocol);
  builder.member().down = builder.member().down || !is_enabled;
  return {.what = FromName::What::Members, .members = {std::move(builder.member())}, .reason = reason};
}

// ngx_zookeeper_upstream: the name is the address, a line of the data beginning with `@params` nginx's words for a
// server, other lines are tags. nginx-upsync's and its own older JSON under such a name: decode_any_json.
// Source: README of ZigzagAK/ngx_zookeeper_upstream; the words are those of nginx's `server`.
FromData decode_nginx(std::string_view name, std::string_view data, const DecodeRules& rules) {
  const std::size_t begin = data.find_first_not_of(" \t\r\n");
  if (begin != data.npos && data[begin] == '{') return decode_any_json(name, data, rules);
  MemberBuilder builder(rules);
  if (const char* const wrong = builder.set_address(name)) return {.reason = wrong, .is_rejected = true};
  KnownMember& member = builder.member();
  const char* reason = nullptr;
  const auto take_word = [&](std::string_view word) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view key = word.substr(0, equals), value = word.substr(std::min(equals + 1, word.size()));
    if (key == "backup") member.backup = true;
    else if (key == "down") member.down = true;
    else if (key == "weight") {
      const auto weight = number(value, kGreatestWeight);
      if (!weight || !builder.set_weight(*weight, rules.default_weight)) reason = "bad weight";
    } else if (key == "max_conns" || key == "max_fails") {
      const auto count = number(value, 1'000'000);
      if (!count) reason = "bad parameter";
      else (key == "max_conns" ? member.max_conns : member.max_fails) = *count;
    } else if (key == "fail_timeout") {
      const auto duration = time(value);
      if (duration) member.fail_timeout = *duration;
      else reason = "bad parameter";
    } else {
      reason = "unknown parameter";
    }
  };
  int tags = 0;
  split(data, "\r\n", [&](std::string_view line) {
    if (line.starts_with("@params")) {
      split(line.substr(7), " \t;", take_word);
    } else if (tags < 16) {
      builder.add_fact("l.tag" + std::to_string(tags++), line);
    }
  });
  return {.members = {std::move(member)}, .reason = reason};
}

// `ip:port` or `ip:port:weight`, several with commas or lines between them; or the name, if there is no data.
// Source: for the third field, Armeria's legacy node value encoding.
FromData decode_plain(std::string_view name, std::string_view data, const DecodeRules& rules) {
  FromData result;
  const auto take = [&](std::string_view entry) {
    if (result.is_rejected) return;
    MemberBuilder builder(rules);
    const char* wrong = builder.set_address(entry);
    if (wrong != nullptr) {
      const std::size_t colon = entry.rfind(':');
      if (colon == entry.npos || builder.set_address(entry.substr(0, colon)) != nullptr) {
        result = {.reason = wrong, .is_rejected = true};
        return;
      }
      const auto weight = number(entry.substr(colon + 1), kGreatestWeight);
      if (!weight || !builder.set_weight(*weight, 1)) result.reason = "bad weight";
    }
    if (result.members.size() == kMostPerChild) {
      result = {.reason = "too many members in one node", .is_rejected = true};
    } else {
      result.members.push_back(std::move(builder.member()));
    }
  };
  split(data.find_first_not_of(" \t\r\n") == data.npos ? name : data, ", \t\r\n", take);
  if (result.members.empty() && !result.is_rejected) return {.reason = "bad address", .is_rejected = true};
  return result;
}

}  // namespace weir::discovery
