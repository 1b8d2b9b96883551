// proxy_pass: giving a request to a backend and its response to the client.
#pragma once

#include "http/attempt.h"
#include "http/exchange.h"
#include "http/proxy_conf.h"

namespace weir::http {

/// The content handler of `proxy_pass`: picks a backend, sends, and passes the response on; tries others as
/// `proxy_next_upstream` allows.
net::Task<PhaseResult> forward(Exchange& exchange);

/// Where a request goes.
struct Destination {
  const UpstreamBlock* upstream = nullptr;
  balancer::UpstreamReader* reader = nullptr;
  std::string_view target;     // for the request line
  bool encrypted = false;      // https
  DynamicUpstreamPtr dynamic;  // holds the two if they are of one
};
/// The destination of a `proxy_pass` without variables in its address; nothing if it has some.
std::optional<Destination> fixed_destination(Exchange& exchange);
/// The destination of a `proxy_pass` with variables, which may have to be resolved. What goes wrong is logged.
net::Task<Result<Destination>> find_destination(Exchange& exchange);

/// Passes the response on, whole; or goes where the backend sends Weir itself (X-Accel-Redirect).
/// `exchange` must have the attempt's head.
net::Task<PhaseResult> deliver(Exchange& exchange, Attempt& attempt);

/// Whether the response may be held back: as configured, unless the backend says otherwise (X-Accel-Buffering).
bool is_buffered(const ProxyConf& conf, const ResponseHead& head);

/// Tells the log why an attempt failed or a body was cut.
void log_failure(Exchange& exchange, const Error& error);

/// The request as the backend is to see it, but for the framing.
void compose_request(Exchange& exchange, OutgoingRequest& outgoing);

/// Makes `exchange.response` from a backend's head, without its body: hop-by-hop and hidden fields stay behind.
void accept_head(Exchange& exchange, const ResponseHead& head);

}  // namespace weir::http
