// A session with a FakeRegistry. Like the real client it reconnects by itself for as long as it lives, keeps its
// watches meanwhile, and never learns that a wiped registry does not know it.
#pragma once

#include "testing/fake_registry.h"

namespace weir::discovery {

class FakeSession final : public Session {
 public:
  FakeSession(FakeRegistry& registry, std::chrono::milliseconds timeout);
  ~FakeSession() override;

  void connect(StateHandler on_state) override;
  SessionState state() const override { return state_; }
  std::int64_t client_id() const override { return id_; }
  std::chrono::milliseconds timeout() const override { return timeout_; }

  void list(const std::string& path, Watch watch, Done<Listing> done) override;
  void exists(const std::string& path, Watch watch, Done<Existence> done) override;
  void get(const std::string& path, Watch watch, Done<NodeData> done) override;
  void set(const std::string& path, const std::string& data, std::int32_t version, Done<Code> done) override;
  void multi(std::vector<Operation> operations, Done<Code> done) override;
  void sync(const std::string& path, Done<Code> done) override;

 private:
  friend class FakeRegistry;
  using Key = FakeRegistry::WatchKey;

  template <class Result>
  void ask(Done<Result> done, std::function<Result()> answer);
  void set_watch(Key key, const Watch& watch);
  void fire(const Key& key);
  void fire_missed();
  void try_to_connect();
  void lose_connection();
  void become(SessionState state);
  void send(std::function<void()> request);   // to the servers
  void deliver(std::function<void()> news);   // from them
  void in_order(TimePoint& last, Clock::duration delay, std::function<void()> task);
  void later(Clock::duration delay, std::function<void()> task);

  FakeRegistry& registry_;
  const std::shared_ptr<FakeSession*> self_;  // for tasks under way when this is destroyed
  std::chrono::milliseconds timeout_;
  std::shared_ptr<const StateHandler> on_state_;
  SessionState state_ = SessionState::Connecting;
  bool is_attached_ = false;          // to the registry; `state_` follows a moment later
  std::uint64_t connection_ = 0;      // number of the current one
  TimePoint detached_at_{};
  Clock::duration retry_ = std::chrono::milliseconds(10);
  TimePoint last_request_{}, last_news_{};
  std::int64_t id_ = 0;
  std::int64_t seen_zxid_ = 0;
  // What each watch saw when it was set: enough to tell after a reconnection whether it missed something.
  struct Watched {
    std::int64_t zxid = 0;
    bool existed = false;
    std::vector<Watch> watches;
  };
  std::map<Key, Watched> watches_;
};

}  // namespace weir::discovery
