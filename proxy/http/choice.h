// Which backend an exchange is to have, as far as the exchange decides: its key, the session it belongs to, and its turn
// when all backends are full.
#pragma once

#include <optional>
#include <string_view>

#include <weir/balancer/upstream.h>

#include "http/error.h"
#include "http/exchange.h"
#include "shared/upstream_block.h"

namespace weir::http {

/// Lives as long as the exchange's stay at one upstream.
class Choice {
 public:
  Choice(Exchange& exchange, const UpstreamBlock& upstream);

  /// What the exchange asks the balancer for, but for what it has tried.
  balancer::PickRequest request() const;

  /// This backend was chosen. With `sticky cookie` the response will say so.
  void note(const balancer::Lease& lease);
  /// The head of the answer that is passed on came, or all of that answer was: the session belongs to its backend.
  void head_came() { learn(true); }
  void ended() { learn(false); }

 private:
  void learn(bool at_head);
  std::string_view first_of(const std::vector<VariableTable::Index>& variables) const;
  std::string_view make_cookie() const;

  Exchange& exchange_;
  const UpstreamBlock& upstream_;
  const std::string_view key_;
  std::string_view session_;  // its name, as the request has it; with Cookie and Route the route itself
  std::string_view wanted_;   // the route asked for
  std::string_view route_;    // of the backend chosen last
};

/// Picks a backend; if all are full, waits for one in the upstream's queue, behind those who wait already.
/// Errors: QueueFull, QueueTimeout, ClientClosed; NoBackend if there is none to wait for.
net::Task<Result<balancer::Lease>> acquire_in_turn(Exchange& exchange, const UpstreamBlock& upstream,
                                                   balancer::UpstreamReader& reader, balancer::PickRequest request);

}  // namespace weir::http
