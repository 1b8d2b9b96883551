// A request that Weir makes to itself for another one: `auth_request`.
//
// It has an exchange of its own with the client's head, goes through the same phases (but access, which is the client's
// affair) and its response goes nowhere: what is kept is its status and its fields.
#pragma once

#include "http/exchange.h"
#include "http/silent_channel.h"

namespace weir::http {

/// As silent as it is, its client is that of the exchange it is made for.
class SubrequestChannel final : public SilentChannel {
 public:
  explicit SubrequestChannel(ClientChannel& client) : client_(client) {}

  const ConnectionInfo& connection() const override { return client_.connection(); }
  net::Stream& stream() override { return client_.stream(); }
  bool is_pipelined() const override { return client_.is_pipelined(); }

 private:
  ClientChannel& client_;
};

/// One subrequest. It must not outlive the exchange that it is for; texts of its exchange live as long as that one.
class Subrequest {
 public:
  /// A GET of `uri` (normalised, without arguments).
  Subrequest(Exchange& parent, std::string_view uri);

  /// Serves it. Afterwards the exchange has the response's status and fields.
  net::Task<void> run();

  Exchange& exchange() { return exchange_; }

 private:
  Exchange& parent_;
  SubrequestChannel channel_;
  Exchange exchange_;
};

}  // namespace weir::http
