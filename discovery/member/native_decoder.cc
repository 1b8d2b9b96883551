#include "member/native_decoder.h"

#include <bit>
#include <functional>
#include <utility>

namespace weir::discovery {
namespace {

// Whoever chooses names so that their hashes collide gains nothing: a name that is not found this soon is decoded again.
constexpr std::size_t kMostProbes = 16;

using Children = std::vector<DecodedDirectory::Child>;

// Calls `of_known(i)` for each of `known` that is kept and `of_new(child)` for each of `arrived`, sorted by address; of
// those with the same address the known first.
template <class OfKnown, class OfNew>
void in_order(const MemberList& known, const std::vector<bool>& is_kept, Children& arrived, OfKnown of_known, OfNew of_new) {
  auto next = arrived.begin();
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (!is_kept[i]) continue;
    for (; next != arrived.end() && next->member.address < known[i].address; ++next) of_new(*next);
    of_known(i);
  }
  for (; next != arrived.end(); ++next) of_new(*next);
}

bool share_an_address(const MemberList& known, const std::vector<bool>& is_kept, Children& arrived) {
  const std::string* last = nullptr;
  bool do_share = false;
  const auto see = [&](const std::string& address) {
    do_share = do_share || (last != nullptr && *last == address);
    last = &address;
  };
  in_order(known, is_kept, arrived, [&](std::size_t i) { see(known[i].address); },
           [&](const auto& child) { see(child.member.address); });
  return do_share;
}

}  // namespace

NativeDecoder::Decoded NativeDecoder::decode(std::vector<std::string> names) {
  std::vector<bool> is_kept(members_.size());
  std::vector<std::string> unknown;
  std::size_t kept = 0;
  for (std::string& name : names) {
    if (const auto known = find(name)) {
      is_kept[*known] = true;
      ++kept;
    } else {
      unknown.push_back(std::move(name));
    }
  }
  DecodedDirectory arrived = decode_directory(std::move(unknown), rules_);
  Decoded result{.rejected = std::move(arrived.rejected)};
  if (arrived.children.empty() && kept == members_.size()) {
    result.members = members_;
    return result;
  }
  if (share_an_address(members_, is_kept, arrived.children)) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
      if (is_kept[i]) arrived.children.push_back({.name = names_[i], .member = members_[i]});
    }
    arrived.sort();
    result.contested.children = std::move(arrived.children);
    return result;
  }
  KnownMembers members;
  std::vector<std::string> their_names;
  members.reserve(kept + arrived.children.size());
  their_names.reserve(members.capacity());
  in_order(
      members_, is_kept, arrived.children,
      [&](std::size_t i) {
        members.push_back(members_[i]);
        their_names.push_back(std::move(names_[i]));
      },
      [&](DecodedDirectory::Child& child) {
        members.push_back(std::move(child.member));
        their_names.push_back(child.is_faulty ? std::string() : std::move(child.name));
      });
  result.members = std::move(members);
  remember(result.members, std::move(their_names));
  return result;
}

std::optional<std::uint32_t> NativeDecoder::find(const std::string& name) const {
  if (table_.empty()) return std::nullopt;
  const std::size_t hash = std::hash<std::string>()(name);
  for (std::size_t probe = 0; probe < kMostProbes; ++probe) {
    const std::uint32_t place = table_[(hash + probe) & (table_.size() - 1)];
    if (place == 0) return std::nullopt;
    if (names_[place - 1] == name) return place - 1;
  }
  return std::nullopt;
}

void NativeDecoder::remember(MemberList members, std::vector<std::string> names) {
  members_ = std::move(members);
  names_ = std::move(names);
  table_.assign(std::bit_ceil(names_.size() * 2), 0);
  for (std::uint32_t i = 0; i < names_.size(); ++i) {
    if (names_[i].empty()) continue;
    const std::size_t hash = std::hash<std::string>()(names_[i]);
    for (std::size_t probe = 0; probe < kMostProbes; ++probe) {
      std::uint32_t& place = table_[(hash + probe) & (table_.size() - 1)];
      if (place != 0) continue;
      place = i + 1;
      break;
    }
  }
}

}  // namespace weir::discovery
