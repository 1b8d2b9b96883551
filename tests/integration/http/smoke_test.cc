// The shortest way through the proxy, and through the fixtures every other test uses.
#include <gtest/gtest.h>

#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

TEST(Smoke, ForwardsARequestAndItsAnswer) {
  FakeBackend app = FakeBackend::answering({.status = 201, .body = "made", .fields = {{"X-App", "yes"}}});
  WeirProcess weir("server { location / { proxy_pass http://%app%; } }", {{"app", app.address()}});
  const HttpResponse response = weir.get("/a/b?c=d", {{"X-Mine", "1"}});
  EXPECT_EQ(response.status, 201);
  EXPECT_EQ(response.text(), "made");
  EXPECT_EQ(response.field("X-App"), "yes");
  ASSERT_EQ(app.request_count(), 1u);
  EXPECT_EQ(app.last_request().target, "/a/b?c=d");
  EXPECT_EQ(app.last_request().field("X-Mine"), "1");
}

TEST(Smoke, HoldsLoadWithoutAFailure) {
  FakeBackend one = FakeBackend::echoing("one");
  FakeBackend two = FakeBackend::echoing("two");
  WeirProcess weir(R"(
      upstream app { server %one%; server %two%; }
      server { location / { proxy_pass http://app; } })",
                   {{"one", one.address()}, {"two", two.address()}});
  LoadGenerator load(weir.address());
  EXPECT_TRUE(load.wait_for(500));
  const LoadResult result = load.finish();
  EXPECT_EQ(result.failed, 0u) << result.summary();
  EXPECT_GT(result.by_backend.at("one"), result.ok / 3) << result.summary();
  EXPECT_GT(result.by_backend.at("two"), result.ok / 3) << result.summary();
}

TEST(Smoke, StopsOnSigtermWithExitCodeZero) {
  WeirProcess weir("server { location / { return 200 hello; } }");
  EXPECT_EQ(weir.get("/").text(), "hello");
  EXPECT_EQ(weir.stop(), 0);
}

}  // namespace
}  // namespace weir::test
