// Ends a session whose backend was removed, or is down for good (`proxy_session_drop`).
//
// A backend has no list of its sessions, and a session may be silent for hours, so it looks itself, twice a second.
#pragma once

#include <chrono>
#include <functional>
#include <utility>

#include <weir/balancer/backend.h>

#include "log/error_log.h"
#include "net/timers.h"
#include "stream/proxy_conf.h"
#include "stream/session.h"

namespace weir::stream {

class DropWatch final : private net::Timer {
 public:
  /// `drop` ends the session; it is called at most once, and outlived by everything it touches. `backend` too.
  DropWatch(Session& session, const balancer::Backend& backend, std::function<void()> drop)
      : Timer(session.loop().timers()), session_(session), backend_(backend), drop_(std::move(drop)),
        was_vetoed_(backend.is_vetoed()) {
    if (*session.conf<ProxyConf>().session_drop) arm_at(session.loop().now() + kPause);
  }

 private:
  static constexpr std::chrono::milliseconds kPause{500};

  void on_timer() override {
    // Who was taken although its check failed, as the last one left, is not dropped for that.
    const bool fails_now = backend_.is_vetoed();
    was_vetoed_ = was_vetoed_ && fails_now;
    if (!backend_.is_down() && (!fails_now || was_vetoed_)) return arm_at(session_.loop().now() + kPause);
    log::info(session_.error_log(), session_, "upstream server {}, so the session is dropped",
              fails_now ? "fails its health check" : "was removed or is down");
    drop_();
  }

  Session& session_;
  const balancer::Backend& backend_;
  const std::function<void()> drop_;
  bool was_vetoed_;
};

}  // namespace weir::stream
