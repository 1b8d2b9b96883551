// One L4 session: a client's connection, what is decided about it, and the connection that it is given to.
//
// Lives from accept to its line in the access log, on one worker. Memory: itself and an arena, a buffer for octets that
// are looked at before they are passed on, and while octets are under way one buffer for each direction.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/buffer_pool.h"
#include "net/endpoint.h"
#include "net/proxy_protocol.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/tls_stream.h"
#include "shared/context.h"
#include "stream/datagram_client.h"
#include "stream/runtime.h"
#include "stream/shared.h"

namespace weir::stream {

class HelloLook;

/// The statuses of sessions. Source: nginx's documentation of `$status` in stream.
namespace status {
inline constexpr int kOk = 200, kBadRequest = 400, kForbidden = 403, kInternal = 500, kBadGateway = 502,
                     kUnavailable = 503;
}

/// What one attempt at a backend came to; `$upstream_*` variables list them. Negative times: did not get so far.
struct AttemptRecord {
  std::string_view address;
  std::chrono::microseconds connect{-1}, first_byte{-1}, total{-1};
  std::uint64_t received = 0, sent = 0;
};

class Session final : public shared::Context, private net::TlsAcceptor {
 public:
  /// Serves the connection from its beginning to its end. `client`: a net::TlsStream if `listen` says so.
  static net::Task<void> run(SessionHost& host, std::unique_ptr<net::Stream> client, net::Endpoint peer,
                             const ListenAddress& listen);

  /// The same for a client whose first datagram waits.
  static net::Task<void> run(SessionHost& host, std::unique_ptr<DatagramClient> client, const ListenAddress& listen);

  Runtime& runtime() { return *runtime_; }
  /// Only of a session over TCP.
  net::Stream& client() { return *client_; }
  /// Of a session over UDP; else null.
  DatagramClient* datagrams() const { return datagrams_.get(); }
  const ListenAddress& listen() const { return listen_; }
  const ServerBlock& server() const { return *server_; }
  /// The address that the client connected to.
  const net::Endpoint& local() const;
  /// Goes on under the settings of the server that has `name` on this address; stays if there is none. For those who
  /// find out whom a client wants to speak to.
  void choose_server(std::string_view name);
  std::chrono::steady_clock::time_point started() const { return started_; }
  template <class Conf>
  const Conf& conf() const {
    return server_->settings.get<Conf>();
  }

  const config::Settings& settings() const override { return server_->settings; }
  const net::Endpoint& client_address() const override { return real_client ? *real_client : peer_; }
  const net::Endpoint& peer() const override { return peer_; }
  const net::ProxyHeader* proxy_header() const override { return proxy_header_.get(); }
  net::Stream* transport() override { return client_.get(); }
  void describe(std::string& text) const override;
  std::uint64_t connection() const override { return number_; }
  const log::ErrorLog* own_log() const override;

  const net::Endpoint* real_client = nullptr;  // whom a trusted proxy named
  int status = status::kOk;
  std::uint64_t received = 0, sent = 0;  // octets from and to the client
  std::vector<AttemptRecord, std::pmr::polymorphic_allocator<AttemptRecord>> attempts;
  HelloLook* hello_look = nullptr;  // of ssl_preread
  bool is_proxying = false;  // a backend was chosen: lines of the error log say how much went where

  /// What the client sent and nobody has passed on yet.
  std::string_view preread() const { return {preread_.data(), preread_size_}; }
  /// The same, to be passed on: it is not held any more, but stays where it is as long as the session.
  std::string_view take_preread() { return {preread_.data(), std::exchange(preread_size_, 0)}; }
  /// Reads once into what `preread` shows, when there is something. Error: is_eof, would_block, an errno; ENOBUFS when
  /// preread_buffer_size is reached.
  net::IoError read_ahead();

 private:
  Session(SessionHost& host, std::unique_ptr<net::Stream> client, std::unique_ptr<DatagramClient> datagrams,
          const net::Endpoint& peer, const ListenAddress& listen, net::Arena& arena);
  ~Session();

  net::Task<void> run();
  net::Task<int> serve();
  net::Task<std::optional<int>> read_proxy_header();
  net::Task<std::optional<int>> shake_hands();
  std::optional<int> judge_client() const;
  std::shared_ptr<const net::TlsServer> choose(std::string_view name) override;
  std::vector<net::TlsKeyPair> certificates(net::TlsStream& stream, const net::TlsServer& server) override;
  net::Task<std::optional<int>> run_phase(Phase phase);
  net::Task<std::optional<int>> run_preread();

  SessionHost& host_;
  const RuntimeRef runtime_;
  std::unique_ptr<net::Stream> client_;
  std::unique_ptr<DatagramClient> datagrams_;
  const net::Endpoint peer_;
  mutable std::optional<net::Endpoint> local_;
  const ListenAddress& listen_;
  const ServerBlock* server_;
  const std::uint64_t number_;
  const std::chrono::steady_clock::time_point started_;
  std::unique_ptr<net::ProxyHeader> proxy_header_;
  net::Buffer preread_;
  std::size_t preread_size_ = 0;
};

/// A built-in variable's getter, written for sessions, as tables keep it.
template <VariableValue (*get)(Session&, const VariableArg&)>
VariableValue getter(shared::Context& context, const VariableArg& arg) {
  return get(static_cast<Session&>(context), arg);
}

}  // namespace weir::stream
