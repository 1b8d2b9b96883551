// The attempts of one session at backends: which were tried, and whether another one may be.
#pragma once

#include <cstdint>

#include <weir/balancer/tried.h>

#include "shared/key.h"
#include "stream/proxy_conf.h"
#include "stream/session.h"

namespace weir::stream {

class Tries {
 public:
  Tries(Session& session, const UpstreamBlock& upstream)
      : session_(session), conf_(session.conf<ProxyConf>()), began_(session.loop().now()),
        key_(key_for(session, upstream)) {}

  balancer::PickRequest next_pick() const {
    return {.tried = &tried_,
            .now = session_.loop().now(),
            .key = key_,
            .random = session_.runtime().base_worker().random()};
  }
  void note(const balancer::Lease& lease) {
    tried_.add(lease.backend());
    ++count_;
  }
  bool allow_another() const {
    if (!*conf_.next_upstream) return false;
    if (*conf_.next_upstream_tries != 0 && count_ >= *conf_.next_upstream_tries) return false;
    const auto limit = *conf_.next_upstream_timeout;
    return limit.count() == 0 || session_.loop().now() - began_ < limit;
  }

 private:
  Session& session_;
  const ProxyConf& conf_;
  const net::TimePoint began_;
  const std::string_view key_;
  balancer::Tried tried_;
  std::uint64_t count_ = 0;
};

}  // namespace weir::stream
