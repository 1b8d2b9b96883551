#include "testing/fake_session.h"

#include <algorithm>
#include <utility>

namespace weir::discovery {

using namespace std::chrono_literals;

FakeSession::FakeSession(FakeRegistry& registry, std::chrono::milliseconds timeout)
    : registry_(registry), self_(std::make_shared<FakeSession*>(this)), timeout_(timeout) {
  registry_.sessions_.push_back(this);
}

FakeSession::~FakeSession() {
  *self_ = nullptr;
  std::erase(registry_.sessions_, this);
  // Closing tells the servers, if they can be told; else they find out when the session times out.
  if (is_attached_ && !registry_.is_frozen_) {
    registry_.expire(id_);
  } else if (id_ != 0) {
    registry_.executor_->after(timeout_, [&registry = registry_, id = id_] {
      if (registry.live_sessions_.contains(id)) registry.expire(id);
    });
  }
}

void FakeSession::later(Clock::duration delay, std::function<void()> task) {
  registry_.executor_->after(delay, [self = self_, task = std::move(task)] {
    if (*self != nullptr) task();
  });
}

// As over one TCP connection: what is sent first arrives first.
void FakeSession::in_order(TimePoint& last, Clock::duration delay, std::function<void()> task) {
  last = std::max(last, registry_.executor_->now() + delay);
  later(last - registry_.executor_->now(), std::move(task));
}

void FakeSession::send(std::function<void()> request) {
  in_order(last_request_, registry_.latency(), std::move(request));
}

void FakeSession::deliver(std::function<void()> news) {
  in_order(last_news_, registry_.latency() / 4, std::move(news));
}

void FakeSession::connect(StateHandler on_state) {
  on_state_ = std::make_shared<const StateHandler>(std::move(on_state));
  later(registry_.latency(), [this] { try_to_connect(); });
}

void FakeSession::try_to_connect() {
  if (is_attached_ || state_ == SessionState::Expired) return;
  const bool was_forgotten = id_ != 0 && !registry_.live_sessions_.contains(id_);
  // A server that is behind what the client has seen refuses it, whatever the session.
  if (registry_.is_down_ || registry_.is_frozen_ || registry_.zxid_ < seen_zxid_) {
    retry_ = std::min<Clock::duration>(retry_ * 2, 1s);
    later(retry_, [this] { try_to_connect(); });
    return;
  }
  retry_ = 10ms;
  if (was_forgotten) return become(SessionState::Expired);
  if (id_ != 0 && registry_.executor_->now() - detached_at_ > timeout_ && !registry_.is_down_) {
    registry_.expire(id_);
    return become(SessionState::Expired);
  }
  if (id_ == 0) registry_.live_sessions_.insert(id_ = ++registry_.last_session_);
  is_attached_ = true;
  ++connection_;
  become(SessionState::Connected);
  fire_missed();
}

void FakeSession::lose_connection() {
  if (!is_attached_) return;
  is_attached_ = false;
  detached_at_ = registry_.executor_->now();
  become(SessionState::Connecting);
  later(retry_, [this] { try_to_connect(); });
}

void FakeSession::become(SessionState state) {
  deliver([this, state] {
    if (state_ == state || state_ == SessionState::Expired) return;
    state_ = state;
    const auto on_state = on_state_;
    (*on_state)(state);
  });
}

template <class Result>
void FakeSession::ask(Done<Result> done, std::function<Result()> answer) {
  const auto reply = [this, done](Result result) { deliver([done, result] { done(result); }); };
  if (!is_attached_) return reply(Result{Code::Lost});
  // What was done before the connection was lost stays done; its answer is lost all the same.
  const auto reply_over = [this, done](std::uint64_t connection, Result result) {
    deliver([this, done, connection, result] {
      done(is_attached_ && connection == connection_ ? result : Result{Code::Lost});
    });
  };
  const auto process = [this, connection = connection_, answer, reply, reply_over] {
    if (!is_attached_ || connection != connection_) return reply(Result{Code::Lost});
    seen_zxid_ = registry_.zxid_;
    reply_over(connection, answer());
  };
  send([this, process] {
    if (!registry_.is_frozen_) return process();
    registry_.stalled_.push_back([self = self_, process] {
      if (*self != nullptr) process();
    });
  });
}

void FakeSession::set_watch(Key key, const Watch& watch) {
  const auto watcher = watch.lock();
  if (watcher == nullptr) return;
  const std::string watched_path = key.second;
  Watched& watched = watches_[std::move(key)];
  watched.zxid = registry_.zxid_;
  watched.existed = registry_.nodes_.contains(watched_path);
  std::erase_if(watched.watches, [&](const Watch& other) { return other.expired() || other.lock() == watcher; });
  watched.watches.push_back(watch);
}

void FakeSession::fire(const Key& key) {
  auto entry = watches_.extract(key);
  if (entry.empty()) return;
  seen_zxid_ = registry_.zxid_;
  deliver([watches = std::move(entry.mapped().watches)] {
    for (const Watch& watch : watches) {
      if (const auto watcher = watch.lock()) (*watcher)();
    }
  });
}

void FakeSession::fire_missed() {
  std::vector<Key> missed;
  for (const auto& [key, watched] : watches_) {
    const auto node = registry_.nodes_.find(key.second);
    const NodeStat stat = node == registry_.nodes_.end() ? NodeStat{} : node->second.stat;
    const bool is_newer = std::max({stat.mzxid, stat.czxid, key.first == FakeRegistry::WatchKind::Children
                                                                ? stat.pzxid
                                                                : std::int64_t{0}}) > watched.zxid;
    if (is_newer || (watched.existed && node == registry_.nodes_.end())) missed.push_back(key);
  }
  for (const Key& key : missed) fire(key);
}

void FakeSession::list(const std::string& path, Watch watch, Done<Listing> done) {
  ask<Listing>(std::move(done), [this, path, watch]() -> Listing {
    ++registry_.reads_;
    if (registry_.unreadable_.contains(path)) return {Code::NoAuth, {}, {}};
    const auto node = registry_.nodes_.find(path);
    if (node == registry_.nodes_.end()) return {Code::NoNode, {}, {}};
    set_watch({FakeRegistry::WatchKind::Children, path}, watch);
    return {Code::Ok, registry_.children(path), node->second.stat};
  });
}

void FakeSession::exists(const std::string& path, Watch watch, Done<Existence> done) {
  ask<Existence>(std::move(done), [this, path, watch]() -> Existence {
    ++registry_.reads_;
    set_watch({FakeRegistry::WatchKind::Node, path}, watch);
    const auto node = registry_.nodes_.find(path);
    if (node == registry_.nodes_.end()) return {Code::NoNode, {}};
    return {Code::Ok, node->second.stat};
  });
}

void FakeSession::get(const std::string& path, Watch watch, Done<NodeData> done) {
  ask<NodeData>(std::move(done), [this, path, watch]() -> NodeData {
    ++registry_.reads_;
    const auto node = registry_.nodes_.find(path);
    if (node == registry_.nodes_.end()) return {Code::NoNode, {}, {}};
    set_watch({FakeRegistry::WatchKind::Node, path}, watch);
    return {Code::Ok, node->second.data, node->second.stat};
  });
}

void FakeSession::set(const std::string& path, const std::string& data, std::int32_t version, Done<Code> done) {
  ask<Code>(std::move(done), [this, path, data, version] {
    const auto node = registry_.nodes_.find(path);
    if (node == registry_.nodes_.end()) return Code::NoNode;
    if (version >= 0 && version != node->second.stat.version) return Code::BadVersion;
    registry_.write(path, data);
    return Code::Ok;
  });
}

void FakeSession::multi(std::vector<Operation> operations, Done<Code> done) {
  ask<Code>(std::move(done), [this, operations = std::move(operations)] { return registry_.apply(operations, id_); });
}

void FakeSession::sync(const std::string&, Done<Code> done) {
  ask<Code>(std::move(done), [] { return Code::Ok; });
}

}  // namespace weir::discovery
