// Random scripts of faults, thousands of them, under a virtual clock. A failure prints its seed; running that seed
// alone repeats it exactly.

#include "agent/registration.h"

#include "fake_world.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

// A server with its own agent and its own session, like a real one.
struct Server {
  std::string address;     // where it serves
  std::string registered;  // the same, or by the name of its host
  std::unique_ptr<Ensemble> ensemble;
  std::unique_ptr<Registration> registration;
  bool is_well = true;
};

class Simulation {
 public:
  explicit Simulation(std::uint32_t seed) : random_(seed), world_(seed) {
    world_.watch();
    for (int i = 0; i < 3; ++i) start_server();
    world_.pass(2s);
  }

  /// The last things that happened, for a failure.
  std::string story() const {
    std::string text;
    for (std::size_t i = world_.lines.size() > 80 ? world_.lines.size() - 80 : 0; i < world_.lines.size(); ++i)
      text += "\n" + world_.lines[i];
    return text;
  }

  void run(int steps) {
    check_always();
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) {
      step();
      world_.pass(std::chrono::milliseconds(random_() % 4 == 0 ? random_() % 20'000 : random_() % 300));
      check_always();
    }
    world_.registry.come_back();
    world_.registry.freeze(false);
    world_.do_name_servers_fail = false;
    world_.set_policy(R"({"v":1})");
    // The longest of: noticing that a session is gone, coming back, and the time members are given to do so.
    world_.pass(1min);
    check_at_rest();
  }

 private:
  void start_server() {
    auto made = std::make_unique<Server>();
    Server& server = *made;
    const std::string port = ":" + std::to_string(next_port_++);
    server.registered = server.address = "10.0.0.1" + port;
    if (next_port_ % 3 == 0) {
      const std::string host = "host" + std::to_string(next_port_);
      world_.hosts[host] = {.addresses = {"10.0.0.1"}};
      server.registered = host + port;
    }
    server.ensemble = world_.make_ensemble();
    NativeName name;
    name.address = server.registered;
    const auto log = [this, address = server.address](Severity, std::string_view text) {
      world_.note(address + ": " + std::string(text));
    };
    server.registration = std::make_unique<Registration>(
        *world_.executor, *server.ensemble, Registration::Settings{.path = "/weir/app", .name = name, .seed = 1}, log);
    server.registration->want(true);
    servers_.push_back(std::move(made));
  }

  // The agent and its server end at once, without a word.
  void kill_server() {
    if (servers_.size() < 2) return;
    const std::size_t which = random_() % servers_.size();
    gone_.insert(servers_[which]->address);
    known_.erase(servers_[which]->address);
    servers_.erase(servers_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  void drain_server() {
    if (servers_.size() < 2) return;
    const std::size_t which = random_() % servers_.size();
    Server& server = *servers_[which];
    known_.erase(server.address);
    server.registration->drain([] {});
    world_.pass(50ms);
    server.registration->leave([] {});
    world_.pass(50ms);
    gone_.insert(server.address);
    servers_.erase(servers_.begin() + static_cast<std::ptrdiff_t>(which));
  }

  // It may be missing for a while. (The news may be under way for long.)
  void excuse(const Server& server) {
    known_.erase(server.address);
    excused_until_[server.address] = world_.executor->now() + 30s;
  }

  // Its check fails, or passes again; perhaps just as a connection is lost.
  void change_health(Server& server) {
    server.is_well = !server.is_well;
    excuse(server);
    if (!server.is_well) gone_.insert(server.address);
    server.registration->want(server.is_well);
    if (random_() % 2 == 0) return;
    world_.pass(std::chrono::microseconds(random_() % 3000));
    world_.registry.cut_connections();
  }

  void change_policy() {
    if (world_.registry.is_down()) return;
    const std::string& address = servers_[random_() % servers_.size()]->registered;
    switch (random_() % 6) {
      case 0: return world_.set_policy(R"({"v":1,"freeze":true})");
      case 1: return world_.set_policy(R"({"v":1,"unknown":true})");
      case 2: return world_.set_policy(R"({"v":1,"rules":[{"match":")" + address + R"(","drain":true}]})");
      case 3: return world_.set_policy(R"({"v":1,"split":[{"match":"v=2","percent":50}],"backup_below":0.5})");
      case 4: world_.registry.remove("/weir/app/policy"); return;
      case 5: return world_.set_policy(R"({"v":1})");
    }
  }

  // Another keeper goes on for this one.
  void reload() {
    world_.keeper->end();
    world_.watch({}, world_.keeper->known());
  }

  void step() {
    const auto kind = random_() % 17;
    constexpr const char* kKinds[] = {"start a server", "kill a server", "drain a server", "down", "back", "cut", "wipe",
                                      "save", "restore", "freeze or thaw", "expire the proxy", "expire a server", "garbage",
                                      "name servers fail or answer", "a check fails or passes", "another policy", "reload"};
    world_.lines.push_back(std::to_string(world_.executor->now().time_since_epoch() / 1ms) + " --- " + kKinds[kind]);
    switch (kind) {
      case 0: return start_server();
      case 1: return kill_server();
      case 2: return drain_server();
      case 3: return world_.registry.go_down();
      case 4: return world_.registry.come_back();
      case 5: return world_.registry.cut_connections();
      case 6: return world_.registry.wipe();
      case 7:
        was_saved_ = true;
        return world_.registry.save();
      case 8:
        if (!was_saved_) return;
        world_.registry.restore();
        // If others write to the older copy before we look, nothing shows that it is one (README, "Limits"): then those
        // it does not name, or names for a session that has ended since, are missed until they notice.
        for (const auto& server : servers_) {
          const Session* const session = server->ensemble->session();
          const std::int64_t owner = world_.registry.owner_of("/weir/app/members/" + server->registered);
          if (session == nullptr || owner != session->client_id()) excuse(*server);
        }
        return;
      case 9: return world_.registry.freeze(random_() % 2 == 0);
      case 10:
        if (world_.ensemble->session() != nullptr) world_.registry.expire(world_.ensemble->session()->client_id());
        return;
      case 11: {
        Server& server = *servers_[random_() % servers_.size()];
        if (server.ensemble->session() == nullptr) return;
        // Of a single member, the registry is believed, though it will be back.
        excuse(server);
        return world_.registry.expire(server.ensemble->session()->client_id());
      }
      case 12:
        if (world_.registry.is_down()) return;
        world_.join("garbage" + std::to_string(random_() % 5));
        return;
      case 13:
        world_.do_name_servers_fail = random_() % 2 == 0;
        return;
      case 14: return change_health(*servers_[random_() % servers_.size()]);
      case 15: return change_policy();
      case 16: return reload();
    }
  }

  // Of each announcement: sorted, each address once, and nobody missing who lives and was known.
  void check_always() {
    for (; checked_ < world_.announced.size(); ++checked_) {
      const auto& members = world_.announced[checked_];
      std::vector<std::string> addresses;
      for (const auto& member : members) addresses.push_back(member.address);
      ASSERT_TRUE(std::is_sorted(addresses.begin(), addresses.end()));
      ASSERT_TRUE(std::adjacent_find(addresses.begin(), addresses.end()) == addresses.end());
      for (const std::string& address : known_) {
        ASSERT_TRUE(std::binary_search(addresses.begin(), addresses.end(), address)) << address << " lives but was lost";
      }
      for (const auto& server : servers_) {
        const bool is_excused = !server->is_well || world_.executor->now() < excused_until_[server->address];
        const auto named = std::find_if(members.begin(), members.end(),
                                        [&](const auto& member) { return member.address == server->address; });
        // One that announced its leaving, and changed its mind while nobody could hear it, may go.
        if (named != members.end() && !named->draining && !is_excused) known_.insert(server->address);
      }
    }
  }

  // Whatever happened: every server that lives is a member again, and nobody that never was one is.
  void check_at_rest() {
    const std::vector<std::string> members = world_.members();
    for (const auto& server : servers_) {
      if (!server->is_well) {
        if (was_saved_) continue;  // an older copy may bring an older name of the same session back
        for (const std::string& name : world_.registry.children("/weir/app/members")) {
          EXPECT_FALSE(name.starts_with(server->registered) &&
                       world_.registry.owner_of("/weir/app/members/" + name) == server->ensemble->session()->client_id())
              << server->address << " does not serve but is registered";
        }
        continue;
      }
      ASSERT_TRUE(std::find(members.begin(), members.end(), server->address) != members.end())
          << server->address << " serves but is no member";
      EXPECT_FALSE(world_.member(server->address).draining) << server->address;
    }
    std::size_t living = 0;
    for (const std::string& address : members) {
      const bool lives = std::any_of(servers_.begin(), servers_.end(),
                                     [&](const auto& s) { return s->is_well && s->address == address; });
      living += lives;
      EXPECT_TRUE(lives || gone_.contains(address)) << address << " came from nowhere";
    }
    // Those that are held are counted as held, the rest are gone. (A restored registry may hold what nobody owns.)
    if (!was_saved_) {
      EXPECT_EQ(members.size() - living, world_.status->get().held);
    }
    EXPECT_EQ(world_.status->get().state, SourceState::Synced);
  }

  std::minstd_rand random_;
  FakeWorld world_;
  std::vector<std::unique_ptr<Server>> servers_;
  std::set<std::string> gone_;
  std::set<std::string> known_;  // were announced, and have given no reason to be missing
  std::map<std::string, TimePoint> excused_until_;
  std::size_t checked_ = 0;      // announcements looked at
  int next_port_ = 1000;
  bool was_saved_ = false;
};

TEST(Simulation, NoScriptOfFaultsLosesALivingServer) {
  // WEIR_SEED=n repeats one script, WEIR_SEEDS=n runs as many.
  const char* const one = std::getenv("WEIR_SEED");
  const char* const many = std::getenv("WEIR_SEEDS");
  const auto first = static_cast<std::uint32_t>(one != nullptr ? std::strtoul(one, nullptr, 10) : 1);
  const auto count = one != nullptr ? 1u : static_cast<std::uint32_t>(many != nullptr ? std::strtoul(many, nullptr, 10) : 300);
  for (std::uint32_t seed = first; seed < first + count; ++seed) {
    SCOPED_TRACE("WEIR_SEED=" + std::to_string(seed));
    Simulation simulation(seed);
    simulation.run(40);
    ASSERT_FALSE(HasFailure()) << "WEIR_SEED=" << seed << simulation.story();
  }
}

}  // namespace
}  // namespace weir::discovery
