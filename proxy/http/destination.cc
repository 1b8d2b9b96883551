// Where a request goes: the upstream and the target, from `proxy_pass`.
#include <algorithm>
#include <string>

#include "config/directive.h"
#include "shared/address.h"
#include "http/forward.h"
#include "http/patience.h"
#include "shared/proxy_tls.h"
#include "shared/resolver_conf.h"
#include "http/uri.h"

namespace weir::http {

namespace {

/// `path` escaped again, with the arguments.
std::string_view with_args(Exchange& exchange, std::string_view prefix, std::string_view path) {
  const std::string_view escaped = escape(path, EscapeFor::Path, exchange.arena());
  if (exchange.args.empty() && !exchange.request.has_query) return exchange.concat({prefix, escaped});
  return exchange.concat({prefix, escaped, exchange.args.empty() ? "" : "?", exchange.args});
}

/// The target as it came, in origin form.
std::string_view raw_target(Exchange& exchange) {
  const RequestHead& request = exchange.request;
  if (request.form == TargetForm::Origin || request.form == TargetForm::Asterisk) return request.target;
  if (!request.has_query) return request.path_or_root();
  return exchange.concat({request.path_or_root(), "?", request.query});
}

std::string_view target_for(Exchange& exchange, const ProxyTarget& pass) {
  if (pass.has_uri && !exchange.prefix_is_lost) {
    const std::string_view rest =
        exchange.uri.starts_with(pass.prefix) ? exchange.uri.substr(pass.prefix.size()) : exchange.uri;
    return with_args(exchange, pass.uri, rest);
  }
  return exchange.uri_is_original ? raw_target(exchange) : with_args(exchange, {}, exchange.uri);
}

std::string_view default_port(bool encrypted) { return encrypted ? "443" : "80"; }

/// What variables made of a target, as one that a backend can read: decoded octets that would end the request line or its
/// target (captures are decoded) are escaped. nginx sends them as they are.
std::string_view one_target(Exchange& exchange, std::string_view target) {
  const auto splits = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  if (std::none_of(target.begin(), target.end(), splits)) return target;
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string text;
  for (const char c : target) {
    if (!splits(c)) {
      text += c;
      continue;
    }
    text += '%';
    text += kHex[static_cast<unsigned char>(c) >> 4];
    text += kHex[c & 15];
  }
  return exchange.keep(text);
}

/// `proxy_pass http://name-or-address[:port][/uri]` after its variables were replaced.
struct Url {
  std::string_view host;    // with the port, as written
  std::string_view target;  // empty: the request's own
  bool encrypted = false;   // https
};

std::optional<Url> split(Exchange& exchange, std::string_view url) {
  const bool encrypted = url.starts_with("https://");
  if (!encrypted && !url.starts_with("http://")) return std::nullopt;
  const std::string_view rest = url.substr(encrypted ? 8 : 7);
  std::size_t path = rest.find_first_of("/?");
  if (rest.starts_with("unix:")) {
    const std::size_t colon = rest.find(':', 5);
    path = colon == rest.npos ? rest.size() : colon + 1;
  }
  Url result{rest.substr(0, path), {}, encrypted};
  if (result.host.ends_with(':')) result.host.remove_suffix(1);
  if (path < rest.size()) result.target = rest.substr(path);
  if (result.target.starts_with('?')) result.target = exchange.concat({"/", result.target});
  return result;
}

/// Waits for an address, unless the client goes away meanwhile.
class PatientLookup final : private net::StreamWatcher {
 public:
  PatientLookup(Exchange& exchange, net::Resolver& resolver, std::string_view name)
      : exchange_(exchange), lookup_(resolver.resolve(name, *exchange.conf<ResolverConf>().timeout)) {
    exchange.client().stream().watch(this);
  }
  ~PatientLookup() { exchange_.client().stream().watch(nullptr); }
  net::Resolver::Lookup& lookup() { return lookup_; }

 private:
  void on_event(net::Stream&) override {
    if (is_client_gone(exchange_)) lookup_.cancel();
  }
  Exchange& exchange_;
  net::Resolver::Lookup lookup_;
};

net::Task<Result<Destination>> resolve(Exchange& exchange, const HostPort& where, Destination destination) {
  const auto& options = *exchange.conf<ResolverConf>().resolver;
  if (!options) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "no resolver defined to resolve {}", where.host);
    co_return Error{Reason::NotResolved};
  }
  net::Resolver& resolver = exchange.runtime().resolver(*options);
  net::ResolutionPtr found = resolver.cached(where.host);
  if (!found) {
    PatientLookup patient(exchange, resolver, where.host);
    net::Resolver::Lookup& lookup = patient.lookup();
    found = co_await lookup;
  }
  if (found->code == ECANCELED) {
    exchange.client_gone = true;
    co_return Error{Reason::ClientClosed};
  }
  if (found->code != 0) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "{} could not be resolved ({})", where.host,
               found->failure());
    co_return Error{Reason::NotResolved};
  }
  destination.dynamic->follow(std::move(found), where.port);
  co_return destination;
}

}  // namespace

net::Task<Result<Destination>> find_destination(Exchange& exchange) {
  const std::string_view url = exchange.conf<ProxyConf>().pass->address.evaluate(exchange);
  const auto refuse = [&](std::string_view why) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "{} in \"{}\", the value of proxy_pass \"{}\"", why,
               url, exchange.conf<ProxyConf>().pass->address.source());
    return Error{Reason::Internal};
  };
  const auto parts = split(exchange, url);
  if (!parts) co_return refuse("invalid URL prefix");
  Destination destination;
  exchange.proxy_host = parts->host.starts_with("unix:") ? std::string_view("localhost") : parts->host;
  exchange.proxy_port = default_port(parts->encrypted);
  destination.encrypted = parts->encrypted;
  if (parts->encrypted && !exchange.conf<ProxyTlsConf>().client) co_return refuse("nothing is prepared for https");
  destination.target = !parts->target.empty() ? one_target(exchange, parts->target)
                       : exchange.uri_is_original ? raw_target(exchange)
                                                  : with_args(exchange, {}, exchange.uri);
  destination.upstream = exchange.runtime().config().find_upstream(parts->host);
  if (destination.upstream) {
    destination.reader = &exchange.runtime().upstream(*destination.upstream);
    co_return destination;
  }

  HostPort where;
  try {
    where = parse_host_port(parts->host, parts->encrypted ? 443 : 80);
  } catch (const config::ValueError& error) {
    co_return refuse(exchange.keep(error.what()));
  }
  if (where.port == 0 && !where.is_unix()) co_return refuse("invalid port");
  destination.dynamic = exchange.runtime().dynamic_upstreams().get(where.text());
  destination.upstream = &destination.dynamic->block;
  destination.reader = &destination.dynamic->reader;
  if (!where.is_literal()) co_return co_await resolve(exchange, where, std::move(destination));
  destination.dynamic->serve_literal();
  co_return destination;
}

std::optional<Destination> fixed_destination(Exchange& exchange) {
  const ProxyTarget& pass = *exchange.conf<ProxyConf>().pass;
  if (!pass.upstream) return std::nullopt;
  exchange.proxy_host = pass.host_and_port;
  const bool encrypted = pass.scheme == "https";
  exchange.proxy_port = default_port(encrypted);
  return Destination{pass.upstream, &exchange.runtime().upstream(*pass.upstream), target_for(exchange, pass), encrypted,
                     nullptr};
}

}  // namespace weir::http
