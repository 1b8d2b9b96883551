// A request that Weir makes to itself for another one: `auth_request`.
//
// It has an exchange of its own with the client's head, goes through the same phases (but access, which is the client's
// affair) and its response goes nowhere: what is kept is its status and its fields.
#pragma once

#include "http/exchange.h"

namespace weir::http {

/// Where the response of a subrequest goes: nowhere. The request has no body.
class SilentChannel final : public ClientChannel {
 public:
  /// `client`: of the exchange that the subrequest is made for.
  explicit SilentChannel(ClientChannel& client) : client_(client) {}

  const ConnectionInfo& connection() const override { return client_.connection(); }
  net::Stream& stream() override { return client_.stream(); }
  net::Task<net::IoError> invite_body() override { co_return net::IoError{}; }
  bool request_ended() const override { return true; }
  void begin_body_wait() override {}
  net::IoError end_body_wait() override { return {}; }
  void begin_response(const Response&) override {}
  void set_trailers(const Fields&) override {}
  SendStatus try_send(std::span<const std::string_view>, bool) override { return SendStatus::Sent; }
  net::Task<net::IoError> drain(BodySource*) override { co_return net::IoError{}; }
  net::Task<net::IoError> send_interim(int, const Fields&) override { co_return net::IoError{}; }
  void break_off() override {}
  void close_after_response() override {}
  std::string_view early_octets() const override { return {}; }
  bool is_pipelined() const override { return client_.is_pipelined(); }
  std::uint64_t octets_sent() const override { return 0; }
  std::uint64_t octets_received() const override { return 0; }

  BodyRead next() override { return {BodyStatus::End}; }
  net::IoError fill() override { return {}; }
  net::Task<net::IoError> wait() override { co_return net::IoError{}; }

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
  SilentChannel channel_;
  Exchange exchange_;
};

}  // namespace weir::http
