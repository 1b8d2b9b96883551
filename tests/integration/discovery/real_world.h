// A source on a real server, and another client that plays the members.
#pragma once

#include <weir/discovery/zookeeper_source.h>

#include "session/c_client.h"
#include "session/zookeeper_client.h"
#include "support/wait.h"
#include "support/zookeeper_server.h"

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace weir::discovery {

using test::wait_until;
using Addresses = std::vector<std::string>;
using namespace std::chrono_literals;

/// Collects what a source announces and what it logs.
class Watched {
 public:
  explicit Watched(std::vector<std::string> servers, std::string path = "/weir/app",
                   std::chrono::milliseconds timeout = 2000ms,
                   VanishRules vanish = {.mode = Vanish::Trust, .damp = false})
      : source({.servers = std::move(servers), .path = std::move(path), .session_timeout = timeout, .vanish = vanish},
               [this](Severity, std::string_view text) {
                 const std::lock_guard lock(mutex_);
                 lines_.emplace_back(text);
               },
               clients()) {}
  ~Watched() { source.stop(); }

  /// One registry of clients for the whole test program, as in the proxy.
  static std::shared_ptr<ZooKeeperClients> clients() {
    static const auto shared = std::make_shared<ZooKeeperClients>();
    return shared;
  }

  void start() {
    source.start([this](balancer::Members members) {
      const std::lock_guard lock(mutex_);
      history_.push_back(std::move(members));
      last_change_ = Clock::now();
      changed_.notify_all();
    });
  }
  /// Waits until the addresses announced last are `expected`. Returns whether they ever were.
  bool sees(const Addresses& expected, std::chrono::milliseconds patience = test::kPatience) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return !history_.empty() && addresses(history_.back()) == expected; });
  }
  /// Waits until so many members were announced. Returns when that was, or nothing if it never was.
  std::optional<TimePoint> when_there_were(std::size_t count, std::chrono::milliseconds patience = test::kPatience) {
    std::unique_lock lock(mutex_);
    const auto are_there = [&] { return !history_.empty() && history_.back().size() == count; };
    if (!changed_.wait_for(lock, patience, are_there)) return std::nullopt;
    return last_change_;
  }
  std::vector<balancer::Members> history() const {
    const std::lock_guard lock(mutex_);
    return history_;
  }
  balancer::Member last(const std::string& address) const {
    const auto all = history();
    if (all.empty()) return {};
    for (const auto& member : all.back()) {
      if (member.address == address) return member;
    }
    return {};
  }
  /// Whether every announcement from number `first` on names `address`.
  bool always_named(const std::string& address, std::size_t first = 0) const {
    const auto all = history();
    for (std::size_t i = first; i < all.size(); ++i) {
      const Addresses named = addresses(all[i]);
      if (std::find(named.begin(), named.end(), address) == named.end()) return false;
    }
    return true;
  }
  std::string log() const {
    const std::lock_guard lock(mutex_);
    std::string text;
    for (const auto& line : lines_) text += line + "\n";
    return text;
  }
  static Addresses addresses(const balancer::Members& members) {
    Addresses result;
    for (const auto& member : members) result.push_back(member.address);
    return result;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<balancer::Members> history_;
  std::vector<std::string> lines_;
  TimePoint last_change_{};

 public:
  ZooKeeperSource source;
};

/// A session of its own with a server, to register members by hand. Waits for each answer.
class Administrator {
 public:
  explicit Administrator(const std::vector<std::string>& servers, std::chrono::milliseconds timeout = 10s)
      : client_(ZooKeeperClient::make(parse_servers(servers), timeout, {})) {}

  Code create(const std::string& path, bool is_ephemeral = false, const std::string& data = {}) {
    std::string parent = path.substr(0, path.rfind('/'));
    if (!parent.empty() && exists(parent).code == Code::NoNode) create(parent);
    const auto operation = is_ephemeral ? Operation::create_ephemeral(path, data) : Operation::create(path, data);
    return multi({operation});
  }
  Code remove(const std::string& path) { return multi({Operation::remove(path)}); }
  Code multi(std::vector<Operation> operations) {
    return ask<Code>([=](Session& session, auto done) { session.multi(operations, done); });
  }
  Code set(const std::string& path, const std::string& data) {
    return ask<Code>([=](Session& session, auto done) { session.set(path, data, -1, done); });
  }
  Existence exists(const std::string& path) {
    return ask<Existence>([=](Session& session, auto done) { session.exists(path, {}, done); });
  }
  std::vector<std::string> children(const std::string& path) {
    return ask<Listing>([=](Session& session, auto done) { session.list(path, {}, done); }).names.strings();
  }
  Code join(const std::string& name, const std::string& path = "/weir/app") {
    return create(path + "/members/" + name, true);
  }
  Code leave(const std::string& name, const std::string& path = "/weir/app") { return remove(path + "/members/" + name); }

 private:
  template <class Result>
  Result ask(const std::function<void(Session&, Session::Done<Result>)>& question) {
    const auto promise = std::make_shared<std::promise<Result>>();
    const bool is_asked = wait_until([&] {
      bool is_connected = false;
      client_->run([&](Ensemble& ensemble) {
        if (ensemble.session() == nullptr) return;
        is_connected = true;
        question(*ensemble.session(), [promise](Result result) { promise->set_value(std::move(result)); });
      });
      return is_connected;
    });
    auto answer = promise->get_future();
    if (!is_asked || answer.wait_for(test::kPatience) != std::future_status::ready) return Result{Code::Lost};
    return answer.get();
  }

  std::shared_ptr<ZooKeeperClient> client_;
};

/// The addresses of several connections to one server, as the server counts them.
inline std::size_t sessions_at(const test::ZooKeeperServer& server) {
  const std::string text = server.ask("cons");
  std::size_t count = 0;
  for (std::size_t at = text.find("sid=0x"); at != std::string::npos; at = text.find("sid=0x", at + 1)) ++count;
  return count;
}

}  // namespace weir::discovery
