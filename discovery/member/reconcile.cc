#include "member/reconcile.h"

#include <algorithm>
#include <utility>

namespace weir::discovery {
namespace {

using balancer::Member;
using Members = std::vector<Member>;

constexpr Clock::duration kAskHealthEvery = std::chrono::seconds(1);

const std::string& address_of(const Member& member) { return member.address; }
const std::string& address_of(const HeldMember& held) { return held.member.address; }

bool contains(const Members& sorted, const std::string& address) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), address,
                                      [](const Member& member, const std::string& a) { return member.address < a; });
  return place != sorted.end() && place->address == address;
}

// What is odd about a directory compared with what it was.
Hold oddity(const DirectoryMemory& memory, const MemberDirectory& seen) {
  if (!memory.existed) return Hold::None;
  if (!seen.exists) return Hold::Missing;
  // A wiped registry counts its transactions from the start, so the same number alone proves nothing.
  if (seen.stat.czxid != memory.czxid || seen.stat.ctime != memory.ctime) return Hold::MadeAnew;
  if (seen.stat.pzxid < memory.pzxid) return Hold::Older;
  return Hold::None;
}

bool may_be_missed(const Member& member) { return !member.draining && !member.down; }

// Those of the last reading that are not in this one and should be held all the same.
std::vector<HeldMember> newly_held(const Members& present, const MemberDirectory& seen,
                                   const std::optional<TimePoint>& until) {
  std::vector<HeldMember> held;
  for (const Member& member : present) {
    if (may_be_missed(member) && !contains(seen.members, member.address)) held.push_back({member, until});
  }
  return held;
}

bool is_settling(const Circumstances& circumstances) {
  return circumstances.settling_until && circumstances.now < *circumstances.settling_until;
}

void release(DirectoryMemory& memory, const MemberDirectory& seen, const Circumstances& circumstances, bool is_odd) {
  if (memory.held.empty()) return;
  // Not while members are still coming back: new ones that are quicker do not replace them.
  if (!is_odd && !is_settling(circumstances) && seen.members.size() >= memory.before) {
    memory.held.clear();
    return;
  }
  std::erase_if(memory.held, [&](const HeldMember& held) {
    if (contains(seen.members, held.member.address)) return true;
    if (held.until && *held.until <= circumstances.now) return true;
    return circumstances.health && circumstances.health(held.member.address) == Health::Failing;
  });
}

// Returns why members began to be held, if any did.
Hold update(DirectoryMemory& memory, const MemberDirectory& seen, const Circumstances& circumstances) {
  Hold hold = memory.is_known ? oddity(memory, seen) : Hold::None;
  const bool is_odd = hold != Hold::None;
  if (!is_odd && is_settling(circumstances)) hold = Hold::Settling;

  // A further outage gives those that are held their time anew.
  if (is_settling(circumstances)) {
    for (HeldMember& held : memory.held) {
      if (held.until) held.until = std::max(held.until, circumstances.settling_until);
    }
  }
  bool holds_more = false;
  if (hold != Hold::None) {
    const std::size_t members_before = memory.present.size() + memory.held.size();
    std::vector<HeldMember> more =
        newly_held(memory.present, seen, is_odd ? std::nullopt : circumstances.settling_until);
    // What was held for a while only is held without limit once the registry itself turns out to be another.
    if (is_odd) {
      for (HeldMember& held : memory.held) held.until.reset();
    }
    holds_more = !more.empty();
    if (holds_more) memory.before = std::max(memory.before, members_before);
    memory.held.insert(memory.held.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
    std::sort(memory.held.begin(), memory.held.end(),
              [](const auto& a, const auto& b) { return address_of(a) < address_of(b); });
  }
  release(memory, seen, circumstances, is_odd);
  if (memory.held.empty()) memory.before = 0;

  memory.is_known = true;
  memory.present = seen.members;
  if (seen.exists) {
    memory.existed = true;
    memory.czxid = seen.stat.czxid;
    memory.ctime = seen.stat.ctime;
    memory.pzxid = seen.stat.pzxid;
  }
  return holds_more && !memory.held.empty() ? hold : Hold::None;
}

// The union of two sorted lists; where both name an address, `first` counts, but a wish to drain is always heard.
template <class Second>
Members merge(Members first, const std::vector<Second>& second, const Member& (*member_of)(const Second&)) {
  if (second.empty()) return first;
  Members both;
  both.reserve(first.size() + second.size());
  auto a = first.begin();
  auto b = second.begin();
  while (a != first.end() || b != second.end()) {
    if (b == second.end() || (a != first.end() && address_of(*a) < address_of(*b))) {
      both.push_back(std::move(*a++));
    } else if (a == first.end() || address_of(*b) < address_of(*a)) {
      both.push_back(member_of(*b++));
    } else {
      a->draining = a->draining || member_of(*b++).draining;
      both.push_back(std::move(*a++));
    }
  }
  return both;
}

const Member& itself(const Member& member) { return member; }
const Member& member_of_held(const HeldMember& held) { return held.member; }

std::optional<TimePoint> when_to_look_again(const Memory& memory, const Circumstances& circumstances) {
  std::optional<TimePoint> earliest;
  for (const auto* directory : {&memory.members, &memory.fixed}) {
    for (const HeldMember& held : directory->held) {
      if (held.until && (!earliest || *held.until < *earliest)) earliest = held.until;
      const TimePoint ask = circumstances.now + kAskHealthEvery;
      if (circumstances.health && (!earliest || ask < *earliest)) earliest = ask;
      const auto& settled = circumstances.settling_until;
      if (is_settling(circumstances) && (!earliest || *settled < *earliest)) earliest = settled;
    }
  }
  return earliest;
}

}  // namespace

const char* to_string(Hold hold) {
  switch (hold) {
    case Hold::None: return "nothing is odd";
    case Hold::Missing: return "the directory is missing";
    case Hold::MadeAnew: return "the directory was made anew";
    case Hold::Older: return "the directory is older than before";
    case Hold::Settling: return "contact was lost for long";
  }
  return "?";
}

Reconciled reconcile(Memory memory, const Observation& seen, const Circumstances& circumstances) {
  Reconciled result;
  const Hold of_members = update(memory.members, seen.members, circumstances);
  const Hold of_fixed = update(memory.fixed, seen.fixed, circumstances);
  result.hold = of_members != Hold::None ? of_members : of_fixed;
  result.held = memory.members.held.size() + memory.fixed.held.size();
  result.members = merge(seen.members.members, memory.members.held, member_of_held);
  result.members = merge(std::move(result.members), seen.fixed.members, itself);
  result.members = merge(std::move(result.members), memory.fixed.held, member_of_held);
  result.look_again = when_to_look_again(memory, circumstances);
  result.memory = std::move(memory);
  return result;
}

}  // namespace weir::discovery
