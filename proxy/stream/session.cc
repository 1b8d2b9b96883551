#include "stream/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/proxy_protocol_reader.h"
#include "shared/error_log_conf.h"
#include "shared/tls_conf.h"
#include "stream/core_conf.h"

namespace weir::stream {

Session::Session(SessionHost& host, std::unique_ptr<net::Stream> client, std::unique_ptr<DatagramClient> datagrams,
                 const net::Endpoint& peer, const ListenAddress& listen, net::Arena& arena)
    : Context(*host.runtime, arena),
      attempts(&arena),
      host_(host),
      runtime_(host.runtime),
      client_(std::move(client)),
      datagrams_(std::move(datagrams)),
      peer_(peer),
      listen_(listen),
      server_(listen.default_server),
      number_(host.next_serial()),
      started_(loop().now()) {
  // Sessions of datagrams have limits of their own, so that a flood of them takes no connection's place.
  host_.count(1, client_ != nullptr);
}

Session::~Session() { host_.count(-1, client_ != nullptr); }

const net::Endpoint& Session::local() const {
  if (!local_) local_ = datagrams_ ? datagrams_->own() : net::Endpoint::local_of(client_->fd());
  return *local_;
}

void Session::choose_server(std::string_view name) {
  if (name.empty()) return;
  if (const ServerBlock* const named = listen_.names.find(name, *this)) server_ = named;
}

void Session::describe(std::string& text) const {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, ", client: {}, server: {}", client_address().address_string(), listen_.text);
  if (!is_proxying) return;
  if (!attempts.empty()) fmt::format_to(out, ", upstream: \"{}\"", attempts.back().address);
  fmt::format_to(out, ", bytes from/to client:{}/{}", received, sent);
  const AttemptRecord last = attempts.empty() ? AttemptRecord() : attempts.back();
  fmt::format_to(out, ", bytes from/to upstream:{}/{}", last.received, last.sent);
}

const log::ErrorLog* Session::own_log() const { return server_->settings.get<ErrorLogConf>().log->get(); }

net::IoError Session::read_ahead() {
  const std::size_t most = conf<CoreConf>().preread_buffer_size->count();
  if (!preread_) preread_ = loop().buffers().take(net::BufferPool::fitting(most));
  const std::size_t room = std::min<std::size_t>(most, preread_.size()) - preread_size_;
  if (room == 0) return {ENOBUFS};
  const net::IoResult got = client_->try_read(preread_.span().subspan(preread_size_, room));
  preread_size_ += got.bytes;
  received += got.bytes;
  return got.error;
}

net::Task<std::optional<int>> Session::read_proxy_header() {
  using Kind = net::ProxyHeaderOutcome::Kind;
  proxy_header_ = std::make_unique<net::ProxyHeader>();
  const net::TimePoint deadline = loop().now() + *conf<CoreConf>().proxy_protocol_timeout;
  const net::ProxyHeaderOutcome outcome = co_await net::read_proxy_header(*client_, deadline, *proxy_header_);
  switch (outcome.kind) {
    case Kind::Done: co_return std::nullopt;
    case Kind::Broken: log::error(error_log(), *this, "broken header while reading PROXY protocol"); break;
    case Kind::TimedOut:
      log::info(error_log(), *this, "client timed out ({}) while reading PROXY protocol", outcome.error.message());
      co_return status::kOk;
    case Kind::Ended: log::info(error_log(), *this, "client disconnected while reading PROXY protocol"); break;
  }
  co_return status::kBadRequest;
}

// --- TLS

net::Task<std::optional<int>> Session::shake_hands() {
  using Kind = net::TlsOutcome::Kind;
  auto& stream = static_cast<net::TlsStream&>(*client_);
  const net::TlsOutcome outcome = co_await stream.accept(*this, *conf<TlsConf>().handshake_timeout);
  switch (outcome.kind) {
    case Kind::Done: co_return judge_client();
    case Kind::Failed:
      log::write(error_log(), outcome.is_ours ? log::Level::Error : log::Level::Info, *this,
                 "SSL_do_handshake() failed ({}) while SSL handshaking", outcome.text);
      break;
    case Kind::Plain:
      log::info(error_log(), *this, "SSL_do_handshake() failed: the client does not speak TLS, while SSL handshaking");
      break;
    case Kind::TimedOut:
      log::info(error_log(), *this, "client timed out ({}) while SSL handshaking", outcome.error.message());
      break;
    case Kind::Closed: log::info(error_log(), *this, "peer closed connection in SSL handshake"); break;
    case Kind::Canceled: break;  // the worker ends
  }
  co_return status::kInternal;
}

/// The client's certificate was looked at in the handshake; what follows from it is decided here.
std::optional<int> Session::judge_client() const {
  const net::TlsVerify wanted = *conf<TlsConf>().verify;
  const net::TlsFacts* const tls = client_->tls();
  if (wanted == net::TlsVerify::Off || !tls) return std::nullopt;
  if (tls->verify_error() != 0) {
    log::info(error_log(), *this, "client SSL certificate verify error: ({}:{})", tls->verify_error(),
              tls->verify_error_text());
    return status::kInternal;
  }
  if (wanted != net::TlsVerify::On || tls->has_peer_certificate()) return std::nullopt;
  log::info(error_log(), *this, "client sent no required SSL certificate");
  return status::kInternal;
}

// A server without certificates of its own shows those of the address's default.
std::shared_ptr<const net::TlsServer> Session::choose(std::string_view name) {
  choose_server(name);
  return server_->tls ? server_->tls : listen_.default_server->tls;
}

std::vector<net::TlsKeyPair> Session::certificates(net::TlsStream&, const net::TlsServer& server) {
  const ServerBlock& shown = server_->tls ? *server_ : *listen_.default_server;
  return key_pairs(*this, shown.settings.get<TlsConf>(), server.options().directory);
}

net::Task<std::optional<int>> Session::run_phase(Phase phase) {
  for (const PhaseHandler& handler : server_->chain.handlers(phase)) {
    PhaseResult result = PhaseResult::next();
    if (handler.run)
      result = handler.run(*this);
    else
      result = co_await handler.run_async(*this);
    if (result.kind() == PhaseResult::Kind::Allowed) break;
    if (result.kind() == PhaseResult::Kind::End) co_return result.status();
  }
  co_return std::nullopt;
}

net::Task<std::optional<int>> Session::run_preread() {
  const net::TimePoint deadline = loop().now() + *conf<CoreConf>().preread_timeout;
  for (const PhaseHandler& handler : server_->chain.handlers(Phase::Preread)) {
    if (handler.run) {
      if (const PhaseResult result = handler.run(*this); result.kind() == PhaseResult::Kind::End) co_return result.status();
      continue;
    }
    if (datagrams_) continue;  // there is nothing to look at that would come in pieces
    for (;;) {
      const Preread seen = handler.look(*this, preread());
      if (seen == Preread::Done) break;
      if (seen == Preread::Bad) co_return status::kBadRequest;
      const net::IoError read = read_ahead();
      if (!read) continue;
      if (read.code == ENOBUFS) {
        log::error(error_log(), *this, "preread buffer full");
        co_return status::kBadRequest;
      }
      if (!read.would_block()) {
        log::info(error_log(), *this, "client disconnected while prereading client data");
        co_return status::kOk;
      }
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - loop().now());
      net::IoError waited{ETIMEDOUT};
      if (left.count() > 0) waited = co_await client_->readable(left);
      if (waited.timed_out()) {
        log::info(error_log(), *this, "client timed out ({}) while prereading client data", waited.message());
        co_return status::kOk;
      }
      if (waited) co_return status::kOk;
    }
  }
  co_return std::nullopt;
}

net::Task<int> Session::serve() {
  if (listen_.proxy_protocol)
    if (const auto ended = co_await read_proxy_header()) co_return *ended;
  for (const Phase phase : {Phase::PostAccept, Phase::PreAccess, Phase::Access})
    if (const auto ended = co_await run_phase(phase)) co_return *ended;
  if (listen_.tls)
    if (const auto ended = co_await shake_hands()) co_return *ended;
  if (!server_->chain.handlers(Phase::Preread).empty())
    if (const auto ended = co_await run_preread()) co_return *ended;
  const auto ended = co_await run_phase(Phase::Content);
  co_return ended.value_or(status::kInternal);
}

net::Task<void> Session::run(SessionHost& host, std::unique_ptr<net::Stream> client, net::Endpoint peer,
                             const ListenAddress& listen) {
  net::Arena arena(host.worker.loop.buffers());
  Session session(host, std::move(client), nullptr, peer, listen, arena);
  co_await session.run();
}

net::Task<void> Session::run(SessionHost& host, std::unique_ptr<DatagramClient> client, const ListenAddress& listen) {
  net::Arena arena(host.worker.loop.buffers());
  const net::Endpoint peer = client->peer();
  Session session(host, nullptr, std::move(client), peer, listen, arena);
  co_await session.run();
}

net::Task<void> Session::run() {
  log::info(error_log(), *this, "{}client connected to {}", datagrams_ ? "udp " : "", listen_.text);
  status = co_await serve();
  for (const PhaseHandler& handler : server_->chain.handlers(Phase::Log)) handler.run(*this);
}

}  // namespace weir::stream
