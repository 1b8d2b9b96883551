#include "member/native_decoder.h"

#include <algorithm>
#include <utility>

namespace weir::discovery {
namespace {

constexpr std::uint32_t kNowhere = UINT32_MAX;  // it is no member, or to be decoded again as it has a fault to report

// So many names in a row may have come, or gone, and those after them are still found in their order.
constexpr std::size_t kNear = 8;

std::size_t place_of(const std::string& address, const MemberList& members) {
  const auto is_before = [](const KnownMember& member, const std::string& wanted) { return member.address < wanted; };
  return static_cast<std::size_t>(std::lower_bound(members.begin(), members.end(), address, is_before) - members.begin());
}

// Whether any of `arrived` has the address of another one, or of a known member that is kept.
bool share_an_address(const MemberList& known, const std::vector<bool>& is_kept, const DecodedDirectory& arrived) {
  return arrived.is_contested() || std::ranges::any_of(arrived.children, [&](const DecodedDirectory::Child& child) {
    const std::size_t place = place_of(child.member.address, known);
    return place < known.size() && is_kept[place] && known[place].address == child.member.address;
  });
}

}  // namespace

NativeDecoder::Decoded NativeDecoder::decode(Names names) {
  Places places = find(names);
  std::vector<bool> is_kept(members_.size());
  std::vector<std::string> unknown;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (places[i] == kNowhere) unknown.emplace_back(names[i]);
    else is_kept[places[i]] = true;
  }
  const std::size_t kept = names.size() - unknown.size();
  Places new_places(unknown.size(), kNowhere);
  DecodedDirectory arrived = decode_directory(std::move(unknown), rules_);
  Decoded result{.rejected = std::move(arrived.rejected)};
  if (share_an_address(members_, is_kept, arrived)) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (places[i] != kNowhere) arrived.children.push_back({std::string(names[i]), members_[places[i]]});
    }
    arrived.sort();
    result.contested.children = std::move(arrived.children);
    return result;
  }
  if (!arrived.children.empty() || kept != members_.size()) {
    MemberList members;
    members.reserve(kept + arrived.children.size());
    Places moved_to(members_.size(), kNowhere);
    std::size_t next = 0;
    const auto keep_until = [&](std::size_t end) {
      for (; next < end; ++next) {
        if (!is_kept[next]) continue;
        moved_to[next] = static_cast<std::uint32_t>(members.size());
        members.push_back(members_.shared(next));
      }
    };
    for (DecodedDirectory::Child& child : arrived.children) {
      keep_until(place_of(child.member.address, members_));
      if (!child.is_faulty) new_places[child.number] = static_cast<std::uint32_t>(members.size());
      members.push_back(std::move(child.member));
    }
    keep_until(members_.size());
    auto next_new = new_places.begin();
    for (std::uint32_t& place : places) place = place == kNowhere ? *next_new++ : moved_to[place];
    members_ = std::move(members);
  }
  names_ = std::move(names);
  places_ = std::move(places);
  result.members = members_;
  return result;
}

// Where in `members_` the member of each name is. A listing has its names in the order of the one before, but for those
// that came and went; where it does not, they are found by sorting them.
NativeDecoder::Places NativeDecoder::find(const Names& names) const {
  Places places(names.size(), kNowhere), left, left_before;
  const auto are_same = [&](std::size_t now, std::size_t before) {
    return now < names.size() && before < names_.size() && names[now] == names_[before];
  };
  std::uint32_t now = 0, before = 0;
  while (now < names.size() && before < names_.size()) {
    const auto same = static_cast<std::uint32_t>(names.count_same(now, names_, before));
    std::copy_n(places_.begin() + before, same, places.begin() + now);
    now += same, before += same;
    std::size_t skip = 0;
    while (skip <= kNear && !are_same(now + skip, before) && !are_same(now, before + skip)) ++skip;
    const bool is_found = skip <= kNear;
    const bool is_later = is_found && are_same(now + skip, before);
    for (std::size_t i = 0; i < skip && (is_later || !is_found) && now < names.size(); ++i) left.push_back(now++);
    for (std::size_t i = 0; i < skip && !is_later && before < names_.size(); ++i) left_before.push_back(before++);
  }
  while (now < names.size()) left.push_back(now++);
  while (before < names_.size()) left_before.push_back(before++);
  if (left.empty() || left_before.empty()) return places;

  std::ranges::sort(left, {}, [&](std::uint32_t i) { return names[i]; });
  std::ranges::sort(left_before, {}, [&](std::uint32_t i) { return names_[i]; });
  auto one = left.begin();
  auto other = left_before.begin();
  while (one != left.end() && other != left_before.end()) {
    const auto order = names[*one] <=> names_[*other];
    if (order == 0) places[*one] = places_[*other];
    if (order <= 0) ++one;
    if (order >= 0) ++other;
  }
  return places;
}

}  // namespace weir::discovery
