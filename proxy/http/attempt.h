// One try of an exchange at one backend.
#pragma once

#include <memory>
#include <optional>

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

  struct Options {
    bool fresh = false;      // not over a kept-alive connection
    bool can_leave = false;  // Reason::Hangs is wanted: the request may be given to another backend
  };
  /// Connects, sends `request` with its body and reads the response's head.
  net::MaybeTask<Result<>> run(const OutgoingRequest& request, BodySource* body, Options options);
  /// After Reason::Hangs, when there is nobody else to ask: waits on for the head, for `pause` without asking again.
  net::Task<Result<>> wait_on(std::chrono::milliseconds pause);

  /// Holds the response back until it is complete, if it is small: it can then still be asked for again. One whose
  /// length is unknown is not held for long.
  net::MaybeTask<Result<>> read_ahead();
  /// The next octets of the response's body, those that were read ahead first; as BodySource::next.
  BodyRead next_of_body();

  /// The backend has done its part: gives back the lease, and the connection to the pool if it is fit for another
  /// request. The channel is gone then. Done by the destructor if not before.
  void release();
  bool is_released() const { return released_; }

  /// The head of an answer came that is passed on; `is_error`: it tells of trouble at the backend.
  void note_answer(bool is_error);

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
  /// Whether all of it left: an answer may come before.
  bool request_left_whole() const { return sent_whole_; }
  /// Whether the backend's system surely did not take a single octet of it: it may be sent again, whatever it is.
  bool surely_unread() const;

 private:
  class ConnectWatch;
  static constexpr unsigned kMostInterims = 16;

  std::chrono::microseconds taken() const;
  bool was_ended_in_order() const;
  std::uint64_t acked_so_far() const;
  void note_head();
  void hear();
  bool watch_client();
  Result<> client_closed();
  Result<> end_wait(net::IoError waited);
  net::Task<Result<>> connect_and_ask(const OutgoingRequest& request, BodySource* body, bool fresh);
  net::MaybeTask<Result<>> ask(const OutgoingRequest& request, BodySource* body);
  net::Task<Result<>> send_and_hear(net::MaybeTask<Result<>> sending);
  net::MaybeTask<Result<>> hear_answer();
  void on_event(net::Stream& client) override;  // the client went away

  // attempt_connect.cc
  void choose_own_address();
  void choose_transport();
  bool take_idle();
  bool failed_lately() const;
  net::Task<Result<>> connect(bool with_caution);
  net::Task<bool> is_accepted_only();

  // attempt_send.cc
  net::MaybeTask<Result<>> send(BodySource* body);
  net::Task<Result<>> push_head();
  net::Task<Result<>> send_body(BodySource* body);
  Result<> send_failed();
  net::Task<std::optional<Result<>>> wait_to_push(bool body_is_whole);
  net::Task<std::optional<Result<>>> wait_for_client();
  net::Task<std::optional<Result<>>> early_answer();

  // attempt_answer.cc
  net::Task<Result<>> read_head();
  net::Task<Result<>> pass_on_interim();
  bool wants_early_hints();
  bool is_left_alone(net::TimePoint now);
  bool has_piled_up();
  net::Task<Result<>> wait_ahead();
  net::Task<Result<>> collect_ahead();

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
  net::TimePoint sent_;           // the request, whole; until then when connecting began
  net::TimePoint head_deadline_;  // of the whole head
  net::TimePoint look_at_;        // when silence is unusual, or to be judged again
  net::Buffer held_;              // the beginning of a body that was read ahead
  std::string_view held_text_, held_rest_;  // what of it was not handed out: of the buffer, and of the channel
  std::uint64_t acked_before_ = 0;
  std::uint64_t tunnel_received_ = 0, tunnel_sent_ = 0;
  unsigned interims_ = 0;
  mutable std::optional<bool> ended_in_order_;  // once it was asked for
  bool reused_ = false;
  bool sent_whole_ = false;
  bool released_ = false;
  bool can_leave_ = false;
  bool heard_ = false;  // something came from the backend
  bool is_counted_ = false;  // among those that are overdue
  bool answered_well_ = false;
};

}  // namespace weir::http
