// What the registry and the proxy stand on fails: the resolver, and the clock on the wall. A load runs, no request is lost.
//
// The processes have a library preloaded that answers for the resolver and moves the wall clock (support/surroundings.cc):
// the kernel's own clock can only be set for the whole machine, and no namespace has another CLOCK_REALTIME. The steady clock
// goes on as it does when an administrator, or NTP, sets the time.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <fstream>
#include <thread>

#include "scene.h"
#include "support/temp_dir.h"

namespace weir::test {
namespace {

using namespace std::chrono_literals;

const std::string kPreload = "LD_PRELOAD=" WEIR_TEST_SURROUNDINGS;

// --- the resolver

class ResolverFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    WEIR_ONLY("nginx knows no zk_cluster");
    heal();
  }
  /// Each name stands for the server of that number again.
  void heal() {
    std::string text;
    for (std::size_t i = 0; i < ZooKeeperEnsemble::kSize; ++i) text += name(i) + " 127.0.0." + std::to_string(i + 1) + "\n";
    say(text);
  }
  void refuse() { say(name(0) + "\n" + name(1) + "\n" + name(2) + "\n"); }
  void be_silent() { say("silent\n"); }

  static std::string name(std::size_t i) { return "zk" + std::to_string(i + 1) + ".test"; }
  std::string joined_addresses() const {
    std::string all;
    for (const std::string& address : ensemble_.addresses()) all += (all.empty() ? "" : ",") + address;
    return all;
  }
  std::string names() const {
    const std::string first = ensemble_.addresses().front(), port = first.substr(first.find(':'));
    std::string all;
    for (std::size_t i = 0; i < ZooKeeperEnsemble::kSize; ++i) all += (all.empty() ? "" : " ") + name(i) + port;
    return all;
  }
  WeirOptions options() const { return {.environment = {kPreload, "TEST_HOSTS_FILE=" + file_}}; }

  static std::size_t sessions(const WeirProcess& weir) {
    const std::string text = weir.get("/discovery").text();
    const std::size_t at = text.find("sessions: ");
    return at == text.npos ? 0 : std::stoul(text.substr(at + 10));
  }
  /// Stands still until the session is over, so that a new one is needed.
  void lose_the_session(Scene& scene) {
    const std::size_t before = sessions(*scene.weir);
    scene.weir->signal(SIGSTOP);
    std::this_thread::sleep_for(is_long() ? 10s : 2s);
    scene.weir->signal(SIGCONT);
    EXPECT_TRUE(wait_until([&] { return sessions(*scene.weir) > before; }, 60s)) << scene.weir->error_log();
  }

  ZooKeeperEnsemble ensemble_;

 private:
  /// Whole or not at all: the proxy may be reading it.
  void say(const std::string& text) {
    const std::string fresh = dir_.write("fresh", text);
    std::filesystem::rename(fresh, file_);
  }
  TempDir dir_{"hosts"};
  const std::string file_ = (dir_.path() / "hosts").string();
};

TEST_F(ResolverFaults, TheNamesOfTheEnsembleDoNotResolveAnyMore) {
  Scene scene(joined_addresses(), names(), options());
  for (const bool silent : {false, true}) {
    SCOPED_TRACE(silent ? "no answer" : "an error");
    silent ? be_silent() : refuse();
    if (is_long()) std::this_thread::sleep_for(60s);
    ASSERT_TRUE(scene.load->wait_for(300));
    scene.follows_news();
    lose_the_session(scene);
    ASSERT_TRUE(scene.load->wait_for(300));
    scene.follows_news();
    ZooKeeperServer& leader = ensemble_.server(ensemble_.leader());
    leader.kill();
    ASSERT_TRUE(scene.load->wait_for(300));
    scene.follows_news();
    leader.start();
    ensemble_.leader();
    heal();
    lose_the_session(scene);
    scene.follows_news();
  }
}

TEST_F(ResolverFaults, AStartWhileTheyDoNotResolveServesFromTheCacheAndFollowsLater) {
  Scene scene(joined_addresses(), names(), options());
  ASSERT_TRUE(scene.load->wait_for(100));
  refuse();
  scene.restart();
  EXPECT_TRUE(scene.serves({"a", "b", "c"}));
  EXPECT_TRUE(scene.weir->logs("no server of the ensemble"));
  EXPECT_NE(scene.weir->get("/discovery").text().find("state: cached"), std::string::npos);
  ASSERT_TRUE(scene.load->wait_for(300));
  heal();
  scene.follows_news();
}

// --- the wall clock

class ClockFaults : public ::testing::Test {
 protected:
  ClockFaults() {
    set(0h);
    server_.stop();
    server_.set_environment(environment());
    server_.start();
  }
  void SetUp() override { WEIR_ONLY("nginx knows no zk_cluster"); }
  std::vector<std::string> environment() const { return {kPreload, "TEST_CLOCK_FILE=" + file_}; }
  /// So far off is the clock of the proxy and of the registry from now on.
  void set(std::chrono::seconds offset) {
    const std::int64_t seconds = offset.count();
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.write(reinterpret_cast<const char*>(&seconds), sizeof seconds);
  }
  static std::string date(const WeirProcess& weir) { return weir.get("/").field("Date"); }

  TempDir dir_{"clock"};
  const std::string file_ = dir_.write("offset", std::string(8, '\0'));
  ZooKeeperServer server_;
};

TEST_F(ClockFaults, TheClockIsSetByHoursAndDaysEitherWay) {
  Scene scene(server_.address(), server_.address(), {.environment = environment()});
  const std::string date_before = date(*scene.weir).substr(0, 16);
  for (const std::chrono::hours offset : {3h, -5h, 24h * 400, -24h * 400, 0h}) {
    SCOPED_TRACE(offset.count());
    set(offset);
    // The proxy itself shows the other day, so the step has arrived.
    if (std::chrono::abs(offset) > 24h) {
      EXPECT_TRUE(wait_until([&] { return date(*scene.weir).substr(0, 16) != date_before; })) << date(*scene.weir);
    }
    ASSERT_TRUE(scene.load->wait_for(500));
    if (is_long()) std::this_thread::sleep_for(15s);
    EXPECT_TRUE(scene.serves({"a", "b", "c"}));
    scene.follows_news();
    const std::string told = scene.weir->get("/discovery").text();
    EXPECT_NE(told.find("held: 0"), std::string::npos) << told;
    EXPECT_NE(told.find("sessions: 1,"), std::string::npos) << "the session lived on: " << told;
  }
}

TEST_F(ClockFaults, TheClockIsSetWhileTheRegistryIsAway) {
  Scene scene(server_.address(), server_.address(), {.environment = environment()});
  for (const std::chrono::hours offset : {7h, -7h}) {
    server_.stop();
    set(offset);
    ASSERT_TRUE(scene.load->wait_for(500));
    if (is_long()) std::this_thread::sleep_for(30s);
    server_.start();
    scene.follows_news();
  }
}

}  // namespace
}  // namespace weir::test
