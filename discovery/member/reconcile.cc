#include "member/reconcile.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weir::discovery {
namespace {

constexpr Clock::duration kAskHealthEvery = std::chrono::seconds(1);

const std::string& address_of(const KnownMember& member) { return member.address; }
const std::string& address_of(const HeldMember& held) { return held.member.address; }
const std::string& address_of(const LostMember& lost) { return lost.member.address; }

template <class Sorted>
auto find(const Sorted& sorted, const std::string& address) -> decltype(&*sorted.begin()) {
  const auto place = std::lower_bound(sorted.begin(), sorted.end(), address,
                                      [](const auto& entry, const std::string& a) { return address_of(entry) < a; });
  return place != sorted.end() && address_of(*place) == address ? &*place : nullptr;
}

template <class Entry>
void sort(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return address_of(a) < address_of(b); });
}

bool is_usable(const KnownMember& member) { return !member.draining && !member.down; }

std::size_t count_usable(const MemberList& members) {
  return static_cast<std::size_t>(std::count_if(members.begin(), members.end(), is_usable));
}

// What is odd about a directory compared with what it was.
Hold oddity(const DirectoryMemory& memory, const MemberDirectory& seen) {
  if (!memory.is_known || !memory.existed) return Hold::None;
  if (!seen.exists) return Hold::Missing;
  // A wiped registry counts its transactions from the start, so the same number alone proves nothing.
  if (seen.stat.czxid != memory.czxid || seen.stat.ctime != memory.ctime) return Hold::MadeAnew;
  if (seen.stat.pzxid < memory.pzxid) return Hold::Older;
  return Hold::None;
}

bool is_settling(const Circumstances& circumstances) {
  return circumstances.settling_until && circumstances.now < *circumstances.settling_until;
}

// How many may be gone at once without a second witness.
std::size_t largest_believed(std::size_t of, const VanishRules& rules) {
  const auto share = static_cast<std::size_t>(std::floor((1.0 - rules.min_share) * static_cast<double>(of) + 1e-9));
  return std::max<std::size_t>(1, std::min(share, rules.most_at_once));
}

// The judgement of one directory.
class Judgement {
 public:
  /// `usable`: members that it names now; `others_usable`: that other directories name. `is_by_hand`: nothing vanishes
  /// from it by itself.
  Judgement(DirectoryMemory& memory, const MemberDirectory& seen, const Circumstances& circumstances,
            std::size_t usable, std::size_t others_usable, bool is_by_hand, Tally& tally)
      : memory_(memory), seen_(seen), now_(circumstances), usable_(usable), others_usable_(others_usable),
        is_by_hand_(is_by_hand), tally_(tally) {}

  /// Returns why members began to be held, if any did.
  Hold run() {
    const Hold odd = oddity(memory_, seen_);
    is_odd_ = odd != Hold::None;
    const std::size_t known_before = memory_.present.size() + memory_.held.size();
    note_arrivals();
    KnownMembers missing = find_missing();
    KnownMembers overdue = take_overdue();
    move_peak();
    std::size_t held = 0;
    Hold why = Hold::None;
    // What is kept by hand has no session that could have ended.
    if (is_odd_ || (is_settling(now_) && !is_by_hand_)) {
      why = is_odd_ ? odd : Hold::Settling;
      const auto until = is_odd_ ? std::nullopt : now_.settling_until;
      // What was held for a while only is held without limit once the registry itself turns out to be another; and a
      // further outage gives those that are held their time anew.
      for (HeldMember& each : memory_.held) {
        if (is_odd_) each.until.reset();
        else if (each.until) each.until = std::max(each.until, until);
      }
      held = hold(std::move(missing), until);
      held += hold(std::move(overdue), until);
    } else {
      why = judge_losses(std::move(missing), std::move(overdue), held);
    }
    if (held != 0) memory_.before = std::max(memory_.before, std::max(known_before, memory_.peak));
    tally_.held += held;
    sort(memory_.held);
    release();
    remember();
    return held != 0 && !memory_.held.empty() ? why : Hold::None;
  }

 private:
  void note_arrivals() {
    if (!memory_.is_known) {
      tally_.joined += seen_.members.size();
      return;
    }
    const auto arrives = [&](const KnownMember& member) {
      const bool returns = find(memory_.held, member.address) != nullptr || find(memory_.lost, member.address) != nullptr;
      ++(returns ? tally_.returned : tally_.joined);
      if (note_arrival(memory_.flaps, member.address, now_.now)) ++tally_.suppressed;
    };
    for_each_difference(memory_.present, seen_.members, [](const auto&) {}, arrives, [](const auto&, const auto&) {});
    const auto is_back = [&](const auto& entry) { return find(seen_.members, address_of(entry)) != nullptr; };
    std::erase_if(memory_.held, is_back);
    std::erase_if(memory_.lost, is_back);
  }

  // Those of the last reading that are not in this one, except who had announced it.
  KnownMembers find_missing() {
    KnownMembers missing;
    for_each_difference(
        memory_.present, seen_.members,
        [&](const KnownMember& gone) {
          if (is_usable(gone)) missing.push_back(gone);
          else ++tally_.drained;
        },
        [](const KnownMember&) {},
        [&](const KnownMember& before, const KnownMember& now) {
          if (is_usable(before) && !is_usable(now) && memory_.peak > 0) --memory_.peak;
        });
    return missing;
  }

  // Those whose time of being held is over: the registry's word on them is judged like any other.
  KnownMembers take_overdue() {
    KnownMembers overdue;
    std::erase_if(memory_.held, [&](HeldMember& held) {
      if (!held.until || *held.until > now_.now) return false;
      overdue.push_back(std::move(held.member));
      return true;
    });
    return overdue;
  }

  void move_peak() {
    const bool is_over = now_.now - memory_.peak_at > kWave;
    if (usable_ >= memory_.peak) memory_.lost.clear();  // others came for them
    if (is_odd_ || usable_ >= memory_.peak || is_over) {
      memory_.peak = usable_;
      // Of those that are gone since the last reading it is not over.
      if (is_over && !is_odd_ && memory_.is_known) memory_.peak = std::max(usable_, usable_before());
      memory_.peak_at = now_.now;
    }
    std::erase_if(memory_.lost, [&](const LostMember& lost) { return now_.now - lost.at > kWave; });
  }

  // Less those that announced their leaving.
  std::size_t usable_before() const {
    std::size_t count = count_usable(memory_.present);
    for_each_difference(
        memory_.present, seen_.members, [](const auto&) {}, [](const auto&) {},
        [&](const KnownMember& before, const KnownMember& now) { count -= is_usable(before) && !is_usable(now) ? 1 : 0; });
    return count;
  }

  std::size_t hold(KnownMembers members, std::optional<TimePoint> until) {
    for (KnownMember& member : members) memory_.held.push_back({std::move(member), until});
    return members.size();
  }

  Hold judge_losses(KnownMembers missing, KnownMembers overdue, std::size_t& held) {
    if (missing.empty() && overdue.empty()) return Hold::None;
    tally_.released_expired += overdue.size();
    if (is_by_hand_) {
      tally_.left += missing.size() + overdue.size();
      return Hold::None;
    }
    if (now_.vanish.mode == Vanish::Keep) {
      held = hold(std::move(missing), std::nullopt) + hold(std::move(overdue), std::nullopt);
      return Hold::Kept;
    }
    if (now_.vanish.mode == Vanish::Verify && is_mass_loss(missing.size() + overdue.size())) {
      // Those of the same wave that were believed before it showed what it was, too.
      for (LostMember& lost : std::exchange(memory_.lost, {})) missing.push_back(std::move(lost.member));
      held = hold(std::move(missing), std::nullopt) + hold(std::move(overdue), std::nullopt);
      return Hold::Mass;
    }
    Hold why = Hold::None;
    for (KnownMembers* members : {&missing, &overdue}) {
      for (KnownMember& member : *members) {
        const Departure departure = now_.vanish.damp ? note_departure(memory_.flaps, member.address, now_.now) : Departure();
        if (departure.became_restless) ++tally_.suppressed;
        if (departure.held_until) {
          memory_.held.push_back({std::move(member), departure.held_until});
          ++held;
          why = Hold::Flapping;
        } else {
          ++tally_.left;
          if (usable_ < memory_.peak) memory_.lost.push_back({std::move(member), now_.now});
        }
      }
    }
    sort(memory_.lost);
    return why;
  }

  bool is_mass_loss(std::size_t gone_now) const {
    if (usable_ + others_usable_ == 0) return true;
    const std::size_t before = std::max(memory_.peak, usable_ + gone_now + memory_.lost.size());
    return before > usable_ && before - usable_ > largest_believed(before, now_.vanish);
  }

  void release() {
    // Not while members are still coming back: new ones that are quicker do not replace them.
    const bool may_be_replaced = !is_odd_ && !is_settling(now_) && now_.vanish.mode != Vanish::Keep;
    if (!memory_.held.empty() && may_be_replaced && seen_.members.size() >= memory_.before) {
      std::erase_if(memory_.held, [&](const HeldMember& held) {
        if (held.until && is_restless(memory_.flaps, held.member.address)) return false;
        ++tally_.released_replaced;
        return true;
      });
    }
    if (now_.health) {
      std::erase_if(memory_.held, [&](const HeldMember& held) {
        if (now_.health(held.member.address) != Health::Failing) return false;
        ++tally_.released_failing;
        return true;
      });
    }
    if (memory_.held.empty()) memory_.before = 0;
  }

  void remember() {
    forget_the_quiet(memory_.flaps, now_.now);
    memory_.is_known = true;
    memory_.present = seen_.members;
    if (!seen_.exists) return;
    memory_.existed = true;
    memory_.czxid = seen_.stat.czxid;
    memory_.ctime = seen_.stat.ctime;
    memory_.pzxid = seen_.stat.pzxid;
  }

  DirectoryMemory& memory_;
  const MemberDirectory& seen_;
  const Circumstances& now_;
  const std::size_t usable_, others_usable_;
  const bool is_by_hand_;
  Tally& tally_;
  bool is_odd_ = false;
};

// The union of two sorted lists; where both name an address, `first` counts, but a wish to drain is always heard.
MemberList merge(MemberList first, const MemberList& second) {
  if (first.empty()) return second;
  if (second.empty()) return first;
  MemberList both;
  both.reserve(first.size() + second.size());
  auto a = first.begin();
  auto b = second.begin();
  while (a != first.end() || b != second.end()) {
    if (b == second.end() || (a != first.end() && a->address < b->address)) {
      both.push_back((a++).shared());
    } else if (a == first.end() || b->address < a->address) {
      both.push_back((b++).shared());
    } else if (b->draining && !a->draining) {
      KnownMember draining = *a++;
      draining.draining = (b++)->draining;
      both.push_back(std::move(draining));
    } else {
      both.push_back((a++).shared()), ++b;
    }
  }
  return both;
}

MemberList members_of(const std::vector<HeldMember>& held) {
  KnownMembers members;
  members.reserve(held.size());
  for (const HeldMember& each : held) members.push_back(each.member);
  return members;
}

std::optional<TimePoint> when_to_look_again(const Memory& memory, const Circumstances& circumstances) {
  std::optional<TimePoint> earliest;
  for (const DirectoryMemory* directory : memory.directories()) {
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

void accept_all(Memory& memory, const Circumstances& circumstances, Tally& tally) {
  if (circumstances.accept <= memory.accepted) return;
  memory.accepted = circumstances.accept;
  for (DirectoryMemory* directory : memory.directories()) {
    tally.released_accepted += directory->held.size();
    directory->held.clear();
    directory->lost.clear();
    directory->flaps.clear();
    directory->before = 0;
    directory->peak = 0;
  }
}

}  // namespace

const char* to_string(Hold hold) {
  switch (hold) {
    case Hold::None: return "nothing is odd";
    case Hold::Missing: return "the directory is missing";
    case Hold::MadeAnew: return "the directory was made anew";
    case Hold::Older: return "the directory is older than before";
    case Hold::Settling: return "contact was lost for long";
    case Hold::Mass: return "too many are gone at once";
    case Hold::Kept: return "members are kept until they fail";
    case Hold::Flapping: return "they come and go too often";
  }
  return "?";
}

Reconciled reconcile(Memory memory, const Observation& seen, const Circumstances& circumstances) {
  Reconciled result;
  result.is_other_registry = is_other_registry(memory, seen);
  const std::size_t of_members = count_usable(seen.members.members), of_fixed = count_usable(seen.fixed.members),
                    of_direct = count_usable(seen.direct.members);
  const auto judge = [&](DirectoryMemory& directory, const MemberDirectory& reading, std::size_t usable, bool by_hand) {
    const std::size_t others = of_members + of_fixed + of_direct - usable;
    const Hold hold = Judgement(directory, reading, circumstances, usable, others, by_hand, result.tally).run();
    if (result.hold == Hold::None) result.hold = hold;
  };
  judge(memory.members, seen.members, of_members, false);
  judge(memory.direct, seen.direct, of_direct, false);
  judge(memory.fixed, seen.fixed, of_fixed, true);
  accept_all(memory, circumstances, result.tally);
  result.held = memory.members.held.size() + memory.fixed.held.size() + memory.direct.held.size();
  if (result.held == 0) result.hold = Hold::None;
  result.members = members_of(memory);
  result.look_again = when_to_look_again(memory, circumstances);
  result.memory = std::move(memory);
  return result;
}

bool is_other_registry(const Memory& memory, const Observation& seen) {
  return oddity(memory.members, seen.members) != Hold::None || oddity(memory.fixed, seen.fixed) != Hold::None ||
         oddity(memory.direct, seen.direct) != Hold::None;
}

MemberList members_of(const Memory& memory) {
  MemberList members;
  for (const auto* directory : {&memory.members, &memory.direct, &memory.fixed}) {
    members = merge(std::move(members), directory->present);
    members = merge(std::move(members), members_of(directory->held));
  }
  return members;
}

}  // namespace weir::discovery
