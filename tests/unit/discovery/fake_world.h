// One upstream kept in an in-memory registry, watched by the real machinery under a clock that the test moves.
#pragma once

#include "session/ensemble.h"
#include "source/membership_keeper.h"
#include "testing/fake_registry.h"
#include "testing/virtual_executor.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::discovery {

struct FakeWorld {
  static constexpr std::chrono::milliseconds kTimeout{6000};

  explicit FakeWorld(std::uint32_t seed = 1) : registry(executor, seed) {
    config.servers = {"127.0.0.1:2181"};
    config.path = "/weir/app";
    config.session_timeout = kTimeout;
    ensemble = make_ensemble();
  }
  ~FakeWorld() {
    if (keeper) keeper->end();
    executor->clear();
  }

  std::unique_ptr<Ensemble> make_ensemble() {
    const auto log = [this](Severity, std::string_view text) { note(text); };
    return std::make_unique<Ensemble>(
        executor, Ensemble::Settings{.servers = parse_servers(config.servers), .session_timeout = kTimeout, .seed = ++ensembles},
        registry.factory(), log);
  }

  void watch(HealthWitness witness = {}, std::optional<MembershipKeeper::Known> known = {}) {
    const auto sink = [this](balancer::Members members) { announced.push_back(std::move(members)); };
    const auto log = [this](Severity, std::string_view text) { note(text); };
    keeper = std::make_unique<MembershipKeeper>(*executor, *ensemble, config,
                                                MembershipKeeper::Parts{.sink = sink,
                                                                        .log = log,
                                                                        .witness = std::move(witness),
                                                                        .look_up = look_up(),
                                                                        .status = status,
                                                                        .disk = executor,
                                                                        .wall_clock = [this] { return wall_clock(); }});
    keeper->begin(std::move(known));
  }

  void note(std::string_view text) {
    lines.push_back(std::to_string(executor->now().time_since_epoch() / std::chrono::milliseconds(1)) + " " +
                    std::string(text));
  }
  void pass(Clock::duration duration) { executor->advance(duration); }

  /// What the name servers say, after a millisecond; of names they do not know, that these do not exist.
  HostLookUp look_up() {
    return [this](const std::string& host, auto done) {
      ++look_ups[host];
      if (are_name_servers_silent) return;
      const auto known = hosts.find(host);
      const HostAnswer answer = do_name_servers_fail ? HostAnswer{.error = "server failure"}
                                : known == hosts.end() ? HostAnswer{.error = "no such host"}
                                                       : known->second;
      executor->after(std::chrono::milliseconds(1), [done, answer] { done(answer); });
    };
  }

  /// A clock on the wall: that of the executor, and as wrong as it was set.
  WallTime wall_clock() const {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(executor->now().time_since_epoch()) + wall_offset);
  }
  void set_policy(const std::string& text) {
    if (!registry.write("/weir/app/policy", text)) registry.create("/weir/app/policy", 0, text);
  }

  void join(const std::string& name, std::int64_t session = 0) { registry.create("/weir/app/members/" + name, session); }
  void leave(const std::string& name) { registry.remove("/weir/app/members/" + name); }

  /// Addresses in the last announcement.
  std::vector<std::string> members() const {
    std::vector<std::string> addresses;
    if (announced.empty()) return {"nothing was announced"};
    for (const auto& member : announced.back()) addresses.push_back(member.address);
    return addresses;
  }
  const balancer::Member& member(const std::string& address) const {
    const auto& last = announced.back();
    return *std::find_if(last.begin(), last.end(), [&](const auto& member) { return member.address == address; });
  }
  std::size_t lines_with(const std::string& text) const {
    return static_cast<std::size_t>(
        std::count_if(lines.begin(), lines.end(), [&](const auto& line) { return line.find(text) != line.npos; }));
  }

  std::uint32_t ensembles = 0;
  std::map<std::string, HostAnswer> hosts;
  std::map<std::string, int> look_ups;
  bool are_name_servers_silent = false, do_name_servers_fail = false;
  std::chrono::hours wall_offset{400'000};
  std::shared_ptr<VirtualExecutor> executor = std::make_shared<VirtualExecutor>();
  FakeRegistry registry;
  ZooKeeperConfig config;
  std::unique_ptr<Ensemble> ensemble;
  std::shared_ptr<SharedStatus> status = std::make_shared<SharedStatus>();
  std::unique_ptr<MembershipKeeper> keeper;
  std::vector<balancer::Members> announced;
  std::vector<std::string> lines;
};

using Addresses = std::vector<std::string>;

}  // namespace weir::discovery
