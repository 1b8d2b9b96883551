// One L4 session: a client's connection, what is decided about it, and the connection that it is given to.
//
// Lives from accept to its line in the access log, on one worker. Memory: itself and an arena, a buffer for octets while
// they are looked at before anything is done with them, and while octets are under way one buffer for each direction.
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
#include "net/stream.h"
#include "net/task.h"
#include "net/tls_stream.h"
#include "shared/arrival.h"
#include "shared/context.h"
#include "shared/linked.h"
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

class Session final : public shared::Context,
                      public shared::Linked<Session>,
                      private net::TlsAcceptor,
                      private net::StreamWatcher {
 public:
  /// Serves the connection from its beginning to its end. `client`: a net::TlsStream if `listen` says so. `passes`: how often
  /// it was passed on before.
  static net::Task<void> run(SessionHost& host, std::unique_ptr<net::Stream> client, shared::Arrival arrival,
                             const ListenAddress& listen, int passes = 0);

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
  const net::Endpoint& client_address() const override { return real_client ? *real_client : arrival_.peer; }
  const net::Endpoint& peer() const override { return arrival_.peer; }
  const net::ProxyHeader* proxy_header() const override { return arrival_.proxy_header.get(); }
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

  /// What the client sent and was taken from it, but not passed on yet. Without TLS that is nothing: what is looked at
  /// stays in the socket.
  std::string_view preread() const { return {preread_.data(), preread_size_}; }
  /// The same, to be passed on: it is not held any more, but stays where it is as long as the session.
  std::string_view take_preread() { return {preread_.data(), std::exchange(preread_size_, 0)}; }

  /// Something that a session waits for beside its client. While it exists it is told when nobody has a use for it any more:
  /// the client is gone for good, or the session is to end.
  class Awaited {
   public:
    enum class Client : std::uint8_t { IsWatched, IsNot };
    /// `client`: whether that it is gone counts, or only the end of the session.
    explicit Awaited(Session& session, Client client = Client::IsWatched);
    Awaited(const Awaited&) = delete;
    virtual void give_up() = 0;

   protected:
    ~Awaited();

   private:
    Session& session_;
  };

  /// Ends the session: whatever it waits for is cut off.
  void close_now();
  /// That of the configuration it began under.
  std::uint64_t generation() const { return runtime_->config().generation; }

  /// How often the connection was passed on before it came here.
  int passes() const { return passes_; }
  /// Whether connections to `address` are accepted, so that one could be passed on there.
  bool can_pass_to(const net::Endpoint& address) const;
  /// Gives the connection to the listening address `to`, as if it had come there. Lasts until the connection ends; what
  /// counts this session, such as limit_conn, counts it so long.
  net::Task<void> pass_to(net::Endpoint to);

 private:
  Session(SessionHost& host, std::unique_ptr<net::Stream> client, std::unique_ptr<DatagramClient> datagrams,
          shared::Arrival arrival, const ListenAddress& listen, int passes, net::Arena& arena);
  ~Session();

  net::Task<void> run();
  net::Task<int> serve();
  net::Task<std::optional<int>> read_proxy_header();
  net::Task<std::optional<int>> shake_hands();
  std::optional<int> judge_client() const;
  std::shared_ptr<const net::TlsServer> choose(std::string_view name) override;
  std::vector<net::TlsKeyPair> certificates(net::TlsStream& stream, const net::TlsServer& server) override;
  net::OcspAsker& responders() override;
  net::Task<std::optional<int>> run_phase(Phase phase);
  net::Task<std::optional<int>> run_preread();
  net::Task<std::optional<int>> look(const PhaseHandler& handler, net::TimePoint deadline);
  net::IoError read_ahead();
  void on_event(net::Stream& client) override;

  SessionHost& host_;
  const RuntimeRef runtime_;
  std::unique_ptr<net::Stream> client_;
  std::unique_ptr<DatagramClient> datagrams_;
  mutable shared::Arrival arrival_;  // `local` is filled in when somebody asks
  const ListenAddress& listen_;
  const ServerBlock* server_;
  const std::uint64_t number_;
  const std::chrono::steady_clock::time_point started_;
  Awaited* awaited_ = nullptr;
  net::Buffer preread_;
  std::size_t preread_size_ = 0;
  const int passes_;
  bool is_passed_ = false;
};

/// A built-in variable's getter, written for sessions, as tables keep it.
template <VariableValue (*get)(Session&, const VariableArg&)>
VariableValue getter(shared::Context& context, const VariableArg& arg) {
  return get(static_cast<Session&>(context), arg);
}

}  // namespace weir::stream
