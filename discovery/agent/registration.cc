#include "agent/registration.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace weir::discovery {

struct Registration::Round {};

template <class Function>
auto Registration::in_this_round(Function function) {
  return [round = std::weak_ptr<Round>(round_), function = std::move(function)](const auto& answer) {
    if (const auto alive = round.lock()) function(answer);
  };
}

Registration::Registration(Executor& executor, Ensemble& ensemble, Settings settings, LogFunction log)
    : executor_(executor),
      ensemble_(ensemble),
      settings_(std::move(settings)),
      directory_(settings_.path + "/members"),
      log_(std::move(log)),
      name_(settings_.name),
      watcher_(std::make_shared<Session::Watcher>([this] {
        if (is_busy_) {
          look_again_ = true;
        } else if (session_ != nullptr) {
          verify();
        }
      })),
      random_(settings_.seed),
      timer_(executor),
      withdrawal_(executor) {
  ensemble_.add(*this);
}

Registration::~Registration() { ensemble_.remove(*this); }

void Registration::want(bool is_wanted) {
  withdrawal_.cancel();
  is_withdrawing_ = !is_wanted && is_wanted_ && registered_.has_value();
  if (is_withdrawing_) {
    withdrawal_.set(settings_.withdrawal, [this] {
      is_withdrawing_ = is_wanted_ = false;
      step();
    });
  } else {
    is_wanted_ = is_wanted;
  }
  step();
}

void Registration::drain(std::function<void()> done) {
  is_draining_ = true;
  waiting_.push_back(std::move(done));
  step();
}

void Registration::leave(std::function<void()> done) {
  withdrawal_.cancel();
  is_wanted_ = is_withdrawing_ = false;
  waiting_.push_back(std::move(done));
  step();
}

void Registration::on_connected(Session& session, const Connection& connection) {
  session_ = &session;
  round_ = std::make_shared<Round>();
  is_busy_ = false;
  own_sessions_.insert(session.client_id());
  if (connection.new_session && !connection.first) {
    registered_.reset();
    in_doubt_.reset();
    // Registries that come back are met by all agents at once.
    step_later(settings_.longest_jitter * std::uniform_int_distribution<int>(0, 100)(random_) / 100);
  } else {
    step();
  }
}

void Registration::on_disconnected() {
  session_ = nullptr;
  round_.reset();
  is_busy_ = false;
  timer_.cancel();
  settled();
}

std::optional<std::string> Registration::wanted_name() const {
  if (!is_wanted_) return std::nullopt;
  if ((is_draining_ || is_withdrawing_) && !registered_) return std::nullopt;  // nothing to announce the end of
  NativeName name = name_;
  if (is_draining_ || is_withdrawing_) name.state = NativeName::State::Draining;
  return encode_name(name);
}

void Registration::step_later(Clock::duration delay) {
  timer_.set(delay, [this] { step(); });
}

void Registration::step() {
  if (session_ == nullptr) return settled();
  if (is_busy_) return;  // whoever is under way steps on
  timer_.cancel();
  if (in_doubt_) return settle_doubt();
  const std::optional<std::string> wanted = wanted_name();
  if (wanted == registered_) {
    if (registered_) return verify();
    return settled();
  }
  is_busy_ = true;
  if (!wanted) return remove_node();
  if (!registered_) return put({Operation::create_ephemeral(path_of(*wanted))}, *wanted);
  // One transaction: readers see the old name or the new one, never none.
  put({Operation::remove(path_of(*registered_)), Operation::create_ephemeral(path_of(*wanted))}, *wanted);
}

void Registration::put(std::vector<Operation> operations, const std::string& name) {
  const bool is_renaming = operations.size() > 1;
  in_doubt_ = name;
  session_->multi(std::move(operations), in_this_round([this, name, is_renaming](Code code) {
    is_busy_ = false;
    if (code != Code::Lost) in_doubt_.reset();
    switch (code) {
      case Code::Ok: return registered_as(name);
      case Code::Lost: return;  // unknown; the next connection looks
      case Code::NodeExists: return take_over(name);
      case Code::NoNode:
        if (!is_renaming) return make_parents();
        registered_.reset();  // what was to be renamed is gone
        return step();
      default:
        log(Severity::Error, fmt::format("cannot register {}: {}", name, to_string(code)));
        step_later(settings_.retry);
    }
  }));
}

// Whether what was under way when the connection was lost was done. What is wanted may be something else by now, so that
// no further step would find out; and a node that we do not know to be ours would stay for as long as our session.
void Registration::settle_doubt() {
  is_busy_ = true;
  // The server that answers now may be behind the one that was asked then.
  session_->sync(directory_, in_this_round([this](Code synced) {
    is_busy_ = synced != Code::Lost;
    if (!is_busy_) return;
    session_->exists(path_of(*in_doubt_), {}, in_this_round([this](const Existence& found) {
      is_busy_ = false;
      if (found.code == Code::Lost) return;
      if (found.code != Code::Ok && found.code != Code::NoNode) return step_later(settings_.retry);
      const std::string name = *std::exchange(in_doubt_, std::nullopt);
      const bool is_ours = found.code == Code::Ok && found.stat.ephemeral_owner == session_->client_id();
      is_ours ? registered_as(name) : step();
    }));
  }));
}

void Registration::make_parents() {
  is_busy_ = true;
  for (std::size_t end = directory_.find('/', 1);; end = directory_.find('/', end + 1)) {
    const std::string parent = directory_.substr(0, end);
    const bool is_last = end == std::string::npos;
    session_->create(parent, {}, in_this_round([this, parent, is_last](Code code) {
      if (code == Code::Lost) return;
      const bool is_there = code == Code::Ok || code == Code::NodeExists;
      if (!is_there) log(Severity::Error, fmt::format("cannot create {}: {}", parent, to_string(code)));
      if (!is_last) return;
      is_busy_ = false;
      is_there ? step() : step_later(settings_.retry);
    }));
    if (is_last) return;
  }
}

// The name exists. Ours: a write whose answer was lost. A former self's: replaced. Someone else's: left alone.
void Registration::take_over(const std::string& name) {
  is_busy_ = true;
  session_->exists(path_of(name), watcher_, in_this_round([this, name](const Existence& found) {
    is_busy_ = false;
    if (found.code == Code::Lost) return;
    if (found.code != Code::Ok) return step_later(found.code == Code::NoNode ? Clock::duration::zero() : settings_.retry);
    const std::int64_t owner = found.stat.ephemeral_owner;
    if (owner == session_->client_id()) return registered_as(name);
    if (owner == 0 || (!is_first_ && !own_sessions_.contains(owner))) {
      log(Severity::Error, fmt::format("{} is registered by somebody else, waiting for it to go", name));
      return step_later(settings_.verify_every);
    }
    is_busy_ = true;
    std::vector<Operation> operations{Operation::remove(path_of(name), found.stat.version),
                                      Operation::create_ephemeral(path_of(name))};
    if (registered_) operations.push_back(Operation::remove(path_of(*registered_)));
    put(std::move(operations), name);
  }));
}

void Registration::registered_as(const std::string& name) {
  is_first_ = false;
  registered_ = name;
  log(Severity::Notice, fmt::format("registered {}", path_of(name)));
  step();
}

void Registration::remove_node() {
  session_->remove(path_of(*registered_), -1, in_this_round([this](Code code) {
    is_busy_ = false;
    if (code == Code::Lost) return;
    if (code == Code::Ok || code == Code::NoNode) {
      log(Severity::Notice, fmt::format("removed {}", path_of(*registered_)));
      registered_.reset();
      return step();
    }
    log(Severity::Error, fmt::format("cannot remove {}: {}", *registered_, to_string(code)));
    step_later(settings_.retry);
  }));
}

// Reads our node: is it there, is it ours, and does an operator wish something?
void Registration::verify() {
  if (!registered_) return step();
  is_busy_ = true;
  look_again_ = false;
  session_->get(path_of(*registered_), watcher_, in_this_round([this](const NodeData& node) {
    is_busy_ = false;
    if (node.code == Code::Lost) return;
    const bool is_ours = node.code == Code::Ok && node.stat.ephemeral_owner == session_->client_id();
    if (!is_ours && (node.code == Code::Ok || node.code == Code::NoNode)) {
      log(Severity::Warning, fmt::format("somebody else removed {}", path_of(*registered_)));
      registered_.reset();
      return step_later(settings_.retry);
    }
    if (node.code == Code::Ok) obey(node.data);
    if (wanted_name() != registered_) return step();
    if (std::exchange(look_again_, false)) return verify();
    settled();
    timer_.set(settings_.verify_every, [this] { verify(); });
  }));
}

void Registration::obey(const std::string& wish) {
  if (wish.empty()) return;
  std::uint32_t weight = 0;
  const char* const end = wish.data() + wish.size();
  if (!wish.starts_with("w=") || std::from_chars(wish.data() + 2, end, weight).ptr != end || wish.size() < 3 ||
      weight > kGreatestWeight) {
    log(Severity::Warning, fmt::format("the node says \"{}\", which is no wish I know", printable(wish)));
    return;
  }
  name_.weight = weight;
}

void Registration::settled() {
  for (const auto& done : std::exchange(waiting_, {})) done();
}

void Registration::log(Severity severity, const std::string& text) const {
  if (log_) log_(severity, text);
}

}  // namespace weir::discovery
