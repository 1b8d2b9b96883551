// One member kept registered in ZooKeeper by its owner.
#pragma once

#include <weir/discovery/event.h>

#include "member/native_name.h"
#include "session/ensemble.h"

#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace weir::discovery {

/// Keeps an ephemeral node in `<path>/members` that says what its owner wants said.
///
/// One rule does the work: compare what is registered with what is wanted and take the next step. So a lost connection,
/// an expired session, a wiped registry, a changed weight and the draining all go the same way. Our own node of a
/// former session is replaced in one transaction; a node of someone else is never touched, except by the first
/// registration: an agent that starts takes over from the one that crashed.
///
/// An operator changes the weight by writing `w=N` into the node: only the owner's session can rename it.
/// Lives on the executor.
class Registration final : private SessionUser {
 public:
  struct Settings {
    std::string path;                                            ///< such as `/weir/backend`
    NativeName name;
    Clock::duration verify_every = std::chrono::seconds(10);     ///< looks whether the node is still there and ours
    Clock::duration retry = std::chrono::seconds(1);             ///< after a refusal, or when somebody removed the node
    Clock::duration longest_jitter = std::chrono::seconds(1);    ///< before registering in a new session
    Clock::duration withdrawal = std::chrono::milliseconds(500); ///< between saying that we are unwell and leaving
    std::uint32_t seed = std::random_device{}();                      ///< of the jitter
  };

  Registration(Executor& executor, Ensemble& ensemble, Settings settings, LogFunction log);
  ~Registration();
  Registration(const Registration&) = delete;
  Registration& operator=(const Registration&) = delete;

  /// Whether there should be a node at all; at first there should not. One that is not wanted any more announces that
  /// before it goes, as readers do not take a member that is merely missing for one that left.
  void want(bool is_wanted);
  /// Announces the leaving. `done` is called when that is written, or at once if nothing is registered.
  void drain(std::function<void()> done);
  /// Removes the node. `done` is called when it is gone, or at once if nothing is registered.
  void leave(std::function<void()> done);

  /// The name of our node as far as known; nothing while there is none.
  const std::optional<std::string>& registered() const { return registered_; }

 private:
  struct Round;

  void on_connected(Session& session, const Connection& connection) override;
  void on_disconnected() override;

  std::optional<std::string> wanted_name() const;
  std::string path_of(const std::string& name) const { return directory_ + "/" + name; }
  void step();
  void step_later(Clock::duration delay);
  void put(std::vector<Operation> operations, const std::string& name);
  void settle_doubt();
  void make_parents();
  void take_over(const std::string& name);
  void registered_as(const std::string& name);
  void remove_node();
  void verify();
  void obey(const std::string& wish);
  void settled();
  void log(Severity severity, const std::string& text) const;
  template <class Function>
  auto in_this_round(Function function);

  Executor& executor_;
  Ensemble& ensemble_;
  const Settings settings_;
  const std::string directory_;
  const LogFunction log_;
  NativeName name_;
  bool is_wanted_ = false;
  bool is_draining_ = false;
  bool is_withdrawing_ = false;

  Session* session_ = nullptr;
  std::shared_ptr<Round> round_;
  std::shared_ptr<Session::Watcher> watcher_;
  bool is_busy_ = false;
  bool look_again_ = false;               // something happened to our node while we were busy
  bool is_first_ = true;                  // nothing was registered by this process yet
  std::optional<std::string> registered_;
  std::optional<std::string> in_doubt_;   // what a write would have made of it whose answer did not come
  std::set<std::int64_t> own_sessions_;   // all we ever had
  std::vector<std::function<void()>> waiting_;
  std::minstd_rand random_;
  Timer timer_;
  Timer withdrawal_;
};

}  // namespace weir::discovery
