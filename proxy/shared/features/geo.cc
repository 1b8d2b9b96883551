// geo: variables whose values depend on an address.
#include <arpa/inet.h>

#include <array>
#include <cstring>
#include <map>

#include "config/parser.h"
#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/context.h"
#include "shared/cidr.h"

namespace weir::shared {

namespace {

using config::Call;

/// An address as 16 octets; IPv4 ones are mapped into IPv6.
using Octets = std::array<std::uint8_t, 16>;
constexpr unsigned kMappedBits = 96;

std::optional<Octets> octets_of(const net::Endpoint& endpoint) {
  Octets octets{};
  if (endpoint.family() == AF_INET) {
    octets[10] = octets[11] = 0xff;
    std::memcpy(&octets[12], &reinterpret_cast<const sockaddr_in*>(endpoint.raw())->sin_addr, 4);
  } else if (endpoint.family() == AF_INET6) {
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6*>(endpoint.raw())->sin6_addr, 16);
  } else {
    return std::nullopt;
  }
  return octets;
}

Octets masked(Octets octets, unsigned bits) {
  for (unsigned i = 0; i < octets.size(); ++i) {
    const unsigned kept = bits > 8 * i ? std::min(bits - 8 * i, 8u) : 0;
    octets[i] &= static_cast<std::uint8_t>(0xff00u >> kept);
  }
  return octets;
}

struct Geo {
  Template source;  // of the address; empty: the client's
  std::string otherwise;
  // By the length of the prefix, the longest first: a lookup asks only the lengths that there are.
  std::map<unsigned, std::map<Octets, std::string>, std::greater<>> networks;
  bool in_ranges = false;
  std::map<std::uint32_t, std::pair<std::uint32_t, std::string>> ranges;  // by their first address; they do not overlap
  std::vector<Network> proxies;
  bool recursive = false;
};

net::Endpoint address_for(Context& context, const Geo& geo) {
  net::Endpoint address = context.client_address();
  if (!geo.source.source().empty()) {
    const auto given = net::Endpoint::from_address(geo.source.evaluate(context), 0);
    if (!given) return net::Endpoint();
    address = *given;
  }
  return geo.proxies.empty() ? address : context.client_behind(geo.proxies, geo.recursive, address);
}

/// The entry of ranges that has `address`.
const std::string* find_range(const Geo& geo, std::uint32_t address) {
  auto after = geo.ranges.upper_bound(address);
  if (after == geo.ranges.begin()) return nullptr;
  --after;
  return address <= after->second.first ? &after->second.second : nullptr;
}

VariableValue get_geo(Context& context, const VariableArg& arg) {
  const Geo& geo = *static_cast<const Geo*>(arg.data);
  // Of an address that cannot be read nginx takes 255.255.255.255.
  Octets octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  if (const auto known = octets_of(address_for(context, geo))) octets = *known;
  const bool is_v4 = masked(octets, kMappedBits) == Octets{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
  if (geo.in_ranges) {
    if (!is_v4) return {geo.otherwise};
    std::uint32_t address;
    std::memcpy(&address, &octets[12], 4);
    const std::string* const found = find_range(geo, ntohl(address));
    return {found ? *found : geo.otherwise};
  }
  for (const auto& [bits, entries] : geo.networks) {
    if (is_v4 && bits < kMappedBits) break;  // `::/0` is for IPv6 alone
    if (const auto found = entries.find(masked(octets, bits)); found != entries.end()) return {found->second};
  }
  return {geo.otherwise};
}

// --- the block

struct Prefix {
  Octets octets;
  unsigned bits;
};

/// `10.0.0.0/8`, `2001:db8::/32`, or an address alone.
Prefix parse_prefix(const Call& call, std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = net::Endpoint::from_address(text.substr(0, slash), 0);
  const auto octets = address ? octets_of(*address) : std::nullopt;
  if (!octets || text.starts_with('[')) call.fail(fmt::format("invalid network \"{}\"", text));
  const unsigned offset = address->family() == AF_INET ? kMappedBits : 0;
  unsigned bits = 128;
  if (slash != text.npos) {
    const std::string mask(text.substr(slash + 1));
    in_addr as_address;
    if (const auto number = config::parse_number(mask, 128 - offset)) {
      bits = static_cast<unsigned>(*number) + offset;
    } else if (offset != 0 && ::inet_pton(AF_INET, mask.c_str(), &as_address) == 1) {
      const std::uint32_t ones = ntohl(as_address.s_addr);
      if (ones != 0 && (~ones & (~ones + 1)) != 0) call.fail(fmt::format("invalid network \"{}\"", text));
      bits = static_cast<unsigned>(__builtin_popcount(ones)) + offset;
    } else {
      call.fail(fmt::format("invalid network \"{}\"", text));
    }
  }
  if (masked(*octets, bits) != *octets) call.warn(fmt::format("low address bits of {} are meaningless", text));
  return {masked(*octets, bits), bits};
}

std::uint32_t parse_v4(const Call& call, std::string_view text) {
  in_addr address;
  if (::inet_pton(AF_INET, std::string(text).c_str(), &address) != 1) call.fail(fmt::format("invalid range \"{}\"", text));
  return ntohl(address.s_addr);
}

/// Takes `first`…`last` out of what is there; what reaches beyond stays.
void cut_range(Geo& geo, std::uint32_t first, std::uint32_t last) {
  auto at = geo.ranges.upper_bound(first);
  if (at != geo.ranges.begin() && std::prev(at)->second.first >= first) --at;
  while (at != geo.ranges.end() && at->first <= last) {
    const auto [begin, rest] = *at;
    at = geo.ranges.erase(at);
    if (begin < first) geo.ranges[begin] = {first - 1, rest.second};
    if (rest.first > last) geo.ranges[last + 1] = rest;
  }
}

void add_range(const Call& call, Geo& geo, const std::string& text, const std::string* value) {
  if (text == "default") {
    geo.otherwise = value ? *value : std::string();
    return;
  }
  const std::size_t dash = text.find('-');
  if (dash == text.npos) call.fail(fmt::format("invalid range \"{}\"", text));
  const std::uint32_t first = parse_v4(call, std::string_view(text).substr(0, dash));
  const std::uint32_t last = parse_v4(call, std::string_view(text).substr(dash + 1));
  if (first > last) call.fail(fmt::format("invalid range \"{}\"", text));
  cut_range(geo, first, last);
  if (value) geo.ranges[first] = {last, *value};
}

void add_network(const Call& call, Geo& geo, const std::string& text, const std::string* value) {
  if (text == "default") {
    geo.otherwise = value ? *value : std::string();
    return;
  }
  const Prefix prefix = parse_prefix(call, text);
  auto& entries = geo.networks[prefix.bits];
  if (!value) {
    if (entries.erase(prefix.octets) == 0) call.warn(fmt::format("no network \"{}\" to delete", text));
    if (entries.empty()) geo.networks.erase(prefix.bits);
    return;
  }
  const auto [entry, is_new] = entries.emplace(prefix.octets, *value);
  if (is_new || entry->second == *value) return;
  call.warn(fmt::format("duplicate network \"{}\", value: \"{}\", old value: \"{}\"", text, *value, entry->second));
  entry->second = *value;
}

void add_line(const Call& call, Geo& geo) {
  const std::string& name = call.name();
  if (call.args.empty()) {
    if (name == "ranges") {
      if (!geo.networks.empty()) call.fail("the \"ranges\" directive must be the first directive inside \"geo\" block");
      geo.in_ranges = true;
      return;
    }
    if (name == "proxy_recursive") {
      geo.recursive = true;
      return;
    }
    if (name == "volatile") return;  // was looked for before
  }
  if (call.args.size() != 1) call.fail("invalid number of the geo parameters");
  if (name == "proxy") {
    const auto network = Network::parse(call.args[0]);
    if (!network) call.fail(fmt::format("invalid network \"{}\"", call.args[0]));
    geo.proxies.push_back(*network);
    return;
  }
  const bool deletes = name == "delete";
  const std::string& key = deletes ? call.args[0] : name;
  const std::string* const value = deletes ? nullptr : &call.args[0];
  geo.in_ranges ? add_range(call, geo, key, value) : add_network(call, geo, key, value);
}

void add_geo(const Call& call) {
  Loader& loader = Loader::of(call);
  const std::string& name = call.args.back();
  if (!name.starts_with('$')) call.fail(fmt::format("invalid variable name \"{}\"", name));
  auto geo = std::make_shared<Geo>();
  bool is_volatile = false;
  for (const config::Statement& line : call.statement.children)
    if (line.args.empty() && line.name == "volatile") is_volatile = true;
  if (call.args.size() == 2) geo->source = template_value(call);
  if (!loader.protocol.variables.define(name.substr(1), get_geo, geo, !is_volatile))
    call.fail(fmt::format("the duplicate \"{}\" variable", name.substr(1)));
  for (const config::Statement& line : call.statement.children) {
    try {
      add_line(Call{line, line.args, call.diagnostics, call.settings, call.context, call.where, call.table}, *geo);
    } catch (const config::ValueError& error) {
      loader.diagnostics.error(line.at, error.what());
    }
  }
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::block("geo", scopes::kProtocols, {1, 2}, "[$address] $variable { … }",
                  "A variable whose value depends on the client's address, or on another one.", &add_geo),
};

}  // namespace

extern const Directives geo_directives;
const Directives geo_directives = kDirectives;

}  // namespace weir::shared
