#include "member/native_name.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

namespace weir::discovery {
namespace {

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t greatest) {
  std::uint32_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);  // takes no sign and no space
  if (error != std::errc{} || stop != end || value > greatest) return std::nullopt;
  return value;
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_key(std::string_view key) {
  const auto is_key_character = [](char c) {
    return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '.' || c == '-' || c == '_';
  };
  return !key.empty() && is_lower(key.front()) && std::all_of(key.begin(), key.end(), is_key_character);
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Well-formed UTF-8 as Unicode's table 3-7 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const int more = lead < 0x80 ? 0 : lead < 0xc2 ? -1 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : -1;
    if (more < 0 || text.size() - i <= static_cast<std::size_t>(more)) return false;
    for (int k = 1; k <= more; ++k) {
      const auto byte = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      const unsigned low = k > 1 ? 0x80 : lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
      const unsigned high = k > 1 ? 0xbf : lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
      if (byte < low || byte > high) return false;
    }
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      value += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    value += static_cast<char>(high * 16 + low);
    i += 2;
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(value.begin(), value.end(), is_control) || !is_utf8(value)) return std::nullopt;
  return value;
}

void append_escaped(std::string& text, std::string_view value) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    // '/' separates the components of a ZooKeeper path.
    if (byte <= 0x20 || byte >= 0x7f || c == ',' || c == '=' || c == '%' || c == '/') {
      text += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      text += c;
    }
  }
}

// Applies one `key=value`. Returns what is wrong with it, if anything.
std::optional<NameError> apply_field(std::string_view key, std::string_view value, NativeName& name) {
  if (key == "w") {
    name.weight = parse_number(value, kGreatestWeight);
    name.bad_weight = !name.weight;  // a server worth its default weight is worth more than none
    return std::nullopt;
  }
  if (key == "t") {
    const auto tier = parse_number(value, kGreatestTier);
    if (!tier) return NameError::BadTier;
    name.tier = *tier;
    return std::nullopt;
  }
  if (key == "s") {
    if (value == "up") name.state = NativeName::State::Up;
    else if (value == "drain") name.state = NativeName::State::Draining;
    else if (value == "starting") name.state = NativeName::State::Starting;
    else return NameError::BadState;
    return std::nullopt;
  }
  auto text = unescape(value);
  if (!text) return NameError::BadEscape;
  if (key == "z") name.zone = std::move(*text);
  else if (key == "v") name.version = std::move(*text);
  else if (key == "i") name.instance = std::move(*text);
  else if (key == "p") name.protocol = std::move(*text);
  else if (key.starts_with("l.") && key.size() > 2) name.labels.emplace(key.substr(2), std::move(*text));
  return std::nullopt;
}

}  // namespace

DecodedName decode_name(std::string_view text) {
  if (text.size() > kLongestName) return {std::nullopt, NameError::TooLong};
  const auto is_allowed = [](char c) { return c > 0x20 && c < 0x7f; };
  if (!std::all_of(text.begin(), text.end(), is_allowed)) return {std::nullopt, NameError::BadCharacter};

  NativeName name;
  NameError error{};
  std::size_t end = std::min(text.find(','), text.size());
  auto address = canonical_member_address(text.substr(0, end), error);
  if (!address) return {std::nullopt, error};
  name.address = std::move(*address);

  std::vector<std::string_view> keys;
  while (end < text.size()) {
    const std::size_t begin = end + 1;
    end = std::min(text.find(',', begin), text.size());
    const std::string_view field = text.substr(begin, end - begin);
    const auto equals = field.find('=');
    const std::string_view key = field.substr(0, std::min(equals, field.size()));
    if (equals == std::string_view::npos || !is_key(key)) return {std::nullopt, NameError::BadField};
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) return {std::nullopt, NameError::BadField};
    keys.push_back(key);
    const std::string_view value = field.substr(equals + 1);
    if (value.find('=') != std::string_view::npos) return {std::nullopt, NameError::BadField};
    if (const auto wrong = apply_field(key, value, name)) return {std::nullopt, *wrong};
  }
  return {std::move(name), {}};
}

std::string encode_name(const NativeName& name) {
  std::string text = name.address;
  const auto add = [&](std::string_view key, std::string_view value) {
    text.append(",").append(key).append("=");
    append_escaped(text, value);
  };
  if (name.weight) add("w", std::to_string(*name.weight));
  if (name.tier != 0) add("t", std::to_string(name.tier));
  if (name.state == NativeName::State::Draining) add("s", "drain");
  if (name.state == NativeName::State::Starting) add("s", "starting");
  if (const std::string facts = facts_of(name); !facts.empty()) text.append(",").append(facts);
  return text;
}

std::string facts_of(const NativeName& name) {
  std::string text;
  const auto add = [&](std::string_view key, std::string_view value) {
    if (!text.empty()) text += ',';
    text.append(key).append("=");
    append_escaped(text, value);
  };
  if (!name.zone.empty()) add("z", name.zone);
  if (!name.version.empty()) add("v", name.version);
  if (!name.instance.empty()) add("i", name.instance);
  if (!name.protocol.empty()) add("p", name.protocol);
  for (const auto& [label, value] : name.labels) add("l." + label, value);
  return text;
}

std::string zone_of(std::string_view facts) {
  constexpr std::string_view kKey = "z=";  // the first one, if it is there
  if (!facts.starts_with(kKey)) return {};
  return unescape(facts.substr(kKey.size(), facts.find(',') - kKey.size())).value_or(std::string());
}

std::string escape_value(std::string_view value) {
  std::string text;
  append_escaped(text, value);
  return text;
}

bool is_valid_key(std::string_view key) {
  return is_key(key);
}

std::string printable(std::string_view text, std::size_t longest) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result;
  for (const char c : text) {
    if (result.size() >= longest) return result + "...";
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '\\') {
      result += c;
    } else {
      result += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return result;
}

}  // namespace weir::discovery
