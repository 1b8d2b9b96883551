// An HTTP/1 connection of a client: heads in, one exchange after the other.
//
// Between requests it holds no buffer: a small coroutine frame, a socket and this object. How much that is, is tested
// (tests/integration/memory).
#pragma once

#include <memory>
#include <string>

#include "http/client_channel.h"
#include "http/connection_host.h"
#include "http/core_conf.h"
#include "http/exchange.h"
#include "http1/input_buffer.h"
#include "http1/request_parser.h"
#include "shared/arrival.h"

namespace weir::http1 {

class ExchangeChannel;

class ClientConnection final : public http::ClientConnectionBase {
 public:
  /// `listen`: the address it came to, of the runtime in force.
  ClientConnection(http::ConnectionHost& host, std::unique_ptr<net::Stream> stream, shared::Arrival arrival,
                   const http::ListenAddress& listen);
  ~ClientConnection();

  /// Serves until the connection ends.
  static net::Task<void> run(std::unique_ptr<ClientConnection> connection);

  void drain() override;
  void close_now() override;
  http::Standing standing() const override;
  void follow() override;
  std::uint64_t generation() const override { return generation_; }
  const net::Endpoint& client() const override { return info_.client; }
  void make_room(std::string_view limit) override;

 private:
  friend class ExchangeChannel;
  enum class After : std::uint8_t { KeepAlive, Linger, Close };

  net::Task<bool> read_proxy_header();
  bool keeps_waiting();
  std::chrono::milliseconds patience() const;
  bool goes_on(After after);
  net::Task<void> end_in_order();
  net::Task<After> serve_one();
  /// Reads one head. Returns 0, or the status of a refusal, or -1 if the client is gone.
  net::MaybeTask<int> read_head(http::Exchange& exchange, RequestParser& parser);
  std::optional<int> parse_head(http::Exchange& exchange, RequestParser& parser);
  net::Task<int> read_rest_of_head(http::Exchange& exchange, RequestParser& parser);
  int refuse(http::Exchange& exchange, const ParseError& error);
  int route(http::Exchange& exchange);
  net::Task<void> linger();
  void follow_reload();
  void choose_server();
  void enter(http::Standing::Kind stage);
  http::Counter& counter_of(http::Standing::Kind stage) const;
  const http::CoreConf& core() const { return info_.server->root.settings.get<http::CoreConf>(); }

  http::ConnectionHost& host_;
  http::RuntimeRef runtime_;
  std::unique_ptr<net::Stream> stream_;
  InputBuffer input_;
  http::ConnectionInfo info_;
  std::unique_ptr<net::ProxyHeader> proxy_header_;  // of `listen … proxy_protocol`
  net::TimePoint stage_since_;
  const ExchangeChannel* channel_ = nullptr;  // of the exchange under way
  std::chrono::milliseconds keepalive_timeout_{0};  // of the location of the last request
  std::uint64_t generation_;
  http::Standing::Kind stage_ = http::Standing::Kind::Idle;  // Body is told from Serving by the channel
  bool pipelined_ = false;  // the request came before the answer to the one before it
  bool closing_ = false;  // no request after this one
  After after_ = After::KeepAlive;  // the last request
};

}  // namespace weir::http1
