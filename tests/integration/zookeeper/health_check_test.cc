// health_check and match for members that live in ZooKeeper: asked like any other server, wherever they came from.
#include <gtest/gtest.h>

#include <atomic>

#include "served_by.h"
#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"
#include "support/zookeeper_nodes.h"
#include "support/zookeeper_server.h"

namespace weir::test {
namespace {

/// A member that answers requests, and checks (`/health`) as it is told.
class CheckedMember {
 public:
  explicit CheckedMember(const std::string& name)
      : backend_(FakeBackend::handling([this, name](BackendConnection& connection, const HttpRequest& request) {
          const bool is_check = request.target == "/health";
          ++(is_check ? checks_ : requests_);
          Answer answer{.body = is_check ? says_.load() : name + " " + request.method + " " + request.target,
                        .fields = {{"X-Backend", name}}};
          if (request.has("X-Id")) answer.fields.emplace_back("X-Id", request.field("X-Id"));
          connection.answer(answer, request.method);
        })) {}

  /// What checks are answered with.
  void says(const char* text) { says_ = text; }
  int checks() const { return checks_; }
  int requests() const { return requests_; }
  std::string address() const { return backend_.address(); }
  FakeBackend& backend() { return backend_; }

 private:
  std::atomic<const char*> says_{"up"};
  std::atomic<int> checks_{0}, requests_{0};
  FakeBackend backend_;
};

class CheckedMembers : public ::testing::Test {
 protected:
  void SetUp() override { WEIR_ONLY("nginx knows no zk_cluster"); }

  void announce(const CheckedMember& member, const std::string& fields = {}) {
    nodes_.create_ephemeral(node(member, fields));
  }
  void withdraw(const CheckedMember& member) { nodes_.remove(node(member)); }
  static std::string node(const CheckedMember& member, const std::string& fields = {}) {
    return "/weir/group/members/" + member.address() + fields;
  }
  /// The configuration, with a check of these parameters. What is taken away by hand is gone at once.
  static std::string config(const std::string& check, const std::string& method = "round_robin") {
    return "keepalive_requests 1000000; match up { body ~ up; } upstream group { " + method +
           R"(; zk_cluster %zk%; zk_vanish trust; zk_damp off; }
        server { location / { proxy_pass http://group; health_check uri=/health match=up )" + check + "; } }";
  }
  Values values() const { return {{"zk", server_.address()}}; }

  ZooKeeperServer server_;
  ZooKeeperNodes nodes_{server_.address()};
  CheckedMember a_{"a"}, b_{"b"}, c_{"c"};
};

TEST_F(CheckedMembers, GetNothingWhileTheyFailAndAreBackWhenTheyPass) {
  announce(a_);
  announce(b_);
  WeirProcess weir(config("interval=50ms fails=2 passes=2"), values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  LoadGenerator load(weir.address());
  b_.says("down");
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" does not work: the body does not match \"up\""));
  EXPECT_TRUE(served_by(weir, {"a"}));
  const int before = b_.requests();
  ASSERT_TRUE(load.wait_for(200));
  EXPECT_EQ(b_.requests(), before);
  b_.says("up");
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" works"));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(CheckedMembers, StayOutWhateverElseChangesAboutTheMembership) {
  announce(a_);
  announce(b_);
  WeirProcess weir(config("interval=50ms persistent"), values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  b_.says("down");
  ASSERT_TRUE(served_by(weir, {"a"}));
  announce(c_);  // another joins
  EXPECT_TRUE(served_by(weir, {"a", "c"}));
  nodes_.rename(node(b_), node(b_, ",w=50"));  // its own weight changes
  const int checks = b_.checks();
  EXPECT_TRUE(wait_until([&] { return b_.checks() >= checks + 5; })) << "it is still asked";
  EXPECT_TRUE(served_by(weir, {"a", "c"}));
  withdraw(a_);
  EXPECT_TRUE(served_by(weir, {"c"}));
  b_.says("up");
  EXPECT_TRUE(served_by(weir, {"b", "c"}));
}

TEST_F(CheckedMembers, AreAskedAsSoonAsTheyJoinAndNoMoreWhenTheyHaveLeft) {
  announce(a_);
  WeirProcess weir(config("interval=1h"), values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  b_.says("down");
  announce(b_);
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" does not work"));
  EXPECT_TRUE(served_by(weir, {"a"}));
  withdraw(b_);
  announce(c_);
  EXPECT_TRUE(served_by(weir, {"a", "c"}));
  EXPECT_EQ(b_.checks(), 1);
}

TEST_F(CheckedMembers, HaveToProveThemselvesFirstIfThatIsMandatory) {
  announce(a_);
  WeirProcess weir(config("interval=50ms mandatory"), values());
  ASSERT_TRUE(served_by(weir, {"a"}));
  LoadGenerator load(weir.address());
  b_.says("starting");
  announce(b_);
  EXPECT_TRUE(weir.logs("health check: " + b_.address() + " of upstream \"group\" does not work yet"));
  ASSERT_TRUE(load.wait_for(200));
  EXPECT_EQ(b_.requests(), 0);
  b_.says("up");
  EXPECT_TRUE(served_by(weir, {"a", "b"}));
  // A member that leaves and comes back is a newcomer again.
  b_.says("starting");
  withdraw(b_);
  ASSERT_TRUE(served_by(weir, {"a"}));
  const int before = b_.requests();
  announce(b_);
  const int checks = b_.checks();
  EXPECT_TRUE(wait_until([&] { return b_.checks() >= checks + 3; }));
  EXPECT_EQ(b_.requests(), before);
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
}

TEST_F(CheckedMembers, AreAskedAtOnceWhenARequestFails) {
  for (CheckedMember* member : {&a_, &b_, &c_}) announce(*member);
  WeirProcess weir(config("interval=1h", "least_conn"), values());
  ASSERT_TRUE(served_by(weir, {"a", "b", "c"}));
  ASSERT_TRUE(wait_until([&] { return a_.checks() == 1 && b_.checks() == 1 && c_.checks() == 1; }));
  b_.backend().stop();
  // Whoever failed is asked, and those that have nothing to do at that moment.
  EXPECT_TRUE(wait_until([&] {
    EXPECT_EQ(weir.get("/").status, 200);
    return weir.error_log().find("health check: " + b_.address() + " of upstream \"group\" does not work: connect() failed") !=
           std::string::npos;
  })) << weir.error_log();
  EXPECT_TRUE(wait_until([&] { return a_.checks() + c_.checks() >= 3; }));
}

TEST_F(CheckedMembers, OutlastTheRegistryAndAReload) {
  announce(a_);
  announce(b_);
  const std::string text = config("interval=50ms persistent");
  WeirProcess weir(text, values());
  ASSERT_TRUE(served_by(weir, {"a", "b"}));
  b_.says("down");
  ASSERT_TRUE(served_by(weir, {"a"}));
  server_.kill();
  weir.reload(text);
  EXPECT_TRUE(weir.logs("generation 2 of the configuration is in force"));
  const int before = b_.requests();
  for (int i = 0; i < 12; ++i) EXPECT_EQ(weir.get("/").field("X-Backend"), "a");
  EXPECT_EQ(b_.requests(), before);
  a_.says("down");
  b_.says("up");
  EXPECT_TRUE(served_by(weir, {"b"})) << "checks go on without the registry";
}

}  // namespace
}  // namespace weir::test
