// OcspExchange: asks OCSP responders over HTTP.
#pragma once

#include "net/ocsp_asker.h"

namespace weir::server {

class OcspExchange final : public net::OcspAsker {
 public:
  /// `may_block`: where there is no `resolver`, the system may be asked for addresses, which holds up the thread.
  explicit OcspExchange(bool may_block) : may_block_(may_block) {}

  net::Task<net::OcspReply> ask(net::Loop& loop, const net::OcspResponder& responder, const net::TlsResponderNames& names,
                                std::string target, net::TimePoint deadline, net::OcspInquiry** under_way) override;

 private:
  const bool may_block_;
};

/// For questions about clients: it waits for nobody in its thread. Thread-safe, as it keeps nothing.
net::OcspAsker& clients_responders();

}  // namespace weir::server
