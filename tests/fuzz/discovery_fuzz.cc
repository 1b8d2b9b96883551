// Any octets as what a registry, or a cache on disk, may say. The first octet chooses who reads it, a line feed separates
// a child's name from its data, or names. Must hold: what is taken for a member is one the balancer may have, and what can be
// written is read back as it was.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "member/formats/format.h"
#include "member/membership_cache.h"
#include "member/named_members.h"
#include "member/native_decoder.h"
#include "member/policy.h"

#define MUST(condition) \
  if (!(condition)) std::abort()

namespace weir::discovery {
namespace {

void check(const std::vector<KnownMember>& members) {
  MUST(members.size() <= kMostPerChild);
  for (const KnownMember& member : members) {
    NameError error{};
    MUST(canonical_member_address(member.address, error) == member.address);
    MUST(is_named(member.address) != (canonical_address(member.address, error) == member.address));
    MUST(member.weight >= 1 && member.weight <= kGreatestWeight);
    for (const char c : member.facts) MUST(c > 0x20 && c < 0x7f);
  }
}

void read_child(Format format, std::string_view name, std::string_view data) {
  const DecodeRules rules;
  const FromName from_name = decode_child_name(format, name, rules, true);
  check(from_name.members);
  MUST((from_name.what == FromName::What::Members) == !from_name.members.empty());
  MUST(from_name.what != FromName::What::Rejected || from_name.reason != nullptr);
  const FromData from_data = decode_child_data(format, name, data, rules);
  check(from_data.members);
  MUST(!from_data.is_rejected || (from_data.reason != nullptr && from_data.members.empty()));
  std::vector<DecodedDirectory::Child> children;
  for (const char* const child : {"member_0000000007", "member_0000000008", "10.0.0.9:80"})
    children.push_back({child, KnownMember(balancer::Member{.address = "10.0.0.6:8080", .weight = 100}, "l.shard=3")});
  apply_weight_rules(from_data.rules, children);
  for (const auto& child : children) MUST(child.member.weight >= 1 && child.member.weight <= kGreatestWeight);
  MUST(children.back().member.weight == 100);  // not of the ServerSet
}

void read_policy(std::string_view text) {
  const ParsedPolicy parsed = parse_policy(text);
  MUST(parsed.policy.has_value() == parsed.error.empty());
  if (!parsed.policy) return;
  const ParsedPolicy again = parse_policy(format_policy(*parsed.policy));
  MUST(again.policy == parsed.policy);
  KnownMembers members;
  for (const char* facts : {"", "v=1", "v=2,z=a"}) {
    members.emplace_back(balancer::Member{.address = "10.0.0." + std::to_string(members.size() + 1) + ":80", .weight = 100},
                         facts);
  }
  const AppliedPolicy applied = apply_policy(*parsed.policy, members, WallTime{}, {});
  MUST(applied.members.size() == members.size());
  for (const KnownMember& member : applied.members) MUST(member.weight >= 1 && member.weight <= balancer::kMaxWeight);
}

void read_cache(std::string_view text) {
  std::string error;
  const auto cached = decode_cache(text, error);
  MUST(cached.has_value() == error.empty());
  if (!cached) return;
  const std::string written = encode_cache(*cached);
  MUST(decode_cache(written, error) == cached);
}

// What follows the first line of a cache, with the line that belongs to it: no chance finds a checksum.
std::string as_cache(std::string_view body) {
  std::uint32_t sum = 0xffffffff;
  for (const char c : body) {
    sum ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0u);
  }
  char head[64];
  std::snprintf(head, sizeof head, "weir membership 1 %08x %zu\n", static_cast<unsigned>(~sum), body.size());
  return head + std::string(body);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Listings of one directory: all of the names, then every second one, then all again.
void read_listings(std::string_view text) {
  std::vector<std::string> all = lines_of(text), some;
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());  // nodes have names of their own
  for (std::size_t i = 0; i < all.size(); i += 2) some.push_back(all[i]);
  NativeDecoder decoder(DecodeRules{});
  for (const auto* names : {&all, &some, &all}) {
    NativeDecoder::Decoded decoded = decoder.decode(*names);
    MUST(decoded.rejected.size() + decoded.members.size() + decoded.contested.children.size() >= names->size());
    DecodedDirectory directory = decode_directory(*names, {});
    const std::vector<std::int64_t> alike(directory.contested().size(), 1);
    const KnownMembers expected = settle(std::move(directory), alike);
    if (decoded.contested.children.empty()) MUST(decoded.members.values() == expected);
  }
}

// The first line is a member's address, the others are what its host is said to stand for.
void resolve(std::string_view text) {
  const std::vector<std::string> lines = lines_of(text);
  NameError error{};
  const auto address = lines.empty() ? std::nullopt : canonical_member_address(lines.front(), error);
  if (!address || !is_named(*address)) return;
  const std::vector<Cidr> allow{*parse_cidr("10.0.0.0/8"), *parse_cidr("2001:db8::/32")};
  const ResolvedMembers resolved = resolve_members(
      {KnownMember(balancer::Member{.address = *address, .weight = 100})},
      {{std::string(host_of(*address)), std::vector<std::string>(lines.begin() + 1, lines.end())}}, allow);
  MUST(!resolved.members.empty());
  for (const KnownMember& member : resolved.members) {
    MUST(member.weight >= 1);
    if (member.down) {
      MUST(member.address == *address && resolved.members.size() == 1);
    } else {
      MUST(canonical_address(member.address, error) == member.address && is_allowed(member.address, allow));
    }
  }
}

void run(std::string_view input) {
  if (input.empty()) return;
  const auto choice = static_cast<unsigned char>(input.front());
  input.remove_prefix(1);
  const std::size_t separator = input.find('\n');
  const std::string_view name = input.substr(0, separator);
  const std::string_view data = separator == input.npos ? std::string_view() : input.substr(separator + 1);
  constexpr Format kFormats[] = {Format::Auto,    Format::Native, Format::Plain, Format::Nerve, Format::ServerSet,
                                 Format::Curator, Format::Dubbo,  Format::Nginx};
  if (choice < '8') return read_child(kFormats[choice % 8], name, data);
  if (choice == 'p') return read_policy(input);
  if (choice == 'l') return read_listings(input);
  if (choice == 'h') return resolve(input);
  if (choice == 'c') return read_cache(as_cache(input));
  read_cache(input);
}

}  // namespace
}  // namespace weir::discovery

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::discovery::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
