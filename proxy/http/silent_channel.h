// The client's side of an exchange whose response goes nowhere: of a subrequest, or of an answer that nobody asked for but
// Weir itself. The request has no body.
#pragma once

#include "http/client_channel.h"

namespace weir::http {

class SilentChannel : public ClientChannel {
 public:
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
  bool is_pipelined() const override { return false; }
  std::uint64_t octets_sent() const override { return 0; }
  std::uint64_t octets_received() const override { return 0; }

  BodyRead next() override { return {BodyStatus::End}; }
  net::IoError fill() override { return {}; }
  net::Task<net::IoError> wait() override { co_return net::IoError{}; }
};

}  // namespace weir::http
