// Waiting as long as the client does.
#pragma once

#include <coroutine>

#include "http/exchange.h"
#include "http/proxy_conf.h"

namespace weir::http {

/// Whether nobody waits for what a backend answers: the client is gone; where `proxy_ignore_client_abort` is on, which does
/// not heed that, only if it was Weir that closed the connection.
inline bool is_client_gone(Exchange& exchange) {
  const net::Stream& client = exchange.client().stream();
  return *exchange.conf<ProxyConf>().ignore_client_abort ? !client.is_open() : client.peer_closed();
}

/// `co_await patient_sleep(exchange, duration)`: goes on after `duration`, with true; or soon after the client is gone,
/// with false. Nothing else may watch the client's stream meanwhile.
class [[nodiscard]] PatientSleep final : net::Timer, net::StreamWatcher {
 public:
  PatientSleep(Exchange& exchange, std::chrono::milliseconds duration)
      : Timer(exchange.loop().timers()), loop_(exchange.loop()), client_(exchange.client().stream()), duration_(duration) {}
  bool await_ready() const noexcept { return duration_.count() <= 0; }
  void await_suspend(std::coroutine_handle<> coroutine) {
    coroutine_ = coroutine;
    if (client_.peer_closed()) return leave();
    arm(duration_);
    client_.watch(this);
    watching_ = true;
  }
  bool await_resume() noexcept {
    if (watching_) client_.watch(nullptr);
    return !gone_;
  }

 private:
  void on_timer() override { coroutine_.resume(); }
  void on_event(net::Stream& client) override {
    if (!gone_ && client.peer_closed()) leave();
  }
  void leave() {
    gone_ = true;
    disarm();
    loop_.resume_later(coroutine_);  // not from inside the stream's own work
  }

  net::Loop& loop_;
  net::Stream& client_;
  const std::chrono::milliseconds duration_;
  std::coroutine_handle<> coroutine_;
  bool gone_ = false, watching_ = false;
};

inline PatientSleep patient_sleep(Exchange& exchange, std::chrono::milliseconds duration) {
  return PatientSleep(exchange, duration);
}

}  // namespace weir::http
