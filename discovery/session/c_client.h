// A session over libzookeeper_mt.
//
// What is done differently from the library's manual, and why (all of it was measured; README.md, "The C client"):
//  - it is given IP literals only and told never to resolve again: with names, a failing resolver stops its pings;
//  - its callbacks copy and post, nothing else: they run on its one completion thread;
//  - it never holds a pointer of ours (see callback_table.h);
//  - its handle is closed on a thread of its own: closing waits up to 4.5 s for a server that does not answer;
//  - it does not judge by itself when a session is hopeless: ensemble.h does.
#pragma once

#include <weir/discovery/zookeeper_clients.h>

#include "session/session.h"

#include <map>
#include <string>

struct _zhandle;

namespace weir::discovery {

struct Reply;

/// One handle of libzookeeper_mt, from construction to destruction.
class CClient final : public Session {
 public:
  /// With `auth`, what is created belongs to it: nobody else may read or change it.
  /// `servers`: `ip:port` or `[v6]:port`, comma-separated.
  CClient(std::shared_ptr<Executor> executor, std::string servers, std::chrono::milliseconds timeout,
          ZooKeeperAuth auth = {});
  ~CClient() override;

  void connect(StateHandler on_state) override;
  SessionState state() const override { return state_; }
  std::int64_t client_id() const override { return client_id_; }
  std::chrono::milliseconds timeout() const override { return timeout_; }

  void list(const std::string& path, Watch watch, Done<Listing> done) override;
  void exists(const std::string& path, Watch watch, Done<Existence> done) override;
  void get(const std::string& path, Watch watch, Done<NodeData> done) override;
  void set(const std::string& path, const std::string& data, std::int32_t version, Done<Code> done) override;
  void multi(std::vector<Operation> operations, Done<Code> done) override;
  void sync(const std::string& path, Done<Code> done) override;

  /// Waits until the handles of destroyed clients are closed, at most `patience`: so that a process about to end gives
  /// its sessions back, rather than leaving them to time out.
  static void wait_until_closed(std::chrono::milliseconds patience);

 private:
  enum class WatchKind { Children, Existence, Data };
  struct Link;     // what callbacks hold on to: the executor, and the client while it lives
  struct Handle;   // the library's handle and the memory it writes to

  std::uintptr_t expect(std::function<void(Reply)> done);
  std::uintptr_t watch_number(WatchKind kind, const std::string& path, const Watch& watch);
  void keep_watch(WatchKind kind, const std::string& path, const Watch& watch);
  void fail_if_not_sent(int sent, std::uintptr_t number);
  void on_session_event(const Reply& event);
  void on_watch(WatchKind kind, const std::string& path);

  // One number for each watched thing, used again by every reading: the library then sees the same watch and keeps one.
  struct WatchSlot {
    std::uintptr_t number = 0;
    std::vector<Watch> watches;
  };

  const std::shared_ptr<Link> link_;
  const std::uint64_t owner_;
  const std::string servers_;
  const ZooKeeperAuth auth_;
  std::chrono::milliseconds timeout_;
  std::shared_ptr<Handle> handle_;
  std::shared_ptr<const StateHandler> on_state_;
  SessionState state_ = SessionState::Connecting;
  std::int64_t client_id_ = 0;
  std::map<std::pair<WatchKind, std::string>, WatchSlot> watches_;
};

}  // namespace weir::discovery
