// A kept-alive proxied request makes no global allocation once the proxy is warm.
#include <gtest/gtest.h>

#include <cstring>

#include "support/backend_process.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

class Allocations : public ::testing::Test {
 protected:
  Allocations() { file_ = dir_.write("count", std::string(8, '\0')); }

  WeirOptions counting() const {
    return {.workers = 1, .environment = {"LD_PRELOAD=" WEIR_MALLOC_COUNTER, "MALLOC_COUNT_FILE=" + file_}};
  }
  std::uint64_t count() const {
    const std::string bytes = read_file(file_);
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data(), sizeof number);
    return number;
  }
  /// How many allocations `requests` more of these cost, when as many came before them.
  std::uint64_t cost_of(WeirProcess& weir, const Ask& ask, int requests = 500) const {
    HttpClient client = weir.client();
    for (int i = 0; i < requests; ++i) EXPECT_EQ(client.request(ask).status, 200);
    const auto before = count();
    EXPECT_GT(before, 0u) << "nothing is counted at all";
    for (int i = 0; i < requests; ++i) EXPECT_EQ(client.request(ask).status, 200);
    return count() - before;
  }

 private:
  TempDir dir_{"count"};
  std::string file_;
};

TEST_F(Allocations, AreNotMadeForAKeptAliveProxiedRequest) {
  WEIR_ONLY("nginx allocates from its pools");
  BackendProcess app("app");
  WeirProcess weir(R"(
      upstream group { least_conn; server %app%; }
      server {
        location / { proxy_pass http://group; }
        location /fields {
          proxy_pass http://group;
          proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          proxy_set_header X-Real-IP $remote_addr;
          add_header X-Upstream $upstream_addr;
        }
        location /own { return 200 "own $uri"; }
      })",
                   {{"app", app.address()}}, counting());
  // A few for the whole run may be housekeeping; one a request is the fault looked for.
  constexpr std::uint64_t kFew = 20;
  EXPECT_LT(cost_of(weir, {.target = "/"}), kFew);
  EXPECT_LT(cost_of(weir, {.target = "/fields?a=b", .fields = {{"X-Forwarded-For", "10.0.0.1"}, {"Cookie", "a=b"}}}),
            kFew);
  EXPECT_LT(cost_of(weir, {.method = "POST", .target = "/", .body = "a small body"}), kFew);
  EXPECT_LT(cost_of(weir, {.target = "/own"}), kFew);
}

}  // namespace
}  // namespace weir::test
