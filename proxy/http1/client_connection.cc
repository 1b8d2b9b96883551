#include "http1/client_connection.h"

#include <algorithm>

#include "http/respond.h"
#include "http/uri.h"
#include "http1/exchange_channel.h"
#include "net/proxy_protocol_reader.h"
#include "net/tls_facts.h"

namespace weir::http1 {

using http::CoreConf;
using http::Exchange;
using http::Refusal;
using http::WorkerCounters;
using std::chrono::milliseconds;
using Kind = http::Standing::Kind;

ClientConnection::ClientConnection(http::ConnectionHost& host, std::unique_ptr<net::Stream> stream,
                                   shared::Arrival arrival, const http::ListenAddress& listen)
    : host_(host),
      runtime_(host.runtime),
      stream_(std::move(stream)),
      proxy_header_(std::move(arrival.proxy_header)) {
  info_.proxy_header = proxy_header_.get();
  info_.id = host.next_serial();
  info_.client = std::move(arrival.peer);
  info_.listen = &listen;
  if (!arrival.local.is_empty()) info_.local = std::make_unique<net::Endpoint>(std::move(arrival.local));
  info_.since = stage_since_ = stream_->loop().now();
  generation_ = runtime_->config().generation;
  choose_server();
  host.connections.add(*this);
  WorkerCounters::add(host.worker.counters.active, 1);
  WorkerCounters::add(counter_of(stage_), 1);
}

ClientConnection::~ClientConnection() {
  WorkerCounters::add(host_.worker.counters.active, -1);
  WorkerCounters::add(counter_of(stage_), -1);
}

http::Counter& ClientConnection::counter_of(Kind stage) const {
  WorkerCounters& counters = host_.worker.counters;
  return stage == Kind::Idle ? counters.waiting : stage == Kind::Head ? counters.reading : counters.writing;
}

void ClientConnection::enter(Kind stage) {
  WorkerCounters::add(counter_of(stage_), -1);
  WorkerCounters::add(counter_of(stage), 1);
  stage_ = stage;
  stage_since_ = stream_->loop().now();
}

void ClientConnection::drain() {
  closing_ = true;
  if (stage_ == Kind::Idle) stream_->close();
}

void ClientConnection::close_now() { stream_->close(); }

http::Standing ClientConnection::standing() const {
  if (!stream_->is_open()) return {};  // it is on its way out
  if (stage_ == Kind::Serving && channel_ && channel_->awaits_body())
    return {Kind::Body, channel_->body_rate()};
  return {stage_, stage_since_.time_since_epoch().count()};
}

void ClientConnection::make_room(std::string_view limit) {
  constexpr std::string_view kWhat[] = {"an idle connection", "the oldest unfinished head", "the slowest body",
                                         "the oldest request of an address with more than its share", ""};
  log::info(runtime_->error_log(), "*{} client {}: {} makes room for a new client ({})", info_.id,
            info_.client.address_string(), kWhat[static_cast<std::size_t>(standing().kind)], limit);
  host_.worker.counters.count(Refusal::MadeRoom);
  closing_ = true;
  stream_->close();
}

// While a connection waits for a request this frame is all there is of its coroutines, so it is kept small.
net::Task<void> ClientConnection::run(std::unique_ptr<ClientConnection> connection) {
  ClientConnection& self = *connection;
  if (self.info_.listen->proxy_protocol && !self.proxy_header_ && !co_await self.read_proxy_header()) co_return;
  do {
    while (self.keeps_waiting())
      if (co_await self.stream_->readable(self.patience())) break;
    if (self.input_.is_empty()) co_return;
    self.enter(Kind::Head);
  } while (self.goes_on(co_await self.serve_one()));
  co_await self.end_in_order();
}

// What a proxy in front says of the client comes before everything else.
net::Task<bool> ClientConnection::read_proxy_header() {
  const net::TimePoint deadline = stream_->loop().now() + *core().client_header_timeout;
  proxy_header_ = std::make_unique<net::ProxyHeader>();
  const net::ProxyHeaderOutcome outcome = co_await net::read_proxy_header(*stream_, deadline, *proxy_header_);
  if (outcome.kind == net::ProxyHeaderOutcome::Kind::Broken)
    log::error(runtime_->error_log(), "broken PROXY protocol header, client: {}, server: {}",
               info_.client.address_string(), net::Endpoint::local_of(stream_->fd()).to_string());
  info_.proxy_header = proxy_header_.get();
  enter(Kind::Idle);  // the time for the head begins now
  co_return outcome.kind == net::ProxyHeaderOutcome::Kind::Done;
}

/// Looks for a request. Returns whether to wait for one: not if there is one, or if there will be none.
bool ClientConnection::keeps_waiting() {
  if (!input_.is_empty()) return false;
  return input_.read(*stream_).would_block() && patience() > milliseconds(0);
}

/// How long the first octets of a request may take from now: within client_header_timeout on a new connection,
/// keepalive_timeout afterwards.
milliseconds ClientConnection::patience() const {
  const milliseconds limit = info_.requests == 0 ? *core().client_header_timeout : keepalive_timeout_;
  return std::chrono::ceil<milliseconds>(stage_since_ + limit - stream_->loop().now());
}

/// A request was served. Returns whether to wait for another.
bool ClientConnection::goes_on(After after) {
  after_ = after;
  if (after != After::KeepAlive) return false;
  input_.release_if_empty();
  pipelined_ = !input_.is_empty();
  enter(Kind::Idle);
  return !closing_ && !host_.draining;
}

net::Task<void> ClientConnection::end_in_order() {
  // Whoever sees the connection end may look for its line in the log.
  if (after_ != After::KeepAlive && host_.worker.has_log_lines()) co_await stream_->loop().yield();
  // Of a connection that was to be kept, but is not because the worker ends, another request may have come already.
  const bool lingers = after_ == After::Linger || (after_ == After::KeepAlive && stream_->input_pending());
  if (!lingers) co_return;
  enter(Kind::Idle);  // it was answered and has no claim to its place any more
  co_await linger();
}

// Else many idle connections would keep a configuration for long that nobody has a use for.
void ClientConnection::follow() {
  if (stage_ == Kind::Idle) follow_reload();
}

void ClientConnection::follow_reload() {
  if (host_.runtime == runtime_) return;
  // The same address in the new configuration. If it is no longer listened on, the old one serves a last request.
  const http::ListenAddress* const same = host_.runtime->config().find_listen(info_.listen->text);
  if (!same) {
    closing_ = true;
    return;
  }
  info_.listen = same;
  runtime_ = host_.runtime;
  choose_server();
}

void ClientConnection::choose_server() {
  info_.server = info_.listen->default_server;
  const net::TlsFacts* const tls = stream_->tls();
  if (!tls || tls->server_name().empty()) return;
  if (const http::ServerBlock* const named = info_.listen->names.find(tls->server_name())) info_.server = named;
}

namespace {

/// Lets the worker see the exchange that a connection is at.
class Shown {
 public:
  Shown(const ExchangeChannel*& place, const ExchangeChannel& channel) : place_(place) { place_ = &channel; }
  Shown(const Shown&) = delete;
  ~Shown() { place_ = nullptr; }

 private:
  const ExchangeChannel*& place_;
};

}  // namespace

net::Task<ClientConnection::After> ClientConnection::serve_one() {
  follow_reload();
  generation_ = runtime_->config().generation;
  ++info_.requests;
  WorkerCounters::add(host_.worker.counters.requests, 1);

  net::Arena arena(stream_->loop().buffers());
  ExchangeChannel channel(*this, arena);
  const Shown shown(channel_, channel);
  Exchange exchange(runtime_, channel, arena);
  channel.bind(exchange);
  exchange.server = info_.server;
  exchange.location = &exchange.server->root;

  channel.set_pipelined(pipelined_);
  RequestParser parser;
  int refusal = co_await read_head(exchange, parser);
  enter(Kind::Serving);
  if (refusal < 0) co_return After::Close;
  if (refusal == 0) refusal = route(exchange);
  channel.start_body();
  if (refusal != 0)
    co_await http::serve_refusal(exchange, refusal);
  else
    co_await http::serve(exchange);
  if (!stream_->is_open() || channel.is_broken()) co_return After::Close;
  keepalive_timeout_ = *exchange.conf<CoreConf>().keepalive_timeout;
  if (!channel.may_keep_alive()) {
    const bool more_may_come =
        refusal != 0 || !channel.request_ended() || !input_.is_empty() || stream_->input_pending();
    co_return more_may_come ? After::Linger : After::Close;
  }
  // What is left of the body is in the way of the next request.
  if (!channel.request_ended() && !co_await channel.discard_body()) co_return After::Linger;
  co_return After::KeepAlive;
}

net::MaybeTask<int> ClientConnection::read_head(Exchange& exchange, RequestParser& parser) {
  const CoreConf& conf = core();
  const std::size_t line = conf.large_buffers_size->count();
  parser.start({.max_line = line,
                 .max_field_line = line,
                 .max_total = line * *conf.large_buffers_number,
                 .max_fields = static_cast<std::size_t>(*conf.max_headers)},
                {.ignore_invalid_headers = *conf.ignore_invalid_headers,
                 .underscores_in_headers = *conf.underscores_in_headers,
                 // RFC 9112 2.2 lets a recipient take LF for a line's end in a head, and simple clients count on it.
                 // What goes to a backend is written anew, so nobody behind Weir can read it differently.
                 .allow_bare_lf = true,
                 .cut_fragment = true});
  exchange.request.fields.reserve(24);
  if (const auto outcome = parse_head(exchange, parser)) return *outcome;
  return read_rest_of_head(exchange, parser);
}

/// Parses what has come. Returns 0 or the status of a refusal, or nothing if the head is not complete.
std::optional<int> ClientConnection::parse_head(Exchange& exchange, RequestParser& parser) {
  constexpr std::size_t kUsualHead = 2048;  // is not longer
  if (input_.is_empty()) return std::nullopt;
  const std::string_view octets = input_.unread();
  // Usually a head and nothing else. It is parsed where it will stay, so that no slice has to follow it there.
  const bool is_kept = !parser.started() && octets.size() <= kUsualHead && octets.ends_with("\r\n\r\n");
  switch (parser.parse(is_kept ? exchange.keep(octets) : octets, exchange.request)) {
    case ParseStatus::Incomplete: return std::nullopt;
    case ParseStatus::Bad: return refuse(exchange, parser.error());
    case ParseStatus::Complete: break;
  }
  if (!is_kept) exchange.request.rebase(octets.data(), exchange.keep(octets.substr(0, parser.consumed())).data());
  input_.consume(parser.consumed());
  // While a backend takes its time the block serves others, and stays in the processor's cache.
  input_.release_if_empty();
  exchange.head_octets = parser.consumed();
  return 0;
}

net::Task<int> ClientConnection::read_rest_of_head(Exchange& exchange, RequestParser& parser) {
  net::TimePoint deadline{};
  std::span<char> parking;
  for (;;) {
    const net::IoError error = input_.read(*stream_);
    if (!error) {
      if (const auto outcome = parse_head(exchange, parser)) co_return *outcome;
      continue;
    }
    if (error.code == ENOBUFS) {
      exchange.count_refusal(Refusal::HeadSize);
      log::info(runtime_->error_log(), exchange.subject(),
                "client sent a larger header than any limit (limit: large_client_header_buffers{}): refused with 431",
                exchange.settings_place());
      co_return 431;
    }
    if (!error.would_block()) {
      if (parser.started())
        log::info(runtime_->error_log(), exchange.subject(),
                  "client closed connection while sending the head of a request ({})", error.message());
      co_return -1;
    }
    if (deadline == net::TimePoint{}) deadline = exchange.started + *core().client_header_timeout;
    // Beside the fields, if there is room in the block that the exchange has anyway.
    if (parking.empty()) parking = exchange.arena().take_rest();
    if (!input_.park(parking)) input_.shrink();
    const auto left = std::chrono::ceil<milliseconds>(deadline - stream_->loop().now());
    const net::IoError waited =
        left > milliseconds(0) ? co_await stream_->readable(left) : net::IoError{ETIMEDOUT};
    if (waited.timed_out()) {
      exchange.count_refusal(Refusal::HeadTime);
      log::info(runtime_->error_log(), exchange.subject(),
                "client timed out: the head of a request was not complete in time (limit: client_header_timeout{})",
                exchange.settings_place());
      input_.release();
      co_return 408;
    }
    if (waited) co_return -1;
  }
}

int ClientConnection::refuse(Exchange& exchange, const ParseError& error) {
  // The request line for the log, as far as it came, in memory that stays.
  const std::string_view octets = input_.unread();
  exchange.request.reset();
  exchange.request.line = exchange.keep(octets.substr(0, std::min<std::size_t>(octets.find_first_of("\r\n"), 1024)));
  input_.release();
  closing_ = true;
  exchange.count_refusal(error.kind());
  if (error.directive().empty())
    log::info(runtime_->error_log(), exchange.subject(), "client sent {}: refused with {}", error.text(), error.status);
  else
    log::info(runtime_->error_log(), exchange.subject(), "client sent {} (limit: {}{}): refused with {}", error.text(),
              error.directive(), exchange.settings_place(), error.status);
  return error.status;
}

// Chooses the virtual server and makes the URI that rules see. Returns 0 or the status of a refusal.
int ClientConnection::route(Exchange& exchange) {
  http::RequestHead& request = exchange.request;
  std::string_view host = request.host;
  if (host.ends_with('.')) host.remove_suffix(1);
  if (std::any_of(host.begin(), host.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    char* const lower = static_cast<char*>(exchange.arena().allocate(host.size(), 1));
    std::transform(host.begin(), host.end(), lower,
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    host = {lower, host.size()};
  }
  exchange.host = host;
  // `server_name ""` is for requests without Host, so an empty name is looked up too.
  // A host that is unknown is the default server's business, whatever name the handshake was for; as in nginx.
  const http::ServerBlock* const named = info_.listen->names.find(host, exchange);
  exchange.server = named ? named : info_.listen->default_server;
  exchange.location = &exchange.server->root;
  exchange.args = request.query;
  if (request.form == http::TargetForm::Asterisk) {
    exchange.uri = "/";  // the server as a whole; backends are sent the asterisk
  } else {
    const bool merge = *exchange.conf<CoreConf>().merge_slashes;
    const auto path = http::normalise_path(request.path_or_root(), merge, exchange.arena());
    if (!path) {
      exchange.count_refusal(Refusal::Target);
      log::info(runtime_->error_log(), exchange.subject(), "client sent an invalid path: refused with 400");
      return 400;
    }
    exchange.uri = *path;
  }

  if (info_.listen->tls && !stream_->tls()) {
    exchange.count_refusal(Refusal::PlainHttp);
    log::info(runtime_->error_log(), exchange.subject(), "client sent plain HTTP request to HTTPS port");
    return 497;
  }

  if (request.method == http::Method::Trace || request.method == http::Method::Connect) {
    exchange.count_refusal(Refusal::RequestLine);
    return 405;
  }
  return 0;
}

// The response was sent, but octets of the client may still be under way; closing now would reset the connection and
// could take the response with it. Reads and forgets until the client closes too.
net::Task<void> ClientConnection::linger() {
  const http::RuntimeRef held = runtime_;  // `follow` may take another
  const CoreConf& conf = core();
  if (*conf.lingering_close == 0) co_return;
  net::IoError ended = stream_->shutdown_send();
  for (; ended.would_block(); ended = stream_->shutdown_send())
    if (co_await stream_->writable(*conf.lingering_timeout)) co_return;
  if (ended) co_return;
  const net::TimePoint deadline = stream_->loop().now() + *conf.lingering_time;
  for (;;) {
    input_.release();
    const net::IoError error = input_.read(*stream_);
    if (error && !error.would_block()) co_return;
    input_.release();
    const auto left = std::chrono::ceil<milliseconds>(deadline - stream_->loop().now());
    if (left <= milliseconds(0)) co_return;
    if (!error) {
      co_await stream_->loop().yield();  // a client that sends without pause must not have the loop for itself
      continue;
    }
    if (co_await stream_->readable(std::min(left, *conf.lingering_timeout))) co_return;
  }
}

}  // namespace weir::http1
