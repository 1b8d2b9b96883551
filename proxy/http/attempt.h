// One try of an exchange at one backend.
#pragma once

#include <memory>

#include <weir/balancer/lease.h>

#include "http/backend_channel.h"
#include "http/backend_pool.h"
#include "http/exchange.h"
#include "http/proxy_conf.h"
#include "net/tls_client.h"

namespace weir::http {

class Attempt final : private net::StreamWatcher {
 public:
  Attempt(Exchange& exchange, const UpstreamBlock& upstream, balancer::Lease lease, bool encrypted);
  Attempt(const Attempt&) = delete;
  ~Attempt();

  /// Connects, sends `request` with its body and reads the response's head. `fresh`: not over a kept-alive connection.
  net::Task<Result<>> run(const OutgoingRequest& request, BodySource* body, bool fresh);

  /// Holds the response back until it is complete, if it is small: it can then still be asked for again.
  net::MaybeTask<Result<>> read_ahead();

  /// The backend has done its part: gives back the lease, and the connection to the pool if it is fit for another
  /// request. The channel is gone then. Done by the destructor if not before.
  void release();
  bool is_released() const { return released_; }

  /// Closes the idle connections to this backend: the one used here proved to be dead.
  void forget_idle() { pool_.drop(pool_key_); }
  /// What a tunnel moved, for the record.
  void note_tunnel(std::uint64_t received, std::uint64_t sent) { tunnel_received_ = received, tunnel_sent_ = sent; }

  /// The body ended: keeps its trailer fields for variables and, if `pass`, for the client.
  void note_trailers(bool pass);

  /// Waits until the backend sends something, or is over its time, or the client is gone (ClientClosed).
  net::Task<Result<>> wait_for_backend();

  /// Lives as long as the exchange.
  ResponseHead& head() { return *head_; }
  BackendChannel& channel() { return *channel_; }
  balancer::Lease& lease() { return lease_; }
  /// The claim on the backend, for another attempt at the same one. The attempt is over then.
  balancer::Lease take_lease();
  AttemptRecord& record() { return exchange_.attempts[record_]; }
  bool was_reused() const { return reused_; }
  /// Whether any octet of the request left, so that the backend may have acted on it.
  bool request_left() const { return channel_ && channel_->octets_sent() != 0; }
  /// Whether the backend's system surely did not take a single octet of it: it may be sent again, whatever it is.
  bool surely_unread() const;

 private:
  net::MaybeTask<Result<>> connect(bool fresh);
  net::Task<Result<>> connect_anew();
  net::MaybeTask<Result<>> send(BodySource* body);
  net::Task<Result<>> push_head();
  net::Task<Result<>> send_body(BodySource* body);
  net::Task<Result<>> wait_ahead();
  Result<> send_failed();
  net::Task<std::optional<Result<>>> wait_to_push(bool body_is_whole);
  net::Task<std::optional<Result<>>> wait_for_client();
  net::Task<std::optional<Result<>>> early_answer();
  net::Task<Result<>> read_head();
  void choose_own_address();
  void choose_transport();
  bool take_idle();
  bool wants_early_hints();
  bool watch_client();
  Result<> client_closed();
  net::Task<Result<>> pass_on_interim();
  void on_event(net::Stream& client) override;  // the client went away

  Exchange& exchange_;
  const UpstreamBlock& upstream_;
  const ProxyConf& conf_;
  balancer::Lease lease_;
  std::optional<net::Endpoint> bind_;  // proxy_bind
  std::optional<net::TlsTarget> tls_;  // https: whom the connection has to be for
  std::uint64_t pool_key_;             // the backend, our own address if it is chosen, whom TLS is for
  UpstreamPool& pool_;
  net::Stream* connecting_ = nullptr;
  std::unique_ptr<BackendChannel> channel_;
  ResponseHead* const head_;  // in the exchange's arena: variables read it when the attempt is over
  std::size_t record_;
  net::TimePoint started_;
  std::uint64_t acked_before_ = 0;
  std::uint64_t tunnel_received_ = 0, tunnel_sent_ = 0;
  unsigned interims_ = 0;
  bool reused_ = false;
  bool sent_whole_ = false;
  bool released_ = false;
};

}  // namespace weir::http
