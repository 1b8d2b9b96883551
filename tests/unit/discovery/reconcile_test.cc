#include "member/reconcile.h"

#include "member/membership_cache.h"

#include <gtest/gtest.h>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;
using balancer::Member;

const TimePoint kNow{1h};

Member member(const std::string& address) {
  Member result;
  result.address = address;
  return result;
}

Member draining(const std::string& address) {
  Member result = member(address);
  result.draining = true;
  return result;
}

MemberDirectory directory(KnownMembers members, std::int64_t czxid = 10, std::int64_t pzxid = 20) {
  return {.exists = true, .stat = {.czxid = czxid, .pzxid = pzxid}, .members = std::move(members)};
}

const MemberDirectory kMissing{};

// Feeds readings of members/ one after the other, like a source does.
struct Judge {
  Reconciled read(MemberDirectory members, MemberDirectory fixed = kMissing) {
    Reconciled result = reconcile(memory, {std::move(members), std::move(fixed)}, circumstances);
    memory = result.memory;
    return result;
  }
  std::string addresses(MemberDirectory members, MemberDirectory fixed = kMissing) {
    std::string text;
    for (const Member& each : read(std::move(members), std::move(fixed)).members)
      text += (text.empty() ? "" : " ") + each.address + (each.draining ? "/draining" : "");
    return text;
  }

  Memory memory;
  Circumstances circumstances{.now = kNow};
};

TEST(Reconcile, FollowsARegistryThatIsAsItWas) {
  Judge judge;
  EXPECT_EQ(judge.addresses(directory({member("a"), member("b")}, 10, 20)), "a b");
  EXPECT_EQ(judge.addresses(directory({member("b"), member("c")}, 10, 22)), "b c");
  judge.circumstances.vanish.mode = Vanish::Trust;
  EXPECT_EQ(judge.addresses(directory({}, 10, 24)), "");
}

// Members a, b, c, … so many.
KnownMembers alphabet(int count, int from = 0) {
  KnownMembers members;
  for (int i = from; i < count; ++i) members.push_back(member(std::string(1, static_cast<char>('a' + i))));
  return members;
}

TEST(Reconcile, HoldsThoseWhoAreGoneIfTooManyAreGoneAtOnce) {
  Judge judge;
  judge.read(directory(alphabet(20)));
  EXPECT_EQ(judge.read(directory(alphabet(20, 2))).held, 0u) << "a tenth is believed";
  judge.circumstances.now += 1min;
  const Reconciled result = judge.read(directory(alphabet(20, 5)));
  EXPECT_EQ(result.held, 3u);
  EXPECT_EQ(result.hold, Hold::Mass);
  judge.circumstances.now += 24h;
  EXPECT_EQ(judge.read(directory(alphabet(20, 5))).members.size(), 18u);
}

TEST(Reconcile, CountsLossesThatFollowEachOtherAsOne) {
  Judge judge;
  judge.read(directory(alphabet(4)));
  judge.circumstances.now += 1s;
  EXPECT_EQ(judge.addresses(directory(alphabet(4, 1))), "b c d");
  judge.circumstances.now += 1s;
  EXPECT_EQ(judge.addresses(directory(alphabet(4, 2))), "a b c d") << "the first is taken back";
  judge.circumstances.now += 1h;
  EXPECT_EQ(judge.addresses(directory(alphabet(4, 2))), "a b c d");
}

TEST(Reconcile, BelievesAsManyLossesOverALongTime) {
  Judge judge;
  judge.read(directory(alphabet(4)));
  for (int gone = 1; gone < 4; ++gone) {
    judge.circumstances.now += 1min;
    EXPECT_EQ(judge.read(directory(alphabet(4, gone))).members.size(), static_cast<std::size_t>(4 - gone));
  }
  judge.circumstances.now += 1min;
  EXPECT_EQ(judge.addresses(directory({})), "d") << "but never of the last";
}

TEST(Reconcile, LetsTheLastGoIfOthersServe) {
  Judge judge;
  judge.read(directory({member("a")}), directory({member("z")}));
  EXPECT_EQ(judge.addresses(directory({}), directory({member("z")})), "z");
}

TEST(Reconcile, DoesNotCountThoseWhoAnnouncedTheirLeaving) {
  Judge judge;
  judge.read(directory(alphabet(4)));
  judge.read(directory({draining("a"), draining("b"), draining("c"), member("d")}));
  EXPECT_EQ(judge.addresses(directory({member("d")})), "d");
}

TEST(Reconcile, LetsAMassGoThatWasReplaced) {
  Judge judge;
  judge.read(directory({member("a"), member("b"), member("c")}));
  EXPECT_EQ(judge.addresses(directory({member("x"), member("y"), member("z")})), "x y z");
  EXPECT_EQ(judge.addresses(directory({member("z")})), "x y z");
  EXPECT_EQ(judge.addresses(directory({member("u"), member("v"), member("z")})), "u v z");
}

TEST(Reconcile, LetsAMassGoAsItFails) {
  Judge judge;
  judge.read(directory(alphabet(4)));
  std::string failing = "a";
  judge.circumstances.health = [&](std::string_view address) {
    return address == failing ? Health::Failing : Health::Passing;
  };
  EXPECT_EQ(judge.addresses(directory({member("d")})), "b c d");
  failing = "c";
  EXPECT_EQ(judge.addresses(directory({member("d")})), "b d");
}

TEST(Reconcile, LetsAMassGoWhenAnOperatorAcceptsIt) {
  Judge judge;
  judge.read(directory(alphabet(4)));
  EXPECT_EQ(judge.read(directory({member("d")})).held, 3u);
  judge.circumstances.accept = 5;
  EXPECT_EQ(judge.addresses(directory({member("d")})), "d");
  EXPECT_EQ(judge.addresses(directory({})), "d") << "accepted once is not accepted for ever";
}

TEST(Reconcile, NeverBelievesMoreThanSoManyLossesAtOnceHoweverManyThereAre) {
  Judge judge;
  judge.circumstances.vanish.most_at_once = 2;
  judge.circumstances.vanish.min_share = 0;
  judge.read(directory(alphabet(20)));
  EXPECT_EQ(judge.read(directory(alphabet(20, 2))).held, 0u);
  EXPECT_EQ(judge.read(directory(alphabet(20, 3))).held, 3u);
}

TEST(Reconcile, KeepsWhoIsNotKnownToFailIfToldTo) {
  Judge judge;
  judge.circumstances.vanish.mode = Vanish::Keep;
  judge.read(directory({member("a"), member("b"), member("c")}));
  EXPECT_EQ(judge.addresses(directory({member("b"), member("c"), member("d")})), "a b c d");
  judge.circumstances.now += 24h;
  judge.circumstances.health = [](std::string_view address) { return address == "a" ? Health::Failing : Health::Unknown; };
  EXPECT_EQ(judge.addresses(directory({member("c"), member("d")})), "b c d");
}

TEST(Reconcile, BelievesThatWhatIsKeptByHandWasRemovedByHand) {
  Judge judge;
  judge.read(directory({member("a")}), directory({member("x"), member("y"), member("z")}));
  EXPECT_EQ(judge.addresses(directory({member("a")}), directory({})), "a");
}

TEST(Reconcile, BelievesThatAlsoAfterALongOutage) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}), directory({member("x")}));
  judge.circumstances.settling_until = kNow + 16s;
  EXPECT_EQ(judge.addresses(directory({member("a")}), directory({})), "a b");
}

TEST(Reconcile, HoldsAMemberThatComesAndGoesUntilItHasStopped) {
  Judge judge;
  const auto without = directory({member("b"), member("c")}), with = directory({member("a"), member("b"), member("c")});
  judge.read(with);
  EXPECT_EQ(judge.addresses(without), "b c");
  judge.circumstances.now += 1s;
  judge.read(with);
  judge.circumstances.now += 1s;
  const bool is_held_at_once = judge.read(without).held == 1;
  judge.circumstances.now += 1s;
  judge.read(with);
  judge.circumstances.now += 1s;
  const Reconciled result = judge.read(without);
  EXPECT_FALSE(is_held_at_once);
  EXPECT_EQ(result.hold, Hold::Flapping);
  EXPECT_EQ(judge.addresses(without), "a b c");
  ASSERT_TRUE(result.look_again.has_value());
  judge.circumstances.now = *result.look_again;
  EXPECT_EQ(judge.addresses(without), "b c") << "it was quiet for long enough";
}

TEST(Reconcile, DoesNotHoldWhoComesAndGoesIfToldNotTo) {
  Judge judge;
  judge.circumstances.vanish.damp = false;
  for (int i = 0; i < 20; ++i) {
    judge.read(directory({member("a"), member("b"), member("c")}));
    EXPECT_EQ(judge.addresses(directory({member("b"), member("c")})), "b c");
    judge.circumstances.now += 1s;
  }
}

TEST(Reconcile, TakesMembersOfOtherLayoutsLikeOurs) {
  Judge judge;
  Observation seen{.members = directory({member("a")}), .fixed = kMissing, .direct = directory({member("b"), member("c")})};
  EXPECT_EQ(reconcile({}, seen, judge.circumstances).members.size(), 3u);
}

TEST(Reconcile, CountsWhatHappens) {
  Judge judge;
  EXPECT_EQ(judge.read(directory({member("a"), draining("b"), member("c")})).tally.joined, 3u);
  const Tally tally = judge.read(directory({member("c")})).tally;
  EXPECT_EQ(tally.joined, 0u);
  EXPECT_EQ(tally.left, 1u);
  EXPECT_EQ(tally.drained, 1u);
  EXPECT_EQ(judge.read(directory({member("a"), member("c"), member("d")})).tally.returned, 1u);
}

TEST(Reconcile, HoldsMembersWhenTheDirectoryIsMissing) {
  Judge judge;
  judge.read(directory({member("a"), member("b"), member("c")}));
  const Reconciled result = judge.read(kMissing);
  EXPECT_EQ(result.members.size(), 3u);
  EXPECT_EQ(result.held, 3u);
  EXPECT_EQ(result.hold, Hold::Missing);
  EXPECT_EQ(judge.addresses(kMissing), "a b c");
}

TEST(Reconcile, HoldsMembersWhenTheDirectoryWasMadeAnew) {
  Judge judge;
  judge.read(directory({member("a"), member("b"), member("c")}, 10));
  EXPECT_EQ(judge.read(directory({}, 3, 3)).hold, Hold::MadeAnew);
  EXPECT_EQ(judge.addresses(directory({member("b")}, 3, 5)), "a b c");
  EXPECT_EQ(judge.read(directory({member("b")}, 3, 5)).held, 2u);
}

TEST(Reconcile, RecognisesADirectoryMadeAnewThoughTransactionsAreCountedFromTheStart) {
  Judge judge;
  MemberDirectory before = directory({member("a")}, 4, 5), after = directory({}, 4, 5);
  before.stat.ctime = 1'700'000'000'000;
  after.stat.ctime = 1'700'000'060'000;
  judge.read(before);
  EXPECT_EQ(judge.addresses(after), "a");
}

TEST(Reconcile, HoldsMembersWhenTheDirectoryIsOlder) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}, 10, 20));
  EXPECT_EQ(judge.read(directory({member("a")}, 10, 15)).hold, Hold::Older);
  EXPECT_EQ(judge.addresses(directory({member("a")}, 10, 15)), "a b");
}

TEST(Reconcile, LetsHeldMembersGoOnceAsManyAsBeforeAreThere) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}, 10));
  EXPECT_EQ(judge.addresses(directory({member("c")}, 3)), "a b c");
  EXPECT_EQ(judge.addresses(directory({member("c"), member("d")}, 3, 30)), "c d");
}

TEST(Reconcile, DoesNotTakeTheMembersOfAnotherRegistryForItsOwn) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}, 10));
  EXPECT_EQ(judge.addresses(directory({member("c"), member("d")}, 3)), "a b c d");
}

TEST(Reconcile, DoesNotTakeNewMembersForThoseThatAreStillComingBack) {
  Judge judge;
  judge.read(directory({member("a")}, 10));
  judge.circumstances.settling_until = kNow + 16s;
  EXPECT_EQ(judge.addresses(directory({member("b")}, 30)), "a b");
  EXPECT_EQ(judge.read(directory({member("b")}, 30)).look_again, kNow + 16s);
  judge.circumstances.now = kNow + 16s;
  EXPECT_EQ(judge.addresses(directory({member("b")}, 30)), "b");
}

TEST(Reconcile, TrustsAMemberThatRegisteredAgainLikeAnyOther) {
  Judge judge;
  judge.read(directory({member("a"), member("b"), member("c")}, 10));
  EXPECT_EQ(judge.addresses(directory({member("a")}, 30, 31)), "a b c");
  EXPECT_EQ(judge.addresses(directory({member("a"), member("b")}, 30, 32)), "a b c");
  EXPECT_EQ(judge.addresses(directory({member("b")}, 30, 33)), "b c");
}

TEST(Reconcile, LetsHeldMembersGoThatFail) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}));
  judge.circumstances.health = [](std::string_view address) { return address == "a" ? Health::Failing : Health::Unknown; };
  EXPECT_EQ(judge.addresses(kMissing), "b");
  EXPECT_EQ(judge.read(kMissing).look_again, kNow + 1s);
}

TEST(Reconcile, DoesNotAskAboutTheHealthOfThoseTheRegistryNames) {
  Judge judge;
  judge.circumstances.health = [](std::string_view) { return Health::Failing; };
  EXPECT_EQ(judge.addresses(directory({member("a")})), "a");
}

TEST(Reconcile, NeverHoldsAMemberThatAnnouncedItsLeaving) {
  Judge judge;
  judge.read(directory({draining("a"), member("b")}));
  EXPECT_EQ(judge.addresses(kMissing), "b");
}

TEST(Reconcile, HoldsMissingMembersForAWhileAfterALongOutage) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}, 10, 20));
  judge.circumstances.settling_until = kNow + 16s;
  const Reconciled result = judge.read(directory({member("b")}, 10, 21));
  EXPECT_EQ(result.members.size(), 2u);
  EXPECT_EQ(result.hold, Hold::Settling);
  EXPECT_EQ(result.look_again, kNow + 16s);
  judge.circumstances.now = kNow + 15s;
  EXPECT_EQ(judge.addresses(directory({member("b")}, 10, 21)), "a b");
  judge.circumstances.now = kNow + 16s;
  EXPECT_EQ(judge.addresses(directory({member("b")}, 10, 21)), "b");
}

TEST(Reconcile, HoldsWithoutLimitOnceTheRegistryTurnsOutToBeAnother) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}, 10, 20));
  judge.circumstances.settling_until = kNow + 16s;
  judge.read(directory({member("b")}, 10, 21));
  judge.read(kMissing);
  judge.circumstances.now = kNow + 24h;
  EXPECT_EQ(judge.addresses(kMissing), "a b");
}

TEST(Reconcile, AddsMembersKeptByHand) {
  Judge judge;
  EXPECT_EQ(judge.addresses(directory({member("b")}), directory({member("a"), member("c")})), "a b c");
  EXPECT_EQ(judge.addresses(directory({}, 10, 21), directory({member("c")}, 10, 21)), "c");
}

TEST(Reconcile, PrefersWhatAMemberSaysOfItselfButHearsTheWishToDrain) {
  Judge judge;
  Member registered = member("a"), by_hand = draining("a");
  registered.weight = 50;
  by_hand.weight = 5;
  const Reconciled result = judge.read(directory({registered}), directory({by_hand}));
  ASSERT_EQ(result.members.size(), 1u);
  EXPECT_EQ(result.members[0].weight, 50u);
  EXPECT_TRUE(result.members[0].draining);
}

TEST(Reconcile, IsTheSameWhenAskedAgain) {
  Judge judge;
  judge.read(directory({member("a"), member("b")}));
  judge.read(kMissing);
  const Memory before = judge.memory;
  judge.read(kMissing);
  EXPECT_EQ(judge.memory, before);
}

TEST(DecodeDirectory, GivesAnAddressToItsYoungestNode) {
  DecodedDirectory directory =
      decode_directory({"10.0.0.1:80,w=5", "10.0.0.1:80,w=9", "10.0.0.2:80", "nonsense"}, {.default_weight = 100});
  ASSERT_EQ(directory.rejected.size(), 1u);
  ASSERT_EQ(directory.contested(), (std::vector<std::size_t>{0, 1}));
  const KnownMembers members = settle(directory, {40, 30});
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].weight, 5u);
  EXPECT_EQ(members[1].weight, 100u);
  EXPECT_EQ(settle(directory, {-1, 30})[0].weight, 9u);
  EXPECT_EQ(settle(directory, {-1, -1}).size(), 1u);
}

TEST(DecodeDirectory, MakesMembersOfNames) {
  balancer::Member prototype;
  prototype.max_fails = 7;
  const auto members = settle(
      decode_directory({"10.0.0.1:80,t=1", "10.0.0.2:80,w=0", "10.0.0.3:80,s=drain,w=4", "10.0.0.4:80,s=starting"},
                       {.default_weight = 100, .prototype = prototype}), {});
  ASSERT_EQ(members.size(), 4u);
  EXPECT_TRUE(members[0].backup);
  EXPECT_EQ(members[0].max_fails, 7u);
  EXPECT_TRUE(members[1].draining);
  EXPECT_TRUE(members[2].draining);
  EXPECT_EQ(members[2].weight, 4u);
  EXPECT_TRUE(members[3].down);
}

TEST(DecodeDirectory, KeepsTheZone) {
  const auto members = settle(decode_directory({"10.0.0.1:80,z=eu%201", "10.0.0.2:80,v=7"}, {}), {});
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[0].zone, "eu 1");
  EXPECT_EQ(members[1].zone, "");
  CachedMembership kept;
  kept.memory.members.is_known = true;
  kept.memory.members.present = members;
  std::string error;
  EXPECT_EQ(decode_cache(encode_cache(kept), error), kept) << error;
}

}  // namespace
}  // namespace weir::discovery
