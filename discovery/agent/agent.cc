#include <weir/discovery/agent.h>

#include "agent/port_check.h"
#include "agent/registration.h"
#include "session/c_client.h"
#include "session/zookeeper_client.h"

#include <signal.h>

#include <cstdio>
#include <ctime>
#include <future>
#include <memory>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 2s;  // for the last words to ZooKeeper

void log_to_stderr(Severity severity, std::string_view text) {
  constexpr const char* kNames[] = {"debug", "info", "notice", "warn", "error"};
  char time[32] = "";
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (localtime_r(&now, &local) != nullptr) std::strftime(time, sizeof time, "%Y/%m/%d %H:%M:%S", &local);
  std::fprintf(stderr, "%s [%s] agent: %.*s\n", time, kNames[static_cast<int>(severity)], static_cast<int>(text.size()),
               text.data());
}

// SIGTERM and SIGINT, as something to wait for instead of something that interrupts.
class StopSignals {
 public:
  StopSignals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGTERM);
    sigaddset(&set_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  void wait() {
    int signal = 0;
    sigwait(&set_, &signal);
  }
  /// Whether one came within `duration`.
  bool wait_for(std::chrono::milliseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(duration - seconds).count()};
    return sigtimedwait(&set_, nullptr, &limit) > 0;
  }

 private:
  sigset_t set_;
};

// Starts something on the client's executor and waits until it reports to be done, but not for ever.
void wait_until_done(ZooKeeperClient& client, const std::function<void(std::function<void()> done)>& start) {
  const auto promise = std::make_shared<std::promise<void>>();
  std::future<void> finished = promise->get_future();
  client.run([&](Ensemble&) { start([promise] { promise->set_value(); }); });
  finished.wait_for(kPatience);
}

}  // namespace

int run_agent(const AgentOptions& options) {
  StopSignals stop;
  auto client = ZooKeeperClient::make(parse_servers(options.servers), options.session_timeout, log_to_stderr);
  std::unique_ptr<Registration> registration;
  client->run([&](Ensemble& ensemble) {
    NativeName name;
    name.address = options.address;
    name.weight = options.weight;
    name.tier = options.backup ? 1 : 0;
    registration = std::make_unique<Registration>(client->executor(), ensemble,
                                                  Registration::Settings{.path = options.path, .name = name}, log_to_stderr);
    if (options.check == AgentOptions::Check::None) registration->want(true);
  });
  std::unique_ptr<PortCheck> check;
  if (options.check == AgentOptions::Check::Tcp) {
    const auto on_change = [&](bool is_up) {
      log_to_stderr(Severity::Notice, options.address + (is_up ? " accepts connections" : " does not accept connections"));
      client->executor().post([&registration, is_up] { registration->want(is_up); });
    };
    check = std::make_unique<PortCheck>(
        PortCheck::Settings{.address = options.address, .interval = options.check_interval}, on_change);
  }

  stop.wait();
  check.reset();  // a service that stops now is not a failure
  if (options.drain > 0ms) {
    // Asked even if nothing is known to be registered: the answer to a registration may be under way.
    wait_until_done(*client, [&](std::function<void()> done) { registration->drain(std::move(done)); });
    bool is_registered = false;
    client->run([&](Ensemble&) { is_registered = registration->registered().has_value(); });
    if (is_registered) {
      log_to_stderr(Severity::Notice, "draining");
      stop.wait_for(options.drain);
    }
  }
  wait_until_done(*client, [&](std::function<void()> done) { registration->leave(std::move(done)); });
  client->run([&](Ensemble&) { registration.reset(); });
  client.reset();
  CClient::wait_until_closed(kPatience);
  return 0;
}

}  // namespace weir::discovery
