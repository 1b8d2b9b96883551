// One ZooKeeper session, as much of it as this library needs. Two implementations: CClient over libzookeeper_mt, and
// FakeSession over an in-memory registry. A third, native one (TLS, persistent watches) can be added behind it.
//
// A session ends for good: when it has, or has not been connected for too long, its owner (see ensemble.h) drops the
// object and makes another.
#pragma once

#include "session/executor.h"
#include "session/names.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir::discovery {

/// How an operation ended.
enum class Code {
  Ok,
  NoNode,
  NodeExists,
  NotEmpty,
  BadVersion,
  NoAuth,
  Lost,     ///< connection lost or session over: whether it took effect is unknown
  Refused,  ///< anything else; asking again at once would not help
};

/// A code in words, for log lines.
const char* to_string(Code code);

/// The facts ZooKeeper keeps about a node. `czxid` and `ctime` are its identity: a node made anew has others.
struct NodeStat {
  std::int64_t czxid = 0;           ///< transaction that made the node
  std::int64_t mzxid = 0;           ///< transaction that last wrote its data
  std::int64_t pzxid = 0;           ///< transaction that last added or removed a child
  std::int64_t ctime = 0;           ///< ms since the epoch, by the server's clock
  std::int32_t version = 0;         ///< of the data
  std::int64_t ephemeral_owner = 0; ///< client id of the owning session; 0: persistent
};

struct Listing {
  Code code = Code::Ok;
  Names names{};  ///< in no order
  NodeStat stat{};
};

struct NodeData {
  Code code = Code::Ok;
  std::string data{};
  NodeStat stat{};
};

struct Existence {
  Code code = Code::Ok;  ///< Ok or NoNode, unless it failed
  NodeStat stat{};
};

/// One step of a `multi`.
struct Operation {
  enum class Kind { Create, CreateEphemeral, Remove };
  Kind kind;
  std::string path;
  std::string data;            ///< for the two creating kinds
  std::int32_t version = -1;   ///< for Remove; -1: any

  static Operation create(std::string path, std::string data = {}) {
    return {Kind::Create, std::move(path), std::move(data), -1};
  }
  static Operation create_ephemeral(std::string path, std::string data = {}) {
    return {Kind::CreateEphemeral, std::move(path), std::move(data), -1};
  }
  static Operation remove(std::string path, std::int32_t version = -1) {
    return {Kind::Remove, std::move(path), {}, version};
  }
};

enum class SessionState {
  Connecting,  ///< at the start, and after each loss of a connection; the session may still be alive
  Connected,
  Expired,     ///< final
  AuthFailed,  ///< final
};

/// A session. Everything here is called on the executor it was made with, and every callback runs there, never
/// from within the call that asked for it. When the object is destroyed, callbacks still owed are not called.
///
/// Watches fire once, tell nothing but that it is time to read again, and survive reconnections; a lost connection
/// alone does not fire them. A watch belongs to who asked for it: it ends with the Watcher, and asking again with the
/// same Watcher before it fired does not make it fire twice.
class Session {
 public:
  using StateHandler = std::function<void(SessionState)>;
  using Watcher = std::function<void()>;
  using Watch = std::weak_ptr<Watcher>;
  template <class Result>
  using Done = std::function<void(Result)>;

  virtual ~Session() = default;
  /// Begins connecting; `on_state` is told each change of state. To be called once.
  virtual void connect(StateHandler on_state) = 0;
  virtual SessionState state() const = 0;
  /// The session's id; 0 before the first connection.
  virtual std::int64_t client_id() const = 0;
  /// The timeout agreed on with the server; the one asked for before the first connection.
  virtual std::chrono::milliseconds timeout() const = 0;

  /// Names the children of `path`; `watch` (may be empty) is set if that succeeds: it fires when a child is added
  /// or removed, or `path` itself is.
  virtual void list(const std::string& path, Watch watch, Done<Listing> done) = 0;
  /// Asks whether `path` exists; `watch` (may be empty) is set in either case: it fires when `path` is created,
  /// deleted, or its data written.
  virtual void exists(const std::string& path, Watch watch, Done<Existence> done) = 0;
  /// Reads the data of `path`; `watch` (may be empty) is set if that succeeds: it fires when the data is written or
  /// the node deleted.
  virtual void get(const std::string& path, Watch watch, Done<NodeData> done) = 0;
  virtual void set(const std::string& path, const std::string& data, std::int32_t version, Done<Code> done) = 0;
  /// All or nothing; the code is that of the step that failed.
  virtual void multi(std::vector<Operation> operations, Done<Code> done) = 0;
  /// Makes the server we are connected to catch up with the leader before it answers what is asked next.
  virtual void sync(const std::string& path, Done<Code> done) = 0;

  void create(const std::string& path, const std::string& data, Done<Code> done) {
    multi({Operation::create(path, data)}, std::move(done));
  }
  void create_ephemeral(const std::string& path, const std::string& data, Done<Code> done) {
    multi({Operation::create_ephemeral(path, data)}, std::move(done));
  }
  void remove(const std::string& path, std::int32_t version, Done<Code> done) {
    multi({Operation::remove(path, version)}, std::move(done));
  }
};

/// Makes the sessions of an ensemble. `servers`: `ip:port` or `[v6]:port`, comma-separated, already resolved.
using SessionFactory =
    std::function<std::unique_ptr<Session>(const std::string& servers, std::chrono::milliseconds timeout)>;

}  // namespace weir::discovery
