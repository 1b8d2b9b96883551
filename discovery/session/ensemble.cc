#include "session/ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostDisconnects = 5;      // more of them within kLoopWindow are a loop
constexpr Clock::duration kLoopWindow = 10s;
constexpr Clock::duration kAfterAuthFailure = 30s;

double seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

Ensemble::Ensemble(std::shared_ptr<Executor> executor, Settings settings, SessionFactory factory, LogFunction log,
                   LookUp look_up)
    : executor_(std::move(executor)),
      settings_(std::move(settings)),
      factory_(std::move(factory)),
      log_(std::move(log)),
      resolver_(executor_, std::move(look_up)),
      pause_(settings_.first_pause),
      random_(settings_.seed),
      watchdog_(*executor_),
      heartbeat_(*executor_),
      overdue_(*executor_),
      pause_timer_(*executor_) {
  begin();
}

Ensemble::~Ensemble() = default;

void Ensemble::add(SessionUser& user) {
  users_.push_back(&user);
  if (is_connected_) user.on_connected(*session_, {.new_session = true, .outage = {}, .first = true});
}

void Ensemble::remove(SessionUser& user) { std::erase(users_, &user); }

Session* Ensemble::session() { return is_connected_ ? session_.get() : nullptr; }

void Ensemble::begin() {
  resolver_.resolve(settings_.servers, settings_.resolve_patience, [this](const std::string& servers) { open(servers); });
}

void Ensemble::open(const std::string& servers) {
  if (servers.empty()) {
    log(Severity::Error, fmt::format("no server of the ensemble {} could be resolved", to_string(settings_.servers)));
    pause_timer_.set(next_pause(), [this] { begin(); });
    return;
  }
  is_new_session_ = true;
  session_ = factory_(servers, settings_.session_timeout);
  watchdog_.set(settings_.session_timeout * 4 / 3, [this] { drop("no connection", Severity::Warning, next_pause()); });
  session_->connect([this](SessionState state) { on_state(state); });
}

void Ensemble::on_state(SessionState state) {
  switch (state) {
    case SessionState::Connected: return on_connected();
    case SessionState::Connecting: return on_lost();
    case SessionState::Expired: return drop("the session expired", Severity::Notice, next_pause());
    case SessionState::AuthFailed: return drop("authentication failed", Severity::Error, kAfterAuthFailure);
  }
}

void Ensemble::on_connected() {
  const TimePoint now = executor_->now();
  const Connection connection{.new_session = std::exchange(is_new_session_, false),
                              .outage = lost_at_ ? now - *lost_at_ : Clock::duration::zero(),
                              .first = sessions_ == 0};
  if (connection.new_session) ++sessions_;
  lost_at_.reset();
  is_connected_ = true;
  pause_ = settings_.first_pause;
  watchdog_.cancel();
  log(Severity::Notice, fmt::format("connected, {} session 0x{:x}{}", connection.new_session ? "new" : "same",
                                    static_cast<std::uint64_t>(session_->client_id()),
                                    connection.first ? "" : fmt::format(" after {:.1f}s", seconds(connection.outage))));
  heartbeat_.set(session_->timeout() / 3, [this] { check_answers(); });
  for (SessionUser* user : std::vector(users_)) {
    // A user may remove another one while it is told.
    if (std::find(users_.begin(), users_.end(), user) != users_.end()) user->on_connected(*session_, connection);
  }
}

void Ensemble::on_lost() {
  if (!is_connected_) return;
  log(Severity::Warning, "connection lost");
  tell_disconnected();
  if (is_looping(executor_->now())) return drop("connecting and disconnecting in a loop", Severity::Error, next_pause());
  watchdog_.set(session_->timeout() * 4 / 3, [this] { drop("no connection", Severity::Warning, next_pause()); });
}

void Ensemble::tell_disconnected() {
  if (!std::exchange(is_connected_, false)) return;
  lost_at_ = executor_->now();
  heartbeat_.cancel();
  overdue_.cancel();
  for (SessionUser* user : std::vector(users_)) {
    if (std::find(users_.begin(), users_.end(), user) != users_.end()) user->on_disconnected();
  }
}

void Ensemble::drop(const std::string& why, Severity severity, Clock::duration pause) {
  tell_disconnected();
  watchdog_.cancel();
  disconnects_.clear();
  session_.reset();
  log(severity, fmt::format("{}, making a new session in {:.1f}s", why, seconds(pause)));
  pause_timer_.set(pause, [this] { begin(); });
}

// The client's own idea of being connected can be wrong, and a server can be connected to and stuck.
void Ensemble::check_answers() {
  overdue_.set(session_->timeout(),
               [this] { drop("connected, but nothing is answered", Severity::Warning, next_pause()); });
  session_->exists("/", {}, [this](const Existence& answer) {
    overdue_.cancel();
    if (answer.code != Code::Lost && is_connected_) heartbeat_.set(session_->timeout() / 3, [this] { check_answers(); });
  });
}

bool Ensemble::is_looping(TimePoint now) {
  disconnects_.push_back(now);
  while (now - disconnects_.front() > kLoopWindow) disconnects_.pop_front();
  return disconnects_.size() > kMostDisconnects;
}

// Full jitter, from a tenth up: all proxies of a fleet lose a registry at the same moment.
Clock::duration Ensemble::next_pause() {
  const auto longest = std::exchange(pause_, std::min(pause_ * 2, settings_.longest_pause));
  return std::uniform_int_distribution<std::int64_t>(longest.count() / 10, longest.count())(random_) * 1ms;
}

void Ensemble::log(Severity severity, const std::string& text) const {
  if (log_) log_(severity, fmt::format("zookeeper {}: {}", to_string(settings_.servers), text));
}

}  // namespace weir::discovery
