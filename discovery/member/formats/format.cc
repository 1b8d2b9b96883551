#include "member/formats/format.h"

#include <algorithm>
#include <cmath>

namespace weir::discovery {
namespace {

constexpr std::pair<Format, const char*> kFormats[] = {
    {Format::Auto, "auto"},           {Format::Native, "native"},   {Format::Plain, "plain"}, {Format::Nerve, "nerve"},
    {Format::ServerSet, "serverset"}, {Format::Curator, "curator"}, {Format::Dubbo, "dubbo"}, {Format::Nginx, "nginx"},
};

FromName needs_data() { return {.what = FromName::What::NeedsData}; }
FromName not_one() { return {.what = FromName::What::NotOne}; }

FromName decode_native_name(std::string_view name, const DecodeRules& rules) {
  const DecodedName decoded = decode_name(name);
  if (!decoded.name) return {.reason = to_string(decoded.error)};
  if (!may_be_announced(decoded.name->address, rules.allow)) return {.reason = kNotAllowed};
  return {.what = FromName::What::Members,
          .members = {to_member(*decoded.name, rules)},
          .reason = decoded.name->bad_weight ? "bad weight" : nullptr};
}

bool is_url_name(std::string_view name) {
  const std::size_t at = name.find('%');
  const std::string_view separator = name.substr(std::min(at, name.size()), 9);
  return at != name.npos && at != 0 && (separator == "%3A%2F%2F" || separator == "%3a%2f%2f");
}

bool is_of_serverset(std::string_view name) { return name.starts_with("member_") || name.starts_with("vector_"); }

FromData decode_of_serverset(std::string_view name, std::string_view data, const DecodeRules& rules) {
  if (name.starts_with("member_")) return decode_serverset(data, rules);
  DecodedVector vector = decode_vector(data);
  return {.reason = vector.reason, .is_rejected = vector.is_rejected, .rules = std::move(vector.rules)};
}

FromName find_out(std::string_view name, const DecodeRules& rules) {
  if (is_of_serverset(name)) return needs_data();
  if (name.starts_with("base64_")) return decode_nerve_name(name, rules);
  if (is_url_name(name)) return decode_dubbo_name(name, rules);
  FromName native = decode_native_name(name, rules);
  if (native.what == FromName::What::Members) return native;
  // What begins like an address is a native name with a fault; anything else is some name for a node with data.
  const DecodedName address_only = decode_name(name.substr(0, name.find(',')));
  const bool is_address = address_only.name.has_value() || address_only.error == NameError::RefusedAddress ||
                          address_only.error == NameError::BadPort;
  return is_address ? native : needs_data();
}

FromData find_out_from_data(std::string_view name, std::string_view data, const DecodeRules& rules) {
  const std::size_t begin = data.find_first_not_of(" \t\r\n");
  if (begin == data.npos) return {.reason = "no data and no address in the name", .is_rejected = true};
  if (data[begin] == '{' || data[begin] == '[') return decode_any_json(name, data, rules);
  if (data.find("@params") != data.npos) return decode_nginx(name, data, rules);
  return decode_plain(name, data, rules);
}

}  // namespace

const char* to_string(Format format) {
  for (const auto& [known, word] : kFormats) {
    if (known == format) return word;
  }
  return "?";
}

std::optional<Format> format_of(std::string_view word) {
  for (const auto& [format, known] : kFormats) {
    if (known == word) return format;
  }
  return std::nullopt;
}

FromName decode_child_name(Format format, std::string_view name, const DecodeRules& rules, bool is_outer) {
  if (is_outer && (name == "members" || name == "static" || name == "policy")) return not_one();
  switch (format) {
    case Format::Auto: return find_out(name, rules);
    case Format::Native: return decode_native_name(name, rules);
    case Format::Dubbo: return decode_dubbo_name(name, rules);
    case Format::Nerve: return name.starts_with("base64_") ? decode_nerve_name(name, rules) : needs_data();
    case Format::ServerSet:
      return is_of_serverset(name) ? needs_data() : FromName{.reason = "not a member of a ServerSet"};
    case Format::Plain:
    case Format::Curator:
    case Format::Nginx: return needs_data();
  }
  return {.reason = "unknown format"};
}

FromData decode_child_data(Format format, std::string_view name, std::string_view data, const DecodeRules& rules) {
  if (data.size() > kLongestData) return {.reason = "too much data", .is_rejected = true};
  switch (format) {
    case Format::Auto: return is_of_serverset(name) ? decode_of_serverset(name, data, rules)
                                                    : find_out_from_data(name, data, rules);
    case Format::Plain: return decode_plain(name, data, rules);
    case Format::Nerve: return decode_nerve(data, rules);
    case Format::ServerSet: return decode_of_serverset(name, data, rules);
    case Format::Curator: return decode_curator(data, rules);
    case Format::Nginx: return decode_nginx(name, data, rules);
    case Format::Native:
    case Format::Dubbo: break;  // all in the name
  }
  return {.reason = "no data is expected", .is_rejected = true};
}

const char* MemberBuilder::set_address(std::string_view host, std::int64_t port) {
  if (port < 1 || port > 65535) return to_string(NameError::BadPort);
  const bool is_v6 = host.find(':') != host.npos;
  return set_address((is_v6 ? "[" + std::string(host) + "]" : std::string(host)) + ":" + std::to_string(port));
}

const char* MemberBuilder::set_address(std::string_view host_and_port) {
  NameError error{};
  if (host_and_port.size() > kLongestName) return to_string(NameError::TooLong);
  if (host_and_port.find('\0') != host_and_port.npos) return to_string(NameError::BadCharacter);
  auto address = canonical_member_address(host_and_port, error);
  if (!address) return to_string(error);
  if (!may_be_announced(*address, rules_.allow)) return kNotAllowed;
  member_.address = std::move(*address);
  return nullptr;
}

bool MemberBuilder::set_weight(double weight, double unit) {
  const double scaled = weight * unit;
  if (!(scaled >= 0) || scaled > kGreatestWeight) return false;  // NaN is neither
  if (scaled == 0) member_.draining = true;
  member_.weight = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(std::lround(scaled)));
  return true;
}

void MemberBuilder::add_fact(std::string_view key, std::string_view value) {
  if (!is_valid_key(key) || value.empty() || member_.facts.size() + key.size() + value.size() > kLongestName) return;
  if (!member_.facts.empty()) member_.facts += ',';
  member_.facts.append(key).append("=").append(escape_value(value));
}

}  // namespace weir::discovery
