// Backends that hang, and those that a health check takes out of rotation.
#include <gtest/gtest.h>

#include "test_upstream.h"

namespace weir::balancer::testing {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

/// A pulse that has seen `count` answers, each after `wait`, the last at the returned time.
TimePoint beat(Pulse& pulse, int count, milliseconds wait, TimePoint now = kStart) {
  for (int i = 0; i < count; ++i) {
    pulse.beat(now, now + wait);
    now += wait;
  }
  return now;
}

TEST(Pulse, KnowsNothingAtFirst) {
  Pulse pulse;
  EXPECT_EQ(pulse.overdue_from(kStart), TimePoint::max());
  beat(pulse, 15, milliseconds(5));
  EXPECT_EQ(pulse.overdue_from(kStart), TimePoint::max());
}

TEST(Pulse, CallsSilenceUnusualThatIsFarLongerThanItsHistory) {
  Pulse fast;
  const TimePoint last = beat(fast, 100, milliseconds(2));
  EXPECT_EQ(fast.overdue_from(last), last + milliseconds(100));
  Pulse slow;
  const TimePoint slow_last = beat(slow, 1000, milliseconds(500));
  EXPECT_GT(slow.overdue_from(slow_last), slow_last + milliseconds(1900));
}

TEST(Pulse, CountsFromTheLastAnswerToAnyone) {
  Pulse pulse;
  const TimePoint last = beat(pulse, 100, milliseconds(2));
  EXPECT_EQ(pulse.overdue_from(last - seconds(5)), last + pulse.patience());
}

TEST(Pulse, CountsWhoIsOverdueUntilAnyoneIsAnswered) {
  Pulse pulse;
  const TimePoint now = beat(pulse, 100, milliseconds(2));
  EXPECT_EQ(pulse.note_overdue(), 1U);
  EXPECT_EQ(pulse.note_overdue(), 2U);
  pulse.beat(now, now + seconds(1));
  EXPECT_EQ(pulse.overdue(), 0U);
  EXPECT_EQ(pulse.last(), now + seconds(1));
}

TEST(Pulse, IsNotMadePatientByTheEndOfAHang) {
  Pulse pulse;
  TimePoint now = beat(pulse, 100, milliseconds(2));
  for (int i = 0; i < 8; ++i) pulse.beat(now, now + seconds(30));
  EXPECT_LT(pulse.patience(), seconds(1));
}

class Hang : public ::testing::Test {
 protected:
  TestUpstream app_{"round_robin", {{.address = "a"}, {.address = "b"}}};
  void hang() {
    std::optional<Lease> lease = app_.acquire();
    ASSERT_EQ(lease->backend().address(), "a");
    EXPECT_TRUE(lease->hangs(app_.now));
  }
};

TEST_F(Hang, TakesABackendOutOfRotationAtOnce) {
  TestUpstream patient("round_robin", {{.address = "a", .max_fails = 5}, {.address = "b"}});
  EXPECT_TRUE(patient.acquire()->hangs(patient.now));
  EXPECT_EQ(patient.picks(3), "bbb");
  EXPECT_EQ(patient.backend("a")->failures(), 1U);
}

TEST_F(Hang, IsOverWithAnyAnswer) {
  std::optional<Lease> early = app_.acquire();
  EXPECT_TRUE(early->hangs(app_.now));
  EXPECT_EQ(app_.picks(2), "bb");
  early->answered(app_.now, app_.now + seconds(2));
  EXPECT_TRUE(app_.backend("a")->is_available());
}

TEST_F(Hang, IsCheckedWhenTheRestIsOver) {
  hang();
  app_.now += seconds(10);
  EXPECT_NE(app_.picks(2).find('a'), std::string::npos);
}

TEST_F(Hang, DoesNotLiftAMarkThatFailuresMade) {
  std::optional<Lease> lease = app_.acquire();
  lease->failed(app_.now);
  lease->answered(app_.now, app_.now);
  EXPECT_TRUE(app_.backend("a")->is_failed());
}

TEST_F(Hang, NeverMarksWhoMayNotBeMarked) {
  TestUpstream only("round_robin", {{.address = "a"}});
  EXPECT_FALSE(only.acquire()->hangs(only.now));
  EXPECT_TRUE(only.backend("a")->is_available());
}

TEST(Veto, LeavesABackendOutUntilItIsLifted) {
  for (const char* method : {"round_robin", "least_conn"}) {
    TestUpstream app(method, {{.address = "a"}, {.address = "b"}});
    EXPECT_TRUE(app.upstream->veto("a", true));
    EXPECT_TRUE(app.backend("a")->is_vetoed());
    EXPECT_EQ(app.picks(3), "bbb") << method;
    app.upstream->update({{.address = "a", .weight = 3}, {.address = "b"}});
    EXPECT_EQ(app.picks(3), "bbb") << method << ": an update must not lift it";
    EXPECT_TRUE(app.upstream->veto("a", false));
    EXPECT_NE(app.picks(3).find('a'), std::string::npos) << method;
  }
}

TEST(Veto, ForgetsFailuresWhenItIsLifted) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  app.acquire()->failed(app.now);
  app.upstream->veto("a", true);
  app.upstream->veto("a", false);
  EXPECT_TRUE(app.backend("a")->is_available());
  app.acquire()->failed(app.now);
  app.upstream->veto("b", false);  // it was not vetoed: nothing was seen to change
  EXPECT_TRUE(app.backend("b")->is_failed() || app.backend("a")->is_failed());
}

TEST(Veto, IsOverruledWhenNobodyElseIsLeft) {
  TestUpstream app("round_robin", {{.address = "a"}, {.address = "b"}});
  app.upstream->veto("a", true);
  app.upstream->veto("b", true);
  app.upstream->veto("b", false);
  app.acquire()->failed(app.now);
  EXPECT_EQ(app.pick(), "b") << "who only failed comes before who is vetoed";
  app.upstream->veto("b", true);
  EXPECT_NE(app.pick(), "-");
  EXPECT_FALSE(app.reader.acquire({.now = app.now, .only_available = true}));
}

TEST(Veto, HoldsForANewcomerThatHasToProveItself) {
  TestUpstream app("round_robin", {{.address = "a"}});
  app.upstream->update({{.address = "a"}, {.address = "b"}}, Newcomers::Prove);
  EXPECT_EQ(app.picks(2), "aa");
  app.upstream->veto("b", false);
  app.upstream->update({{.address = "b"}, {.address = "a"}}, Newcomers::Prove);
  EXPECT_TRUE(app.backend("b")->is_available()) << "who stays is no newcomer";
  EXPECT_FALSE(app.upstream->veto("c", true));
}

}  // namespace
}  // namespace weir::balancer::testing
