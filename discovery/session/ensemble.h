// Keeps one session to an ensemble alive, for all who use it.
//
// The ZooKeeper client alone does not do that: with a registry that was wiped or restored it reconnects for ever without
// ever being told that its session is gone, and with too many watches it loops. So a session that stays unconnected
// longer than 4/3 of its timeout, that connects and disconnects in a loop, or that says it is connected but does not
// answer, is dropped and a new one made.
#pragma once

#include <weir/discovery/event.h>

#include "session/resolver.h"
#include "session/session.h"

#include <deque>
#include <optional>
#include <random>
#include <vector>

namespace weir::discovery {

/// What a connection came after.
struct Connection {
  bool new_session = true;     ///< ephemeral nodes and watches of the one before are gone, or will be
  Clock::duration outage{};    ///< how long there was no connection; zero for the first ever
  bool first = false;          ///< no connection came before
};

/// Someone who uses the ensemble's session. Called on the executor.
class SessionUser {
 public:
  /// The session may be used until `on_disconnected`. Everything read before should be read again.
  virtual void on_connected(Session& session, const Connection& connection) = 0;
  /// Nothing will be answered until the next `on_connected`; what was asked may never be.
  virtual void on_disconnected() = 0;

 protected:
  ~SessionUser() = default;
};

/// Lives on the executor: made, used and destroyed there.
class Ensemble {
 public:
  struct Settings {
    std::vector<ServerAddress> servers;
    std::chrono::milliseconds session_timeout{6000};
    std::chrono::milliseconds first_pause{100};    ///< before a new session after a failed one; doubles, with jitter
    std::chrono::milliseconds longest_pause{2000};
    std::chrono::milliseconds resolve_patience{5000};
    std::uint32_t seed = std::random_device{}();  ///< of the jitter
  };

  Ensemble(std::shared_ptr<Executor> executor, Settings settings, SessionFactory factory, LogFunction log,
           LookUp look_up = look_up_with_system);
  ~Ensemble();
  Ensemble(const Ensemble&) = delete;
  Ensemble& operator=(const Ensemble&) = delete;

  /// Adds a user; if there is a connection, it is told before this returns.
  void add(SessionUser& user);
  /// Removes a user; it is not called any more.
  void remove(SessionUser& user);

  /// The session, if it is connected.
  Session* session();
  /// Sessions that were established so far.
  std::uint64_t sessions() const { return sessions_; }
  const Settings& settings() const { return settings_; }

 private:
  void begin();
  void open(const std::string& servers);
  void on_state(SessionState state);
  void on_connected();
  void on_lost();
  void drop(const std::string& why, Severity severity, Clock::duration pause);
  void check_answers();
  bool is_looping(TimePoint now);
  Clock::duration next_pause();
  void tell_disconnected();
  void log(Severity severity, const std::string& text) const;

  const std::shared_ptr<Executor> executor_;
  const Settings settings_;
  const SessionFactory factory_;
  const LogFunction log_;
  Resolver resolver_;
  std::vector<SessionUser*> users_;

  std::unique_ptr<Session> session_;
  bool is_connected_ = false;
  bool is_new_session_ = true;
  std::uint64_t sessions_ = 0;
  std::optional<TimePoint> lost_at_;       // since when there is no connection, if there ever was one
  std::deque<TimePoint> disconnects_;      // of the last seconds, to recognise a loop
  std::chrono::milliseconds pause_;
  std::minstd_rand random_;
  Timer watchdog_;    // gives an unconnected session up
  Timer heartbeat_;   // asks the connected one something now and then
  Timer overdue_;     // runs while an answer to that is owed
  Timer pause_timer_;
};

}  // namespace weir::discovery
