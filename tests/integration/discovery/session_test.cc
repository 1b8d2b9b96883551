// What a session is held to, whoever it is with: the C client with a real server, and the fake with the registry in memory.
// What holds for one only is no part of the interface, and nobody may rely on it.
#include <gtest/gtest.h>

#include "session/c_client.h"
#include "session/thread_executor.h"
#include "support/wait.h"
#include "support/zookeeper_server.h"
#include "testing/fake_registry.h"
#include "testing/virtual_executor.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

/// Where sessions are made, and who they are with.
class Side {
 public:
  virtual ~Side() = default;
  virtual std::unique_ptr<Session> make(std::chrono::milliseconds timeout) = 0;
  /// Runs `task` on the executor, now.
  virtual void run(const std::function<void()>& task) = 0;
  /// Lets time pass until `condition`, which is asked on the executor, holds; false if it never does.
  virtual bool until(const std::function<bool()>& condition) = 0;
  virtual void pass(std::chrono::milliseconds time) = 0;
  virtual void go_down() = 0;
  virtual void come_back() = 0;
  virtual void wipe() = 0;
};

class RealSide final : public Side {
 public:
  ~RealSide() override { executor_->stop(); }
  std::unique_ptr<Session> make(std::chrono::milliseconds timeout) override {
    return std::make_unique<CClient>(executor_, server_.address(), timeout, ZooKeeperAuth{});
  }
  void run(const std::function<void()>& task) override { executor_->run(task); }
  bool until(const std::function<bool()>& condition) override {
    return test::wait_until([&] {
      bool holds = false;
      executor_->run([&] { holds = condition(); });
      return holds;
    });
  }
  void pass(std::chrono::milliseconds time) override { std::this_thread::sleep_for(time); }
  void go_down() override { server_.kill(); }
  void come_back() override { server_.start(); }
  void wipe() override { server_.wipe(); }

 private:
  test::ZooKeeperServer server_;
  std::shared_ptr<ThreadExecutor> executor_ = std::make_shared<ThreadExecutor>("session-test");
};

class FakeSide final : public Side {
 public:
  ~FakeSide() override { executor_->clear(); }
  std::unique_ptr<Session> make(std::chrono::milliseconds timeout) override { return registry_.factory()("", timeout); }
  void run(const std::function<void()>& task) override { task(); }
  bool until(const std::function<bool()>& condition) override {
    for (int i = 0; i < 10'000 && !condition(); ++i) executor_->advance(10ms);
    return condition();
  }
  void pass(std::chrono::milliseconds time) override { executor_->advance(time); }
  void go_down() override { registry_.go_down(); }
  void come_back() override { registry_.come_back(); }
  void wipe() override { registry_.wipe(); }

 private:
  std::shared_ptr<VirtualExecutor> executor_ = std::make_shared<VirtualExecutor>();
  FakeRegistry registry_{executor_};
};

class SessionContract : public testing::TestWithParam<const char*> {
 protected:
  SessionContract() {
    if (GetParam() == std::string("real")) side_ = std::make_unique<RealSide>();
    else side_ = std::make_unique<FakeSide>();
  }
  ~SessionContract() override {
    side_->run([&] { clients_.clear(); });
    if (GetParam() == std::string("real")) CClient::wait_until_closed(10s);
  }

  /// A session and the states it went through.
  struct Client {
    std::unique_ptr<Session> session;
    std::vector<SessionState> states;
  };
  Client& connect(std::chrono::milliseconds timeout = 4s) {
    Client& client = *clients_.emplace_back(std::make_unique<Client>());
    side_->run([&] {
      client.session = side_->make(timeout);
      client.session->connect([&client](SessionState state) { client.states.push_back(state); });
    });
    EXPECT_TRUE(comes_to(client, SessionState::Connected));
    return client;
  }
  bool comes_to(Client& client, SessionState state) {
    return side_->until([&] { return client.session->state() == state; });
  }
  void close(Client& client) {
    side_->run([&] { client.session.reset(); });
  }

  /// Asks by `ask(session, done)` and waits for the answer.
  template <class Result, class Ask>
  Result answer(Client& client, Ask ask) {
    const auto result = std::make_shared<std::optional<Result>>();
    side_->run([&] {
      ask(*client.session, [result](Result got) { *result = std::move(got); });
      EXPECT_FALSE(result->has_value()) << "never from within the call";
    });
    EXPECT_TRUE(side_->until([&] { return result->has_value(); }));
    return result->has_value() ? **result : Result{};
  }
  Listing list(Client& client, const std::string& path, Session::Watch watch = {}) {
    return answer<Listing>(client, [&](Session& session, auto done) { session.list(path, watch, done); });
  }
  Existence exists(Client& client, const std::string& path, Session::Watch watch = {}) {
    return answer<Existence>(client, [&](Session& session, auto done) { session.exists(path, watch, done); });
  }
  NodeData get(Client& client, const std::string& path, Session::Watch watch = {}) {
    return answer<NodeData>(client, [&](Session& session, auto done) { session.get(path, watch, done); });
  }
  Code set(Client& client, const std::string& path, const std::string& data, int version = -1) {
    return answer<Code>(client, [&](Session& session, auto done) { session.set(path, data, version, done); });
  }
  Code multi(Client& client, const std::vector<Operation>& operations) {
    return answer<Code>(client, [&](Session& session, auto done) { session.multi(operations, done); });
  }
  Code create(Client& client, const std::string& path, const std::string& data = {}) {
    return multi(client, {Operation::create(path, data)});
  }
  Code remove(Client& client, const std::string& path) { return multi(client, {Operation::remove(path)}); }

  /// A watcher that counts; `fired` waits until it fired so often, and then for a moment whether it does once more.
  struct Counted {
    int count = 0;
    std::shared_ptr<Session::Watcher> watcher = std::make_shared<Session::Watcher>([this] { ++count; });
  };
  ::testing::AssertionResult fired(const Counted& counted, int times) {
    side_->until([&] { return counted.count >= times; });
    side_->pass(100ms);
    int count = 0;
    side_->run([&] { count = counted.count; });
    if (count == times) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << "fired " << count << " times";
  }

  std::unique_ptr<Side> side_;
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_P(SessionContract, ConnectsAndHasAnIdOfItsOwn) {
  Client& one = connect();
  Client& two = connect();
  side_->run([&] {
    EXPECT_EQ(one.states, (std::vector<SessionState>{SessionState::Connected}));
    EXPECT_NE(one.session->client_id(), 0);
    EXPECT_NE(one.session->client_id(), two.session->client_id());
    EXPECT_EQ(one.session->timeout(), 4s);
  });
}

TEST_P(SessionContract, SaysHowAnOperationEnded) {
  Client& client = connect();
  EXPECT_EQ(create(client, "/a/b"), Code::NoNode) << "a parent is missing";
  EXPECT_EQ(create(client, "/a", "one"), Code::Ok);
  EXPECT_EQ(create(client, "/a"), Code::NodeExists);
  EXPECT_EQ(create(client, "/a/b"), Code::Ok);
  EXPECT_EQ(remove(client, "/a"), Code::NotEmpty);
  EXPECT_EQ(get(client, "/a").data, "one");
  EXPECT_EQ(get(client, "/nobody").code, Code::NoNode);
  EXPECT_EQ(list(client, "/nobody").code, Code::NoNode);
  EXPECT_EQ(exists(client, "/nobody").code, Code::NoNode);
  EXPECT_EQ(set(client, "/nobody", "x"), Code::NoNode);
  EXPECT_EQ(set(client, "/a", "two", 0), Code::Ok);
  EXPECT_EQ(set(client, "/a", "three", 0), Code::BadVersion);
  EXPECT_EQ(multi(client, {Operation::remove("/a/b", 7)}), Code::BadVersion);
  EXPECT_EQ(get(client, "/a").data, "two");
  EXPECT_EQ(get(client, "/a").stat.version, 1);
  EXPECT_EQ(remove(client, "/a/b"), Code::Ok);
  EXPECT_EQ(answer<Code>(client, [](Session& session, auto done) { session.sync("/a", done); }), Code::Ok);
}

TEST_P(SessionContract, TellsByItsStampsWhatHappenedToANode) {
  Client& client = connect();
  create(client, "/a");
  const NodeStat made = exists(client, "/a").stat;
  create(client, "/a/b");
  const Listing with_child = list(client, "/a");
  EXPECT_EQ(with_child.names, Names{"b"});
  EXPECT_EQ(with_child.stat.czxid, made.czxid);
  EXPECT_GT(with_child.stat.pzxid, made.pzxid);
  EXPECT_EQ(with_child.stat.mzxid, made.mzxid);
  set(client, "/a", "x");
  EXPECT_GT(get(client, "/a").stat.mzxid, made.mzxid);
  remove(client, "/a/b");
  EXPECT_GT(exists(client, "/a").stat.pzxid, with_child.stat.pzxid);
  remove(client, "/a");
  create(client, "/a");
  EXPECT_GT(exists(client, "/a").stat.czxid, made.czxid) << "made anew, it is another";
  EXPECT_EQ(exists(client, "/a").stat.ephemeral_owner, 0);
}

TEST_P(SessionContract, DoesAllStepsOfAMultiOrNone) {
  Client& client = connect();
  create(client, "/a");
  EXPECT_EQ(multi(client, {Operation::create("/b"), Operation::create("/b/c"), Operation::create("/a")}), Code::NodeExists);
  EXPECT_EQ(exists(client, "/b").code, Code::NoNode);
  EXPECT_EQ(multi(client, {Operation::remove("/a"), Operation::create("/a", "again")}), Code::Ok);
  EXPECT_EQ(get(client, "/a").data, "again");
}

TEST_P(SessionContract, FiresAWatchOfChildrenOnceForEachTimeItIsSet) {
  Client& client = connect();
  Client& other = connect();
  create(other, "/a");
  Counted counted;
  list(client, "/a", counted.watcher);
  list(client, "/a", counted.watcher);  // the same watcher twice is one watch
  create(other, "/a/b");
  create(other, "/a/c");
  EXPECT_TRUE(fired(counted, 1));
  list(client, "/a", counted.watcher);
  set(other, "/a", "data is no child");
  EXPECT_TRUE(fired(counted, 1));
  remove(other, "/a/b");
  EXPECT_TRUE(fired(counted, 2));
  list(client, "/a", counted.watcher);
  multi(other, {Operation::remove("/a/c"), Operation::remove("/a")});
  EXPECT_TRUE(fired(counted, 3));
}

TEST_P(SessionContract, FiresAWatchOfANodeThatIsMadeWrittenOrRemoved) {
  Client& client = connect();
  Client& other = connect();
  Counted of_existence, of_data, of_nothing;
  EXPECT_EQ(exists(client, "/a", of_existence.watcher).code, Code::NoNode);
  EXPECT_EQ(get(client, "/a", of_nothing.watcher).code, Code::NoNode);
  create(other, "/a");
  EXPECT_TRUE(fired(of_existence, 1));
  exists(client, "/a", of_existence.watcher);
  get(client, "/a", of_data.watcher);
  create(other, "/a/child");
  set(other, "/a", "x");
  EXPECT_TRUE(fired(of_existence, 2));
  EXPECT_TRUE(fired(of_data, 1));
  exists(client, "/a", of_existence.watcher);
  get(client, "/a", of_data.watcher);
  multi(other, {Operation::remove("/a/child"), Operation::remove("/a")});
  EXPECT_TRUE(fired(of_existence, 3));
  EXPECT_TRUE(fired(of_data, 2));
  EXPECT_TRUE(fired(of_nothing, 0)) << "what failed sets no watch";
}

TEST_P(SessionContract, FiresNothingForAWatcherThatIsGone) {
  Client& client = connect();
  create(client, "/a");
  Counted stays;
  auto goes = std::make_unique<Counted>();
  list(client, "/a", stays.watcher);
  list(client, "/a", goes->watcher);
  side_->run([&] { goes.reset(); });
  create(client, "/a/b");
  EXPECT_TRUE(fired(stays, 1));
}

TEST_P(SessionContract, TakesItsEphemeralNodesWithItWhenItIsClosed) {
  Client& watching = connect();
  Client& owner = connect();
  create(watching, "/a");
  EXPECT_EQ(multi(owner, {Operation::create_ephemeral("/a/mine", "x")}), Code::Ok);
  std::int64_t id = 0;
  side_->run([&] { id = owner.session->client_id(); });
  EXPECT_EQ(exists(watching, "/a/mine").stat.ephemeral_owner, id);
  Counted counted;
  list(watching, "/a", counted.watcher);
  close(owner);
  EXPECT_TRUE(fired(counted, 1));
  EXPECT_TRUE(list(watching, "/a").names.empty());
}

TEST_P(SessionContract, CallsNobodyBackOnceItIsDestroyed) {
  Client& client = connect();
  int answers = 0;
  Counted counted;
  list(client, "/", counted.watcher);
  side_->run([&] {
    for (int i = 0; i < 100; ++i) client.session->exists("/", {}, [&](const Existence&) { ++answers; });
    client.session->create("/a", {}, [&](Code) { ++answers; });
    client.session.reset();
  });
  side_->pass(300ms);
  side_->run([&] {
    EXPECT_EQ(answers, 0);
    EXPECT_EQ(counted.count, 0);
  });
}

TEST_P(SessionContract, SurvivesAnOutageThatIsShorterThanItself) {
  Client& client = connect(20s);
  create(client, "/a");
  create(client, "/quiet");
  std::int64_t id = 0;
  side_->run([&] { id = client.session->client_id(); });
  Counted counted, quiet;
  list(client, "/a", counted.watcher);
  list(client, "/quiet", quiet.watcher);
  side_->go_down();
  EXPECT_TRUE(comes_to(client, SessionState::Connecting));
  EXPECT_EQ(list(client, "/a").code, Code::Lost);
  EXPECT_EQ(create(client, "/b"), Code::Lost);
  EXPECT_TRUE(fired(counted, 0)) << "a lost connection is no change";
  side_->come_back();
  EXPECT_TRUE(comes_to(client, SessionState::Connected));
  side_->run([&] {
    EXPECT_EQ(client.session->client_id(), id);
    EXPECT_EQ(client.states, (std::vector<SessionState>{SessionState::Connected, SessionState::Connecting,
                                                        SessionState::Connected}));
  });
  EXPECT_TRUE(fired(quiet, 0));
  create(client, "/a/b");
  EXPECT_TRUE(fired(counted, 1)) << "the watch was kept";
}

TEST_P(SessionContract, IsNeverToldThatAWipedRegistryDoesNotKnowIt) {
  Client& client = connect(1s);
  create(client, "/a");
  list(client, "/a");
  side_->go_down();
  ASSERT_TRUE(comes_to(client, SessionState::Connecting));
  side_->wipe();
  side_->come_back();
  side_->pass(3s);
  side_->run([&] { EXPECT_EQ(client.session->state(), SessionState::Connecting) << "so somebody else has to give it up"; });
  Client& another = connect(1s);
  EXPECT_EQ(exists(another, "/a").code, Code::NoNode);
}

INSTANTIATE_TEST_SUITE_P(Both, SessionContract, testing::Values("real", "fake"), [](const auto& test) { return test.param; });

}  // namespace
}  // namespace weir::discovery
