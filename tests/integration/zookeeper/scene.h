// A registry with three members, the proxy that follows it, and a load that must not notice what a test does to it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"
#include "support/zookeeper_nodes.h"
#include "support/zookeeper_server.h"

namespace weir::test {

inline bool is_long() { return std::getenv("WEIR_LONG") != nullptr; }

inline const std::string kMembers = "/weir/group/members/";
inline const std::string kStatic = "/weir/group/static/";

// Everything as it is by default, except that a session is short, so that its end comes soon.
inline constexpr const char* kSceneConfig = R"(
    keepalive_requests 1000000;
    upstream group { least_conn; zk_cluster %zk%; zk_session 1s; zk_cache %cache%; }
    server { location / { proxy_pass http://group; } location = /discovery { zk_status; } })";

/// A registry, three backends that are its members, a proxy and a load. Torn down, it says whether a request was lost.
class Scene {
 public:
  /// `servers`: `ip:port,…`; `servers_of_config`: as zk_cluster has them.
  Scene(std::string servers, std::string servers_of_config, WeirOptions options = {})
      : servers_(std::move(servers)), values_{{"zk", std::move(servers_of_config)}, {"cache", (cache_.path() / "group").string()}}, options_(std::move(options)) {
    nodes_ = std::make_unique<ZooKeeperNodes>(servers_);
    for (FakeBackend* backend : {&a, &b, &c}) nodes_->create_ephemeral(kMembers + backend->address());
    weir = std::make_unique<WeirProcess>(kSceneConfig, values_, options_);
    EXPECT_TRUE(serves({"a", "b", "c"}));
    load = std::make_unique<LoadGenerator>(weir->address());
  }
  ~Scene() { end_load(); }

  /// Waits until exactly these answer.
  bool serves(std::vector<std::string> names) const {
    std::ranges::sort(names);
    return wait_until([&] {
      std::vector<std::string> seen;
      for (int i = 0; i < 30; ++i) {
        const std::string name = weir->get("/").field("X-Backend");
        if (std::ranges::find(seen, name) == seen.end()) seen.push_back(name);
      }
      std::ranges::sort(seen);
      return seen == names;
    }, std::chrono::seconds(60));
  }
  /// Whether news from the registry still reaches the proxy: one more is made a member, and taken out again.
  void follows_news() {
    const std::string node = kStatic + d.address();
    EXPECT_TRUE(wait_until([&] { return tries([&](ZooKeeperNodes& nodes) { nodes.create(node); }); }, std::chrono::seconds(60)));
    EXPECT_TRUE(serves({"a", "b", "c", "d"})) << weir->error_log();
    EXPECT_TRUE(wait_until([&] { return tries([&](ZooKeeperNodes& nodes) { nodes.remove(node); }); }, std::chrono::seconds(60)));
    EXPECT_TRUE(serves({"a", "b", "c"})) << weir->error_log();
  }
  /// As an operator would: with a session of his own, again until it works.
  template <class Do>
  bool tries(Do something) const {
    try {
      ZooKeeperNodes nodes(servers_);
      something(nodes);
      return true;
    } catch (const std::runtime_error&) {
      return false;
    }
  }
  void end_members_session() { nodes_.reset(); }
  ZooKeeperNodes& nodes() { return *nodes_; }
  /// Another proxy takes the place of this one, with its cache. The load so far must not have lost anything.
  void restart() {
    end_load();
    weir.reset();
    weir = std::make_unique<WeirProcess>(kSceneConfig, values_, options_);
    load = std::make_unique<LoadGenerator>(weir->address());
  }

  FakeBackend a = FakeBackend::echoing("a"), b = FakeBackend::echoing("b"), c = FakeBackend::echoing("c"),
              d = FakeBackend::echoing("d");
  std::unique_ptr<WeirProcess> weir;
  std::unique_ptr<LoadGenerator> load;

 private:
  void end_load() {
    const LoadResult result = load->finish();
    EXPECT_EQ(result.failed, 0u) << result.summary() << weir->error_log();
    EXPECT_GT(result.ok, 0u);
  }

  const TempDir cache_{"cache"};
  const std::string servers_;
  const Values values_;
  const WeirOptions options_;
  std::unique_ptr<ZooKeeperNodes> nodes_;
};

}  // namespace weir::test
