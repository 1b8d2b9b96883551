// What becomes of a backend's response.
#include <algorithm>
#include <iterator>

#include "config/values.h"
#include "http/error_page.h"
#include "http/forward.h"
#include "http/respond.h"
#include "http/response_body.h"
#include "http/uri.h"
#include "net/relay.h"

namespace weir::http {

namespace {

/// Ends a tunnel when Weir closes the client's connection, also if only the backend is waited for: a client that has said
/// all is not listened to.
class ClientWatch final : net::StreamWatcher {
 public:
  ClientWatch(net::Stream& client, net::Stream& backend) : client_(client), backend_(backend) { client.watch(this); }
  ClientWatch(const ClientWatch&) = delete;
  ~ClientWatch() { client_.watch(nullptr); }

 private:
  void on_event(net::Stream&) override {
    if (!client_.is_open()) backend_.close();
  }

  net::Stream& client_;
  net::Stream& backend_;
};

/// After `101 Switching Protocols`: octets both ways until both sides have ended.
net::Task<void> tunnel(Exchange& exchange, Attempt& attempt) {
  exchange.client().close_after_response();
  co_await send_response(exchange);
  if (exchange.client_gone) co_return;
  net::RelayOptions options;
  options.idle = *exchange.conf<ProxyConf>().read_timeout;
  options.first_to_a = attempt.channel().early_octets();
  options.first_to_b = exchange.client().early_octets();
  const ClientWatch watch(exchange.client().stream(), attempt.channel().stream());
  const net::RelayResult moved =
      co_await net::relay(exchange.client().stream(), attempt.channel().stream(), options);
  exchange.response.body_octets_sent = moved.b_to_a;
  exchange.client().raw_sent(moved.b_to_a);
  attempt.note_tunnel(moved.b_to_a, moved.a_to_b);
  attempt.channel().stream().close();
  if (moved.error.timed_out())
    log::info(exchange.runtime().error_log(), exchange.subject(), "upgraded connection timed out: nothing moved for {}s",
              options.idle.count() / 1000);
}

bool heeds(const ProxyConf& conf, std::uint32_t field) { return (*conf.ignore_headers & field) == 0; }

/// Whether some segment of an escaped path is `..`.
bool climbs(std::string_view path) {
  unsigned dots = 0, others = 0;
  for (std::size_t at = 0; at <= path.size(); ++at) {
    if (at == path.size() || path[at] == '/') {
      if (dots == 2 && others == 0) return true;
      dots = others = 0;
    } else if (path[at] == '.') {
      ++dots;
    } else if (equal_caseless(path.substr(at, 3), "%2e")) {
      ++dots;
      at += 2;
    } else {
      ++others;
    }
  }
  return false;
}

/// X-Accel-Redirect: another URI or location of this server answers in place of the backend, with some of its fields.
/// Source: nginx, `ngx_http_upstream_headers_in`, for which fields are carried over.
PhaseResult redirect_as_told(Exchange& exchange, const ResponseHead& head, std::string_view target) {
  constexpr FieldId kCarried[] = {FieldId::ContentType,  FieldId::SetCookie, FieldId::ContentDisposition,
                                  FieldId::CacheControl, FieldId::Expires,   FieldId::AcceptRanges};
  Fields* const carried = exchange.make<Fields>(&exchange.arena());
  for (const Field& field : head.fields)
    if (std::find(std::begin(kCarried), std::end(kCarried), field.id) != std::end(kCarried))
      carried->add(field.id == FieldId::SetCookie ? Field{field.name, cookie_for_client(exchange, field.value), field.id}
                                                  : field);
  exchange.carried_fields = carried;
  if (target.starts_with('@'))
    return exchange.redirect_to_named(target) ? PhaseResult::relocate() : PhaseResult::respond(500);

  const std::size_t query = target.find('?');
  const auto path = target.starts_with('/') && !climbs(target.substr(0, query))
                        ? normalise_path(target.substr(0, query), false, exchange.arena())
                                            : std::nullopt;
  if (!path) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "upstream sent unsafe URI \"{}\" in X-Accel-Redirect",
               target);
    return PhaseResult::respond(404);
  }
  if (!exchange.redirect_internally(*path, query == target.npos ? std::string_view() : target.substr(query + 1)))
    return PhaseResult::respond(500);
  if (exchange.method() != Method::Head) exchange.method_override = Method::Get;
  exchange.body_discarded = true;  // a GET has none
  return PhaseResult::relocate();
}

std::uint64_t rate_of(Exchange& exchange, const ProxyConf& conf) {
  if (conf.limit_rate->is_empty_literal()) return 0;
  const std::string_view text = conf.limit_rate->evaluate(exchange);
  if (text.empty()) return 0;
  const auto size = config::parse_size(text);
  if (!size)
    log::error(exchange.runtime().error_log(), exchange.subject(), "invalid proxy_limit_rate value \"{}\"", text);
  return size ? size->count() : 0;
}

/// The challenge goes with an error page too: a client could not answer it otherwise.
void carry_challenge(Exchange& exchange, const ResponseHead& head) {
  for (const Field& field : head.fields)
    if (field.id == FieldId::WwwAuthenticate) exchange.carry(field);
}

}  // namespace

bool is_buffered(const ProxyConf& conf, const ResponseHead& head) {
  const std::string_view wish = head.fields.value(FieldId::XAccelBuffering);
  if (!wish.empty() && heeds(conf, ignored::kAccelBuffering)) {
    if (equal_caseless(wish, "no")) return false;
    if (equal_caseless(wish, "yes")) return true;
  }
  return *conf.buffering;
}

net::Task<PhaseResult> deliver(Exchange& exchange, Attempt& attempt) {
  const ResponseHead& head = attempt.head();
  const ProxyConf& conf = exchange.conf<ProxyConf>();
  if (*conf.intercept_errors && head.status >= 300 && find_error_page(exchange, head.status)) {
    if (head.status == 401) carry_challenge(exchange, head);
    co_return PhaseResult::respond(head.status);
  }
  if (heeds(conf, ignored::kAccelLimitRate))
    if (const auto rate = config::parse_number(head.fields.value(FieldId::XAccelLimitRate), INT64_MAX))
      exchange.rate_limit = *rate;
  if (const Field* const target = head.fields.find(FieldId::XAccelRedirect); target && heeds(conf, ignored::kAccelRedirect))
    co_return redirect_as_told(exchange, head, target->value);

  accept_head(exchange, head);
  if (head.status == 101) {
    exchange.response.fields.add({"Upgrade", head.upgrade, FieldId::Upgrade});
    co_await tunnel(exchange, attempt);
    co_return PhaseResult::done();
  }
  const bool buffered = is_buffered(conf, head);
  ResponseBody body(exchange, attempt,
                    {.buffered = buffered, .rate = buffered ? rate_of(exchange, conf) : 0, .pass_trailers = *conf.pass_trailers});
  if (head.framing.kind != Framing::Kind::None) exchange.response.body = &body;
  co_await send_response(exchange);
  exchange.response.body = nullptr;  // it goes now
  attempt.record().body = exchange.response.body_octets_sent;
  if (exchange.response.is_cut) log_failure(exchange, body.error());
  co_return PhaseResult::done();
}

}  // namespace weir::http
