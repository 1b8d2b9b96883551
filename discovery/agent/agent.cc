#include <weir/discovery/agent.h>

#include "agent/child_command.h"
#include "agent/port_check.h"
#include "agent/registration.h"
#include "session/c_client.h"
#include "session/zookeeper_client.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <future>
#include <memory>
#include <optional>
#include <system_error>

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

// What tells us to stop (SIGTERM, SIGINT, SIGHUP) and the end of a child, as something to wait for instead of something that
// interrupts.
class Signals {
 public:
  Signals() {
    // Inherited as ignored, it would never tell that a child has ended, nor how.
    ::signal(SIGCHLD, SIG_DFL);
    sigemptyset(&set_);
    for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set_, signal);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }
  /// The next one; 0 if none came within `duration`.
  int wait_for(std::chrono::milliseconds duration) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration);
    const timespec limit{.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(duration - seconds).count()};
    return std::max(sigtimedwait(&set_, nullptr, &limit), 0);
  }
  /// Waits until we are to stop, or the child has ended; at most `duration`. Returns whether either happened.
  bool wait_for_end(ChildCommand* child, std::chrono::milliseconds duration) {
    const auto deadline = Clock::now() + duration;
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
      const int signal = wait_for(std::max(left, 0ms));
      if (signal != 0 && signal != SIGCHLD) return true;
      if (child != nullptr && !child->is_running()) return true;
      if (left <= 0ms) return false;
    }
  }

 private:
  sigset_t set_;
};

// Asks it to end, and makes it if it does not.
void end_child(ChildCommand& child, Signals& signals, std::chrono::milliseconds patience) {
  child.signal(SIGTERM);
  const auto deadline = Clock::now() + patience;
  while (child.is_running()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left <= 0ms) child.signal(SIGKILL);
    signals.wait_for(std::clamp(left, 10ms, 1000ms));
  }
}

// Starts something on the client's executor and waits until it reports to be done, but not for ever.
void wait_until_done(ZooKeeperClient& client, const std::function<void(std::function<void()> done)>& start) {
  const auto promise = std::make_shared<std::promise<void>>();
  std::future<void> finished = promise->get_future();
  client.run([&](Ensemble&) { start([promise] { promise->set_value(); }); });
  finished.wait_for(kPatience);
}

}  // namespace

int run_agent(const AgentOptions& options) {
  Signals signals;
  std::optional<ChildCommand> command;
  try {
    // Before there are threads: what is forked should be simple.
    if (!options.command.empty()) command.emplace(options.command);
  } catch (const std::system_error& error) {
    log_to_stderr(Severity::Error, std::string("cannot run ") + error.what());
    return 127;
  }
  ChildCommand* const child = command ? &*command : nullptr;
  auto client =
      ZooKeeperClient::make(parse_servers(options.servers), options.session_timeout, log_to_stderr, options.auth);
  log_to_stderr(Severity::Notice,
                fmt::format("registers {} in {} of {}{}", options.address, options.path, fmt::join(options.servers, ","),
                            options.check == AgentOptions::Check::None ? "" : " while it passes the check"));
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
  if (options.check != AgentOptions::Check::None) {
    const auto on_change = [&](bool is_up) {
      log_to_stderr(Severity::Notice, options.address + (is_up ? " passes the check" : " fails the check"));
      client->executor().post([&registration, is_up] {
        if (registration) registration->want(is_up);
      });
    };
    check = std::make_unique<PortCheck>(
        PortCheck::Settings{.address = options.address,
                            .http_path = options.check == AgentOptions::Check::Http ? options.check_path : "",
                            .interval = options.check_interval,
                            .patience = options.check_timeout,
                            .rise = options.rise,
                            .fall = options.fall},
        on_change);
  }

  while (!signals.wait_for_end(child, 1h)) {
  }
  check.reset();  // a service that stops now is not a failure
  const bool has_ended = child != nullptr && !child->is_running();
  if (has_ended) log_to_stderr(Severity::Warning, "the command has ended");
  // Said in any case: readers do not take one that is merely missing for one that left.
  const std::chrono::milliseconds drain = has_ended ? std::min<std::chrono::milliseconds>(options.drain, 500ms) : options.drain;
  if (drain > 0ms) {
    // Asked even if nothing is known to be registered: the answer to a registration may be under way.
    wait_until_done(*client, [&](std::function<void()> done) { registration->drain(std::move(done)); });
    bool is_registered = false;
    client->run([&](Ensemble&) { is_registered = registration->registered().has_value(); });
    if (is_registered) {
      log_to_stderr(Severity::Notice, "draining");
      signals.wait_for_end(has_ended ? nullptr : child, drain);
    }
  }
  wait_until_done(*client, [&](std::function<void()> done) { registration->leave(std::move(done)); });
  if (child != nullptr) end_child(*child, signals, options.stop_timeout);
  client->run([&](Ensemble&) { registration.reset(); });
  client.reset();
  CClient::wait_until_closed(kPatience);
  return child != nullptr ? child->exit_code() : 0;
}

}  // namespace weir::discovery
