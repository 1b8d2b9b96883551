#include "session/c_callbacks.h"

#include "session/callback_table.h"

#include <utility>

namespace weir::discovery {
namespace {

constexpr std::size_t kUsualName = 32;  // bytes

NodeStat to_stat(const Stat* stat) {
  if (stat == nullptr) return {};
  return {stat->czxid, stat->mzxid, stat->pzxid, stat->ctime, stat->version, stat->ephemeralOwner};
}

void reply(const void* number, Reply reply) {
  CallbackTable::instance().call(reinterpret_cast<std::uintptr_t>(number), std::move(reply));
}

}  // namespace

const char* to_string(Code code) {
  switch (code) {
    case Code::Ok: return "ok";
    case Code::NoNode: return "no such node";
    case Code::NodeExists: return "node exists";
    case Code::NotEmpty: return "node has children";
    case Code::BadVersion: return "changed meanwhile";
    case Code::NoAuth: return "not permitted";
    case Code::Lost: return "connection lost";
    case Code::Refused: return "refused";
  }
  return "?";
}

Code to_code(int rc) {
  switch (rc) {
    case ZOK: return Code::Ok;
    case ZNONODE: return Code::NoNode;
    case ZNODEEXISTS: return Code::NodeExists;
    case ZNOTEMPTY: return Code::NotEmpty;
    case ZBADVERSION: return Code::BadVersion;
    case ZNOAUTH: return Code::NoAuth;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZINVALIDSTATE:
    case ZCLOSING: return Code::Lost;
    default: return Code::Refused;
  }
}

// States are not compile-time constants in the library's header, hence no switch. 0 and 999 (between attempts, not
// connected), ASSOCIATING and read-only (never asked for) all mean: not usable now.
SessionState to_state(int state) {
  if (state == ZOO_CONNECTED_STATE) return SessionState::Connected;
  if (state == ZOO_EXPIRED_SESSION_STATE) return SessionState::Expired;
  if (state == ZOO_AUTH_FAILED_STATE) return SessionState::AuthFailed;
  return SessionState::Connecting;
}

extern "C" {
void weir_zk_session_event(zhandle_t* handle, int type, int state, const char*, void* number) {
  if (type != ZOO_SESSION_EVENT) return;
  Reply event;
  event.code = state;
  if (const clientid_t* id = zoo_client_id(handle)) event.client_id = id->client_id;
  event.timeout_ms = zoo_recv_timeout(handle);
  reply(number, std::move(event));
}

void weir_zk_watch(zhandle_t*, int type, int, const char*, void* number) {
  // Session events reach every watch too, without consuming it.
  if (type == ZOO_SESSION_EVENT) return;
  reply(number, Reply{.event = type});
}

void weir_zk_listed(int rc, const String_vector* names, const Stat* stat, const void* number) {
  Reply answer{.code = rc, .stat = to_stat(stat)};
  if (rc == ZOK && names != nullptr) {
    const auto count = static_cast<std::size_t>(names->count);
    answer.names.reserve(count, count * kUsualName);
    for (std::size_t i = 0; i < count; ++i) answer.names.push_back(names->data[i]);
  }
  reply(number, std::move(answer));
}

void weir_zk_stat(int rc, const Stat* stat, const void* number) {
  reply(number, Reply{.code = rc, .stat = to_stat(rc == ZOK ? stat : nullptr)});
}

void weir_zk_data(int rc, const char* value, int length, const Stat* stat, const void* number) {
  Reply answer{.code = rc, .stat = to_stat(rc == ZOK ? stat : nullptr)};
  if (rc == ZOK && value != nullptr && length > 0) answer.data.assign(value, static_cast<std::size_t>(length));
  reply(number, std::move(answer));
}

void weir_zk_void(int rc, const void* number) { reply(number, Reply{.code = rc}); }
void weir_zk_string(int rc, const char*, const void* number) { reply(number, Reply{.code = rc}); }
void weir_zk_log(const char*) {}
}

}  // namespace weir::discovery
