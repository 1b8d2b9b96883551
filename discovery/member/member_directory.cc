#include "member/member_directory.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace weir::discovery {

KnownMember to_member(const NativeName& name, const DecodeRules& rules) {
  KnownMember member(rules.prototype, facts_of(name));
  member.address = name.address;
  if (!name.zone.empty()) member.zone = name.zone;
  member.weight = name.weight.value_or(rules.default_weight);
  member.backup = name.tier > 0;
  member.down = name.state == NativeName::State::Starting;
  // Weight 0 is how an owner says the same thing.
  member.draining = name.state == NativeName::State::Draining || member.weight == 0;
  member.weight = std::max<std::uint32_t>(member.weight, 1);
  return member;
}

// Children are large, so it is their indices that are sorted, and each child moves once.
void DecodedDirectory::sort() {
  std::vector<std::uint32_t> order(children.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return std::tie(children[a].member.address, children[a].name) < std::tie(children[b].member.address, children[b].name);
  });
  std::vector<Child> sorted;
  sorted.reserve(children.size());
  for (const std::uint32_t i : order) sorted.push_back(std::move(children[i]));
  children = std::move(sorted);
}

bool DecodedDirectory::is_contested() const {
  const auto share = [](const Child& a, const Child& b) { return a.member.address == b.member.address; };
  return std::adjacent_find(children.begin(), children.end(), share) != children.end();
}

std::vector<std::size_t> DecodedDirectory::contested() const {
  std::vector<std::size_t> result;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const std::string& address = children[i].member.address;
    const bool as_before = i > 0 && children[i - 1].member.address == address;
    const bool as_after = i + 1 < children.size() && children[i + 1].member.address == address;
    if (as_before || as_after) result.push_back(i);
  }
  return result;
}

DecodedDirectory decode_directory(std::vector<std::string> names, const DecodeRules& rules) {
  DecodedDirectory directory;
  directory.children.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string& text = names[i];
    const DecodedName decoded = decode_name(text);
    if (!decoded.name) {
      directory.rejected.push_back({std::move(text), to_string(decoded.error)});
      continue;
    }
    if (!may_be_announced(decoded.name->address, rules.allow)) {
      directory.rejected.push_back({std::move(text), kNotAllowed});
      continue;
    }
    const bool is_faulty = decoded.name->bad_weight;
    if (is_faulty) directory.rejected.push_back({text, "bad weight"});
    directory.children.push_back({std::move(text), to_member(*decoded.name, rules), is_faulty, i});
  }
  directory.sort();
  return directory;
}

KnownMembers settle(DecodedDirectory directory, const std::vector<std::int64_t>& czxids) {
  std::vector<std::int64_t> youth(directory.children.size(), 0);
  const std::vector<std::size_t> contested = directory.contested();
  for (std::size_t i = 0; i < contested.size(); ++i) youth[contested[i]] = czxids.at(i);

  KnownMembers members;
  members.reserve(directory.children.size() - contested.size());
  std::int64_t youngest = 0;
  for (std::size_t i = 0; i < directory.children.size(); ++i) {
    KnownMember& member = directory.children[i].member;
    if (youth[i] < 0) continue;
    if (members.empty() || members.back().address != member.address) {
      members.push_back(std::move(member));
      youngest = youth[i];
    } else if (youth[i] > youngest) {
      members.back() = std::move(member);
      youngest = youth[i];
    }
  }
  return members;
}

}  // namespace weir::discovery
