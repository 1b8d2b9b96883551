#include "session/c_client.h"

#include "session/c_callbacks.h"
#include "session/callback_table.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::discovery {
namespace {

// Results of one multi. The library writes into it until its completion has run, be that while closing.
struct MultiBuffer {
  std::vector<Operation> operations;
  std::vector<zoo_op_t> ops;
  std::vector<zoo_op_result_t> results;
  std::array<char, 1024> created_path{};  // never read; the library wants a place
};

// Counts the handles that are being closed. Never destroyed: closing threads may outlive `main`.
struct Closing {
  std::mutex mutex;
  std::condition_variable none_left;
  int count = 0;

  static Closing& instance() {
    static auto* const closing = new Closing;
    return *closing;
  }
};

std::uint64_t next_owner() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

const void* as_context(std::uintptr_t number) { return reinterpret_cast<const void*>(number); }
void* as_watch_context(std::uintptr_t number) { return reinterpret_cast<void*>(number); }

}  // namespace

struct CClient::Link {
  std::shared_ptr<Executor> executor;
  CClient* client;  // touched on the executor only; null once destroyed
};

struct CClient::Handle {
  zhandle_t* zk = nullptr;
  // By their own address. Touched on the executor only, and by whoever closes the handle afterwards.
  std::map<const MultiBuffer*, std::unique_ptr<MultiBuffer>> multis;
};

CClient::CClient(std::shared_ptr<Executor> executor, std::string servers, std::chrono::milliseconds timeout,
                 ZooKeeperAuth auth)
    : link_(std::make_shared<Link>(Link{std::move(executor), this})),
      owner_(next_owner()),
      servers_(std::move(servers)),
      auth_(std::move(auth)),
      timeout_(timeout),
      handle_(std::make_shared<Handle>()) {}

CClient::~CClient() {
  link_->client = nullptr;
  CallbackTable::instance().drop_owner(owner_);
  if (handle_->zk == nullptr) return;
  {
    const std::lock_guard lock(Closing::instance().mutex);
    ++Closing::instance().count;
  }
  std::thread([handle = std::move(handle_)] {
    zookeeper_close(handle->zk);
    Closing& closing = Closing::instance();
    const std::lock_guard lock(closing.mutex);
    if (--closing.count == 0) closing.none_left.notify_all();
  }).detach();
}

void CClient::wait_until_closed(std::chrono::milliseconds patience) {
  Closing& closing = Closing::instance();
  std::unique_lock lock(closing.mutex);
  closing.none_left.wait_for(lock, patience, [&] { return closing.count == 0; });
}

void CClient::connect(StateHandler on_state) {
  on_state_ = std::make_shared<const StateHandler>(std::move(on_state));
  const std::uintptr_t number =
      CallbackTable::instance().add(owner_, /*once=*/false, [link = link_](Reply event) {
        link->executor->post([link, event = std::move(event)] {
          if (link->client != nullptr) link->client->on_session_event(event);
        });
      });
  // The level is the library's one global; its default writes pages to standard error.
  zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
  handle_->zk = zookeeper_init2(servers_.c_str(), weir_zk_session_event, static_cast<int>(timeout_.count()), nullptr,
                                as_watch_context(number), ZOO_NO_LOG_CLIENTENV, weir_zk_log);
  if (handle_->zk == nullptr) return;
  zoo_set_servers_resolution_delay(handle_->zk, -1);
  // Kept by the library and sent again with each connection. A wrong secret of this scheme is no error: it makes us
  // somebody else, who is then not permitted to do things.
  if (!auth_.scheme.empty()) {
    zoo_add_auth(handle_->zk, auth_.scheme.c_str(), auth_.secret.data(), static_cast<int>(auth_.secret.size()), nullptr,
                 nullptr);
  }
}

void CClient::on_session_event(const Reply& event) {
  SessionState state = to_state(event.code);
  if (state == SessionState::Connected) {
    // Some servers give a new session under the old handle without saying that the old one expired.
    if (client_id_ != 0 && event.client_id != client_id_) state = SessionState::Expired;
    client_id_ = event.client_id;
    if (event.timeout_ms > 0) timeout_ = std::chrono::milliseconds(event.timeout_ms);
  }
  if (state == state_) return;
  state_ = state;
  // The handler may destroy this object, and with it the handler.
  const auto on_state = on_state_;
  (*on_state)(state);
}

std::uintptr_t CClient::expect(std::function<void(Reply)> done) {
  return CallbackTable::instance().add(owner_, /*once=*/true, [link = link_, done = std::move(done)](Reply answer) {
    link->executor->post([link, done, answer = std::move(answer)]() mutable {
      if (link->client != nullptr) done(std::move(answer));
    });
  });
}

// The library refuses some calls at once, without a completion; the caller is told in the same way as of any answer.
void CClient::fail_if_not_sent(int sent, std::uintptr_t number) {
  if (sent != ZOK) CallbackTable::instance().call(number, Reply{.code = sent});
}

std::uintptr_t CClient::watch_number(WatchKind kind, const std::string& path, const Watch& watch) {
  if (watch.expired()) return 0;
  WatchSlot& slot = watches_[{kind, path}];
  if (slot.number == 0) {
    slot.number = CallbackTable::instance().add(owner_, /*once=*/false, [link = link_, kind, path](Reply) {
      link->executor->post([link, kind, path] {
        if (link->client != nullptr) link->client->on_watch(kind, path);
      });
    });
  }
  return slot.number;
}

// Once the answer is there: what failed has set no watch, and what fires before it was set earlier.
void CClient::keep_watch(WatchKind kind, const std::string& path, const Watch& watch) {
  const auto watcher = watch.lock();
  if (watcher == nullptr) return;
  std::vector<Watch>& watches = watches_[{kind, path}].watches;
  std::erase_if(watches, [&](const Watch& other) { return other.expired() || other.lock() == watcher; });
  watches.push_back(watch);
}

void CClient::on_watch(WatchKind kind, const std::string& path) {
  const auto slot = watches_.find({kind, path});
  if (slot == watches_.end()) return;
  // Taken out first: a watcher may ask again at once, or have this object destroyed.
  const std::vector<Watch> fired = std::exchange(slot->second.watches, {});
  for (const Watch& watch : fired) {
    if (const auto watcher = watch.lock()) (*watcher)();
  }
}

void CClient::list(const std::string& path, Watch watch, Done<Listing> done) {
  const std::uintptr_t number = expect([this, path, watch, done = std::move(done)](Reply answer) {
    const Code code = to_code(answer.code);
    if (code == Code::Ok) keep_watch(WatchKind::Children, path, watch);
    done(Listing{code, std::move(answer.names), answer.stat});
  });
  const std::uintptr_t watched = watch_number(WatchKind::Children, path, watch);
  fail_if_not_sent(handle_->zk == nullptr
                       ? static_cast<int>(ZINVALIDSTATE)
                       : zoo_awget_children2(handle_->zk, path.c_str(), watched == 0 ? nullptr : weir_zk_watch,
                                             as_watch_context(watched), weir_zk_listed, as_context(number)),
                   number);
}

void CClient::exists(const std::string& path, Watch watch, Done<Existence> done) {
  const std::uintptr_t number = expect([this, path, watch, done = std::move(done)](Reply answer) {
    const Code code = to_code(answer.code);
    if (code == Code::Ok || code == Code::NoNode) keep_watch(WatchKind::Existence, path, watch);
    done(Existence{code, answer.stat});
  });
  const std::uintptr_t watched = watch_number(WatchKind::Existence, path, watch);
  fail_if_not_sent(handle_->zk == nullptr
                       ? static_cast<int>(ZINVALIDSTATE)
                       : zoo_awexists(handle_->zk, path.c_str(), watched == 0 ? nullptr : weir_zk_watch,
                                      as_watch_context(watched), weir_zk_stat, as_context(number)),
                   number);
}

void CClient::get(const std::string& path, Watch watch, Done<NodeData> done) {
  const std::uintptr_t number = expect([this, path, watch, done = std::move(done)](Reply answer) {
    const Code code = to_code(answer.code);
    if (code == Code::Ok) keep_watch(WatchKind::Data, path, watch);
    done(NodeData{code, std::move(answer.data), answer.stat});
  });
  const std::uintptr_t watched = watch_number(WatchKind::Data, path, watch);
  fail_if_not_sent(handle_->zk == nullptr
                       ? static_cast<int>(ZINVALIDSTATE)
                       : zoo_awget(handle_->zk, path.c_str(), watched == 0 ? nullptr : weir_zk_watch,
                                   as_watch_context(watched), weir_zk_data, as_context(number)),
                   number);
}

void CClient::set(const std::string& path, const std::string& data, std::int32_t version, Done<Code> done) {
  const std::uintptr_t number = expect([done = std::move(done)](Reply answer) { done(to_code(answer.code)); });
  fail_if_not_sent(handle_->zk == nullptr
                       ? static_cast<int>(ZINVALIDSTATE)
                       : zoo_aset(handle_->zk, path.c_str(), data.data(), static_cast<int>(data.size()), version,
                                  weir_zk_stat, as_context(number)),
                   number);
}

void CClient::sync(const std::string& path, Done<Code> done) {
  const std::uintptr_t number = expect([done = std::move(done)](Reply answer) { done(to_code(answer.code)); });
  fail_if_not_sent(handle_->zk == nullptr
                       ? static_cast<int>(ZINVALIDSTATE)
                       : zoo_async(handle_->zk, path.c_str(), weir_zk_string, as_context(number)),
                   number);
}

void CClient::multi(std::vector<Operation> operations, Done<Code> done) {
  auto buffer = std::make_unique<MultiBuffer>();
  buffer->operations = std::move(operations);
  const std::size_t count = buffer->operations.size();
  buffer->ops.resize(count);
  buffer->results.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const Operation& operation = buffer->operations[i];
    if (operation.kind == Operation::Kind::Remove) {
      zoo_delete_op_init(&buffer->ops[i], operation.path.c_str(), operation.version);
    } else {
      zoo_create_op_init(&buffer->ops[i], operation.path.c_str(), operation.data.data(),
                         static_cast<int>(operation.data.size()),
                         auth_.scheme.empty() ? &ZOO_OPEN_ACL_UNSAFE : &ZOO_CREATOR_ALL_ACL,
                         operation.kind == Operation::Kind::CreateEphemeral ? ZOO_EPHEMERAL : ZOO_PERSISTENT,
                         buffer->created_path.data(), static_cast<int>(buffer->created_path.size()));
    }
  }
  MultiBuffer& kept = *buffer;
  handle_->multis.emplace(&kept, std::move(buffer));
  // If the client is destroyed before the answer comes, the buffer stays with the handle until that is closed.
  const std::uintptr_t number = expect([this, key = &kept, done = std::move(done)](Reply answer) {
    handle_->multis.erase(key);
    done(to_code(answer.code));
  });
  fail_if_not_sent(handle_->zk == nullptr ? static_cast<int>(ZINVALIDSTATE)
                                          : zoo_amulti(handle_->zk, static_cast<int>(count), kept.ops.data(),
                                                       kept.results.data(), weir_zk_void, as_context(number)),
                   number);
}

}  // namespace weir::discovery
