// Backends that die, hang, refuse, reset, start slowly and come back, under load through the real proxy.
//
// Each test keeps one fault up for a moment; WEIR_FAULT_SECONDS=10 makes it that many seconds. What is asked for does
// not depend on speed, except where WEIR_FAULT_STRICT is set: then also on how long clients waited.
#include <gtest/gtest.h>

#include <cstdlib>

#include "fault_cluster.h"
#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

/// With nginx's defaults: one failure marks a server for ten seconds.
constexpr const char* kDefaults = R"(
    upstream group { server %a%; server %b%; server %c%; }
    server { location / { proxy_pass http://group; proxy_read_timeout 30s; } })";

class Faults : public ::testing::Test {
 protected:
  FaultBackend a_{"a"}, b_{"b"}, c_{"c"};
  const std::vector<const FaultBackend*> all_{&a_, &b_, &c_};

  Values values(Values more = {}) const {
    more.insert({{"a", a_.address()}, {"b", b_.address()}, {"c", c_.address()}});
    return more;
  }

  /// What holds whatever happens while one backend lives.
  static void expect_nothing_lost(const Verdict& verdict) {
    EXPECT_EQ(verdict.gets_failed, 0u) << verdict.summary();
    EXPECT_EQ(verdict.crossed, 0u) << verdict.summary();
    EXPECT_EQ(verdict.posts_doubled, 0u) << verdict.summary();
    if (std::getenv("WEIR_FAULT_STRICT")) std::printf("%s\n", verdict.summary().c_str());
  }

  /// kill -9 of each in turn under load, and a new process on its port; again until the fault's time is over.
  void kill_in_turn(FaultLoad& load, milliseconds down) {
    const Stopwatch watch;
    do {
      for (FaultBackend* victim : {&a_, &b_, &c_}) {
        ASSERT_TRUE(load.wait_for(60));
        victim->kill();
        std::this_thread::sleep_for(down);
        ASSERT_TRUE(load.wait_for(60));
        victim->start();
      }
    } while (watch.elapsed() < fault_time());
  }
};

TEST_F(Faults, EveryBackendKilledOnceWithinTenSecondsLosesNothing) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  kill_in_turn(load, milliseconds(100));
  const Verdict verdict = load.finish(all_);
  expect_nothing_lost(verdict);
  EXPECT_FALSE(verdict.statuses.contains(503)) << verdict.summary();
}

TEST_F(Faults, IdleConnectionsOfAKilledBackendLoseNothing) {
  WeirProcess weir(kDefaults, values());
  const Stopwatch watch;
  do {
    for (FaultBackend* victim : {&a_, &b_, &c_}) {
      FaultLoad load(weir.address());
      ASSERT_TRUE(load.wait_for(100));
      Verdict verdict = load.finish(all_);
      expect_nothing_lost(verdict);
      EXPECT_EQ(verdict.posts_failed, 0u) << verdict.summary();
      // Nothing is under way now.
      victim->kill();
      victim->start();
    }
  } while (watch.elapsed() < fault_time());
}

TEST_F(Faults, AnswersCutBeforeTheClientSawThemAreAskedForAgain) {
  WeirProcess weir(kDefaults, values());
  for (const char* framing : {"length", "chunked"}) {  // the end of a connection is an end, whoever is killed
    FaultLoad load(weir.address(), {.fields = {{"X-Size", "15000"}, {"X-Pause", "20"}, {"X-Framing", framing}}});
    kill_in_turn(load, milliseconds(0));
    const Verdict verdict = load.finish(all_);
    EXPECT_EQ(verdict.gets_failed, 0u) << framing << ": " << verdict.summary();
    expect_nothing_lost(verdict);
  }
}

TEST_F(Faults, ACutThatTheClientHasSeenIsVisible) {
  WeirProcess weir(kDefaults, values());
  for (const char* framing : {"length", "chunked"}) {  // the end of a connection is an end, whoever is killed
    FaultLoad load(weir.address(), {.fields = {{"X-Size", "400000"}, {"X-Pause", "20"}, {"X-Framing", framing}}});
    kill_in_turn(load, milliseconds(0));
    const Verdict verdict = load.finish(all_);
    // Failed visibly, or whole: never another length with a clean end.
    EXPECT_EQ(verdict.crossed, 0u) << framing << ": " << verdict.summary();
    EXPECT_EQ(verdict.posts_doubled, 0u) << framing << ": " << verdict.summary();
  }
}

TEST_F(Faults, AHungBackendIsLeftAloneAndItsGetsAreAnsweredElsewhere) {
  WeirProcess weir(kDefaults, values());
  // No POST: what was sent to the hung backend must not be sent again, and waits.
  FaultLoad load(weir.address(), {.post_every = 0});
  ASSERT_TRUE(load.wait_for(1000));
  const Stopwatch since;
  b_.freeze();
  EXPECT_TRUE(weir.logs("hangs"));
  const milliseconds noticed = since.elapsed();
  std::this_thread::sleep_for(fault_time());
  EXPECT_TRUE(load.wait_for(600));
  // Ends while the backend still hangs: so no client waits for it.
  const Verdict verdict = load.finish({&a_, &c_});
  EXPECT_EQ(verdict.gets_failed, 0u) << verdict.summary();
  EXPECT_LT(verdict.slowest, milliseconds(20'000)) << verdict.summary();
  if (std::getenv("WEIR_FAULT_STRICT")) {
    std::printf("out of rotation after %lld ms\n%s\n", static_cast<long long>(noticed.count()), verdict.summary().c_str());
    EXPECT_LE(noticed, milliseconds(300));
    EXPECT_LE(verdict.slow_clients, 8) << verdict.summary();
  }
  b_.thaw();
}

TEST_F(Faults, AHungBackendThatGoesOnLosesNothing) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  ASSERT_TRUE(load.wait_for(1000));
  b_.freeze();
  std::this_thread::sleep_for(fault_time());
  b_.thaw();
  EXPECT_TRUE(load.wait_for(300));
  const Verdict verdict = load.finish(all_);
  expect_nothing_lost(verdict);
  EXPECT_EQ(verdict.posts_failed, 0u) << verdict.summary();
  if (std::getenv("WEIR_FAULT_STRICT")) {
    EXPECT_LE(verdict.slow_clients, 8) << verdict.summary();
  }
}

TEST_F(Faults, AClosedPortLosesNothing) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  ASSERT_TRUE(load.wait_for(100));
  ASSERT_TRUE(b_.end_gracefully());
  std::this_thread::sleep_for(fault_time());
  ASSERT_TRUE(load.wait_for(200));
  b_.start();
  ASSERT_TRUE(load.wait_for(100));
  const Verdict verdict = load.finish(all_);
  expect_nothing_lost(verdict);
  EXPECT_EQ(verdict.posts_lost, 0u) << verdict.summary();
}

TEST_F(Faults, ABackendThatAcceptsAndResetsLosesNothingIdempotent) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  ASSERT_TRUE(load.wait_for(100));
  ASSERT_TRUE(b_.end_gracefully());
  {
    auto resetting = FakeBackend::scripted([](BackendConnection& connection) { connection.reset(); }, b_.address());
    std::this_thread::sleep_for(fault_time());
    ASSERT_TRUE(load.wait_for(200));
  }
  b_.start();
  ASSERT_TRUE(load.wait_for(100));
  expect_nothing_lost(load.finish(all_));
}

TEST_F(Faults, ABackendThatListensBeforeItServesLosesNothing) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  ASSERT_TRUE(load.wait_for(1000));
  ASSERT_TRUE(b_.end_gracefully());
  b_.start(fault_time());
  ASSERT_TRUE(load.wait_for(200));
  const Verdict verdict = load.finish(all_);
  expect_nothing_lost(verdict);
  EXPECT_EQ(verdict.posts_failed, 0u) << verdict.summary();
}

TEST_F(Faults, AFreshProcessOnTheSamePortLosesNothing) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  const Stopwatch watch;
  do {
    ASSERT_TRUE(load.wait_for(100));
    ASSERT_TRUE(b_.end_gracefully());
    b_.start();
  } while (watch.elapsed() < fault_time());
  const Verdict verdict = load.finish(all_);
  expect_nothing_lost(verdict);
  EXPECT_EQ(verdict.posts_lost, 0u) << verdict.summary();
}

TEST_F(Faults, ARollingRestartWithDrainLosesNothing) {
  const auto without = [](char which) {
    std::string text = kDefaults;
    const std::string line = std::string("server %") + which + "%;";
    return text.replace(text.find(line), line.size(), std::string("server %") + which + "% down;");
  };
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  unsigned generation = 1;
  const auto reload = [&](const std::string& text) {
    weir.reload(text);
    return weir.logs("generation " + std::to_string(++generation) + " of the configuration is in force");
  };
  for (FaultBackend* one : {&a_, &b_, &c_}) {
    ASSERT_TRUE(load.wait_for(60));
    ASSERT_TRUE(reload(without(one->name()[0])));
    ASSERT_TRUE(load.wait_for(60));
    ASSERT_TRUE(one->end_gracefully());
    one->start();
    ASSERT_TRUE(reload(kDefaults));
  }
  ASSERT_TRUE(load.wait_for(60));
  const Verdict verdict = load.finish(all_);
  expect_nothing_lost(verdict);
  EXPECT_EQ(verdict.posts_failed, 0u) << verdict.summary();
}

TEST_F(Faults, AllPrimariesGoneAndBackLosesNothingIdempotent) {
  FaultBackend spare("spare");
  WeirProcess weir(R"(
      upstream group { server %a% fail_timeout=1s; server %b% fail_timeout=1s; server %c% fail_timeout=1s;
                       server %spare% backup; }
      server { location / { proxy_pass http://group; proxy_read_timeout 30s; } })",
                   values({{"spare", spare.address()}}));
  FaultLoad load(weir.address());
  ASSERT_TRUE(load.wait_for(100));
  for (FaultBackend* victim : {&a_, &b_, &c_}) victim->kill();
  EXPECT_TRUE(load.wait_for(spare, 100));
  std::this_thread::sleep_for(fault_time());
  for (FaultBackend* victim : {&a_, &b_, &c_}) victim->start();
  EXPECT_TRUE(load.wait_for(a_, 20));
  EXPECT_TRUE(load.wait_for(b_, 20));
  EXPECT_TRUE(load.wait_for(c_, 20));
  expect_nothing_lost(load.finish({&a_, &b_, &c_, &spare}));
}

TEST_F(Faults, ReloadsMeanwhileLoseNothing) {
  WeirProcess weir(kDefaults, values());
  FaultLoad load(weir.address());
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(load.wait_for(40));
    weir.reload(kDefaults);
    FaultBackend& victim = i % 2 == 0 ? a_ : b_;
    victim.kill();
    weir.reload(kDefaults);
    ASSERT_TRUE(load.wait_for(40));
    victim.start();
    ASSERT_TRUE(weir.logs("generation " + std::to_string(2 * i + 2)));
  }
  expect_nothing_lost(load.finish(all_));
}

}  // namespace
}  // namespace weir::test
