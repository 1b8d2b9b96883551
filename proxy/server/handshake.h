// What a client's TLS handshake needs of the configuration in force.
#pragma once

#include "http/connection_host.h"
#include "http/server_block.h"
#include "net/tls_stream.h"
#include "shared/arrival.h"

namespace weir::server {

/// A connection whose handshake is under way. Lives until it is over; counts as a connection meanwhile.
class Handshake final : public net::TlsAcceptor, private http::ClientConnectionBase {
 public:
  /// `listen`: the address it came to, of the runtime in force.
  Handshake(http::ConnectionHost& host, std::unique_ptr<net::TlsStream> stream, shared::Arrival arrival,
            const http::ListenAddress& listen);
  ~Handshake();

  /// Takes the PROXY protocol header off, if the address has one, and shakes hands. Returns the stream, encrypted or, if the
  /// client does not speak TLS, plain; nothing if it failed, which was logged.
  net::Task<std::unique_ptr<net::Stream>> run();

  /// How the connection came, and what a proxy in front said of it meanwhile.
  shared::Arrival take_arrival() { return std::move(arrival_); }

  /// The address under the configuration in force now; null if it is not listened on any more.
  const http::ListenAddress* listen_now() const;

 private:
  std::shared_ptr<const net::TlsServer> choose(std::string_view name) override;
  std::vector<net::TlsKeyPair> certificates(net::TlsStream& stream, const net::TlsServer& server) override;
  net::OcspAsker& responders() override;
  const http::ServerBlock& block_of(std::string_view name) const;
  void drain() override { stream_->close(); }
  void close_now() override { stream_->close(); }
  /// As an unfinished head: who has not even said what it wants makes room.
  http::Standing standing() const override {
    return {http::Standing::Kind::Head, since_.time_since_epoch().count()};
  }
  void follow() override {}
  std::uint64_t generation() const override { return runtime_->config().generation; }
  const net::Endpoint& client() const override { return arrival_.peer; }
  void make_room(std::string_view limit) override;
  net::Task<bool> read_proxy_header(net::TimePoint deadline);
  void log_failure(const net::TlsOutcome& outcome) const;

  http::ConnectionHost& host_;
  const http::RuntimeRef runtime_;
  std::unique_ptr<net::TlsStream> stream_;
  shared::Arrival arrival_;
  const http::ListenAddress& listen_;
  const net::TimePoint since_;
};

}  // namespace weir::server
