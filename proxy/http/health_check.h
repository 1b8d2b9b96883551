// What an answer of HTTP is worth to a health check.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "http/exchange.h"
#include "http/message.h"
#include "http/silent_channel.h"
#include "shared/health_check.h"

namespace weir::http {

/// Judges the answers to the checks of one configuration. The variables that a match block requires see an exchange
/// without a client, whose only attempt was the check: so most of them are empty. Belongs to one loop.
class HealthJudge {
 public:
  HealthJudge(net::Loop& loop, std::shared_ptr<const HttpConfig> config, std::shared_ptr<const log::ErrorLog> error_log);

  /// An answer, and who gave it.
  struct Answer {
    const ResponseHead& head;
    std::string_view body;
    AttemptRecord attempt;
  };

  /// Why the answer will not do for `match`, a block of the configuration; empty: it will. `memory`: for what has to be
  /// written meanwhile.
  std::string judge(const shared::HealthMatch& match, const Answer& answer, net::Arena& memory);

 private:
  /// Where a client would be.
  class Nobody final : public SilentChannel {
   public:
    explicit Nobody(net::Loop& loop) : stream_(loop, -1) { info_.since = loop.now(); }
    const ConnectionInfo& connection() const override { return info_; }
    net::Stream& stream() override { return stream_; }

   private:
    ConnectionInfo info_;
    net::Stream stream_;  // closed
  };

  const std::shared_ptr<const log::ErrorLog> error_log_;
  const ProcessCounters no_counters_;
  WorkerState worker_;
  const RuntimeRef runtime_;
  const ServerBlock server_;  // one in which nothing is set
  Nobody nobody_;
};

}  // namespace weir::http
