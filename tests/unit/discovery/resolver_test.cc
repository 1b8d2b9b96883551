#include "session/resolver.h"

#include "session/thread_executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

class ResolverTest : public testing::Test {
 protected:
  /// A resolver lives on the executor, and so it ends there.
  struct OnExecutor {
    OnExecutor(std::shared_ptr<ThreadExecutor> executor, LookUp look_up)
        : where(std::move(executor)), resolver(std::make_unique<Resolver>(where, std::move(look_up))) {}
    ~OnExecutor() {
      where->run([this] { resolver.reset(); });
    }
    std::shared_ptr<ThreadExecutor> where;
    std::unique_ptr<Resolver> resolver;
  };

  std::string resolve(OnExecutor& on_executor, std::vector<std::string> servers, Clock::duration patience = 10s) {
    auto promise = std::make_shared<std::promise<std::string>>();
    executor->run([&] {
      on_executor.resolver->resolve(parse_servers(servers), patience, [promise](std::string text) { promise->set_value(text); });
    });
    auto answer = promise->get_future();
    return answer.wait_for(20s) == std::future_status::ready ? answer.get() : "no answer";
  }
  ~ResolverTest() override { executor->stop(); }

  std::shared_ptr<ThreadExecutor> executor = std::make_shared<ThreadExecutor>("test");
};

TEST_F(ResolverTest, PassesLiteralsOnWithoutLookingThemUp) {
  OnExecutor resolver(executor, [](const std::string& host) -> std::vector<std::string> {
    ADD_FAILURE() << "looked up " << host;
    return {};
  });
  EXPECT_EQ(resolve(resolver, {"10.0.0.2", "10.0.0.1:99", "[::1]"}), "10.0.0.1:99,10.0.0.2:2181,[::1]:2181");
}

TEST_F(ResolverTest, SkipsANameThatDoesNotResolve) {
  OnExecutor resolver(executor, [](const std::string& host) -> std::vector<std::string> {
    if (host == "good") return {"10.0.0.1", "10.0.0.2"};
    return {};
  });
  EXPECT_EQ(resolve(resolver, {"good", "bad"}), "10.0.0.1:2181,10.0.0.2:2181");
  EXPECT_EQ(resolve(resolver, {"bad"}), "");
}

TEST_F(ResolverTest, UsesWhatANameLastResolvedTo) {
  std::atomic<bool> is_broken = false;
  OnExecutor resolver(executor, [&](const std::string&) -> std::vector<std::string> {
    if (is_broken) return {};
    return {"10.0.0.1"};
  });
  EXPECT_EQ(resolve(resolver, {"name"}), "10.0.0.1:2181");
  is_broken = true;
  EXPECT_EQ(resolve(resolver, {"name"}), "10.0.0.1:2181");
}

TEST_F(ResolverTest, DoesNotWaitForAResolverThatHangs) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  const auto calls = std::make_shared<std::atomic<int>>(0);
  {
    OnExecutor resolver(executor, [released, calls](const std::string&) -> std::vector<std::string> {
      ++*calls;
      released.wait();
      return {"10.0.0.1"};
    });
    EXPECT_EQ(resolve(resolver, {"name"}, 20ms), "");
    EXPECT_EQ(resolve(resolver, {"name"}, 20ms), "");
    EXPECT_EQ(*calls, 1);  // and no second thread gets stuck in it
    release.set_value();
    EXPECT_EQ(resolve(resolver, {"name"}), "10.0.0.1:2181");
  }
}

}  // namespace
}  // namespace weir::discovery
