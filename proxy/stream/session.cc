#include "stream/session.h"

#include <fmt/format.h>
#include <netinet/tcp.h>

#include <algorithm>

#include "net/peek.h"
#include "net/proxy_protocol_reader.h"
#include "shared/error_log_conf.h"
#include "shared/tls_conf.h"
#include "stream/core_conf.h"
#include "stream/reception.h"

namespace weir::stream {

Session::Session(SessionHost& host, std::unique_ptr<net::Stream> client, std::unique_ptr<DatagramClient> datagrams,
                 shared::Arrival arrival, const ListenAddress& listen, int passes, net::Arena& arena)
    : Context(*host.runtime, arena),
      attempts(&arena),
      host_(host),
      runtime_(host.runtime),
      client_(std::move(client)),
      datagrams_(std::move(datagrams)),
      arrival_(std::move(arrival)),
      listen_(listen),
      server_(listen.default_server),
      number_(host.next_serial()),
      started_(loop().now()),
      passes_(passes) {
  host_.sessions.add(*this);
  if (datagrams_) datagrams_->belong_to(*this);
  // Sessions of datagrams have limits of their own, so that a flood of them takes no connection's place.
  if (client_) host_.count_connections(1);
}

Session::~Session() {
  if (client_) host_.count_connections(-1);
}

const net::Endpoint& Session::local() const {
  if (arrival_.local.is_empty() && client_) arrival_.local = net::Endpoint::local_of(client_->fd());
  return arrival_.local;
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

// --- what it waits for, and the end of that

Session::Awaited::Awaited(Session& session, Client client) : session_(session) {
  session_.awaited_ = this;
  // Who only ended its own side waits for what the backend says; who is gone for good does not. A client of datagrams
  // shows nothing of its going.
  if (session_.client_ && client == Client::IsWatched) session_.client_->watch(&session_);
}

Session::Awaited::~Awaited() {
  session_.awaited_ = nullptr;
  if (session_.client_) session_.client_->watch(nullptr);
}

void Session::on_event(net::Stream& client) {
  if (client.broken() && awaited_) awaited_->give_up();
}

void Session::close_now() {
  if (client_) client_->close();
  if (datagrams_) datagrams_->end();
  if (awaited_) awaited_->give_up();
}

bool Session::can_pass_to(const net::Endpoint& address) const { return host_.reception.listens(address); }

net::Task<void> Session::pass_to(net::Endpoint to) {
  is_passed_ = true;
  host_.count_connections(-1);
  arrival_.peer = client_address();
  real_client = nullptr;
  Reception::Passed passed{std::move(client_),
                           {arrival_.peer, std::move(to), std::move(arrival_.proxy_header)},
                           passes_ + 1};
  co_await host_.reception.receive(std::move(passed));
}

// --- the first octets

/// Looks for more than `preread_` shows. Error: is_eof, would_block, an errno; ENOBUFS when preread_buffer_size is reached.
net::IoError Session::read_ahead() {
  const std::size_t size = conf<CoreConf>().preread_buffer_size->count();
  if (!preread_) preread_ = loop().buffers().take(net::BufferPool::fitting(size));
  const std::span<char> room = preread_.span().first(std::min<std::size_t>(size, preread_.size()));
  if (preread_size_ == room.size()) return {ENOBUFS};
  if (!client_->is_plain()) {
    const net::IoResult got = client_->try_read(room.subspan(preread_size_));
    preread_size_ += got.bytes;
    received += got.bytes;
    return got.error;
  }
  // What stays in the socket needs no memory here, and whoever is given the connection finds it as it came.
  const net::IoResult seen = net::peek(*client_, room);
  if (seen.error && !seen.error.would_block()) return seen.error;
  if (std::exchange(preread_size_, seen.bytes) < seen.bytes) return {};
  if (client_->peer_closed()) return {net::IoError::kEof};
  client_->note_dry();
  return {EAGAIN};
}

net::Task<std::optional<int>> Session::read_proxy_header() {
  using Kind = net::ProxyHeaderOutcome::Kind;
  arrival_.proxy_header = std::make_unique<net::ProxyHeader>();
  const net::TimePoint deadline = loop().now() + *conf<CoreConf>().proxy_protocol_timeout;
  const net::ProxyHeaderOutcome outcome = co_await net::read_proxy_header(*client_, deadline, *arrival_.proxy_header);
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
    case Kind::Done:
      if (!outcome.text.empty()) log::error(error_log(), *this, "{}", outcome.text);
      co_return judge_client();
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
  const net::TlsVerify wanted = conf<TlsConf>().options->verify;
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

net::OcspAsker& Session::responders() { return host_.reception.responders(); }

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
    if (!handler.look || datagrams_) continue;  // of datagrams there is nothing to look at that would come in pieces
    if (const auto ended = co_await look(handler, deadline)) co_return ended;
  }
  // A look may have shown that the client means another server: the rest is done by that one.
  for (const PhaseHandler& handler : server_->chain.handlers(Phase::Preread)) {
    if (!handler.run) continue;
    if (const PhaseResult result = handler.run(*this); result.kind() == PhaseResult::Kind::End) co_return result.status();
  }
  // What was only seen is read again by whoever passes it on.
  if (client_ && client_->is_plain()) {
    preread_size_ = 0;
    preread_ = {};
  }
  co_return std::nullopt;
}

net::Task<std::optional<int>> Session::look(const PhaseHandler& handler, net::TimePoint deadline) {
  for (;;) {
    const Preread seen = handler.look(*this, preread());
    if (seen == Preread::Done) co_return std::nullopt;
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
    if (waited.timed_out())
      log::info(error_log(), *this, "client timed out ({}) while prereading client data", waited.message());
    if (waited) co_return status::kOk;
  }
}

net::Task<int> Session::serve() {
  if (listen_.proxy_protocol)
    if (const auto ended = co_await read_proxy_header()) co_return *ended;
  for (const Phase phase : {Phase::PostAccept, Phase::PreAccess, Phase::Access})
    if (const auto ended = co_await run_phase(phase)) co_return *ended;
  if (listen_.tls) {
    // A connection that was passed on may be encrypted already.
    if (const auto ended = client_->tls() ? judge_client() : co_await shake_hands()) co_return *ended;
  }
  if (!server_->chain.handlers(Phase::Preread).empty())
    if (const auto ended = co_await run_preread()) co_return *ended;
  // Accepted sockets send small pieces at once.
  if (const int off = 0; client_ && !*conf<CoreConf>().tcp_nodelay)
    ::setsockopt(client_->fd(), IPPROTO_TCP, TCP_NODELAY, &off, sizeof off);
  const auto ended = co_await run_phase(Phase::Content);
  co_return ended.value_or(status::kInternal);
}

net::Task<void> Session::run(SessionHost& host, std::unique_ptr<net::Stream> client, shared::Arrival arrival,
                             const ListenAddress& listen, int passes) {
  net::Arena arena(host.worker.loop.buffers());
  Session session(host, std::move(client), nullptr, std::move(arrival), listen, passes, arena);
  co_await session.run();
}

net::Task<void> Session::run(SessionHost& host, std::unique_ptr<DatagramClient> client, const ListenAddress& listen) {
  net::Arena arena(host.worker.loop.buffers());
  shared::Arrival arrival{client->peer(), client->own(), nullptr};
  Session session(host, nullptr, std::move(client), std::move(arrival), listen, 0, arena);
  co_await session.run();
}

net::Task<void> Session::run() {
  log::info(error_log(), *this, "{}client connected to {}", datagrams_ ? "udp " : "", listen_.text);
  status = co_await serve();
  if (is_passed_) co_return;  // what becomes of the connection is told where it went
  for (const PhaseHandler& handler : server_->chain.handlers(Phase::Log)) handler.run(*this);
}

}  // namespace weir::stream
