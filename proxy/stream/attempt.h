// One try of a session at one backend, whatever is sent: the lease, the marks, and what the log is told.
#pragma once

#include <cstddef>
#include <cstdint>

#include <weir/balancer/lease.h>

#include "net/io_result.h"
#include "net/relay.h"
#include "shared/panic.h"
#include "stream/destination.h"
#include "stream/phase.h"
#include "stream/proxy_conf.h"
#include "stream/session.h"
#include "stream/tries.h"

namespace weir::stream {

class Attempt : protected net::RelayObserver {
 public:
  /// What came of a connect.
  enum class Connected : std::uint8_t { Yes, Failed, ClientGone, OwnFault };

  Attempt(const Attempt&) = delete;

 protected:
  /// Begins a record of the session; the destructor ends it.
  Attempt(Session& session, const UpstreamBlock& upstream, balancer::Lease lease);
  ~Attempt();

  AttemptRecord& record() { return session_.attempts[index_]; }
  /// There is a connection: how long it took. Where that is what a server is timed by, its lease is told.
  void note_connected();
  /// There is none because of `error`, which was logged; whose fault that is.
  Connected note_unconnected(net::IoError error);
  void note_failure();
  void on_first_from_b() override;

  Session& session_;
  const ProxyConf& conf_;
  const UpstreamBlock& upstream_;
  balancer::Lease lease_;

 private:
  std::chrono::microseconds elapsed() const;

  const std::size_t index_;
  const net::TimePoint began_;
};

/// Gives the session to a backend, to another while that fails and one may be tried. `Try`: an Attempt with the coroutines
/// `connect`, and `relay`, which lasts until the session is over and returns its status.
template <class Try>
net::Task<PhaseResult> forward_by(Session& session) {
  const std::optional<Destination> destination = co_await find_destination(session);
  if (!destination) co_return PhaseResult::end(status::kInternal);
  session.is_proxying = true;
  Tries tries(session, *destination->upstream);
  while (auto lease = destination->reader->acquire(tries.next_pick())) {
    tries.note(*lease);
    shared::note_panic(*destination->reader, *lease, session.error_log());
    Try attempt(session, *destination->upstream, std::move(*lease));
    switch (co_await attempt.connect()) {
      case Attempt::Connected::Yes: {
        const int status = co_await attempt.relay();
        co_return PhaseResult::end(status);
      }
      case Attempt::Connected::ClientGone: co_return PhaseResult::end(status::kOk);
      case Attempt::Connected::OwnFault: co_return PhaseResult::end(status::kInternal);
      case Attempt::Connected::Failed: break;
    }
    if (!tries.allow_another()) co_return PhaseResult::end(status::kBadGateway);
  }
  log::error(session.error_log(), session, "no live upstreams while connecting to upstream");
  if (session.attempts.empty()) session.attempts.emplace_back().address = session.keep(destination->upstream->name);
  co_return PhaseResult::end(status::kBadGateway);
}

}  // namespace weir::stream
