// One request and its response.
//
// An exchange lives in its arena, belongs to one worker, and dies when the response was sent and logged. Texts that it
// hands out live as long as it does.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/client_channel.h"
#include "http/location.h"
#include "http/message.h"
#include "http/request_body.h"
#include "http/response.h"
#include "http/runtime.h"
#include "http/server_block.h"
#include "http/variable.h"
#include "net/arena.h"
#include "shared/context.h"

namespace weir::http {

/// What one attempt at a backend came to; `$upstream_*` variables list them.
struct AttemptRecord {
  std::string_view address;
  int status = 0;                                         // 0: none was received
  std::chrono::microseconds connect{-1}, head{-1}, total{-1};  // negative: did not get so far
  std::uint64_t received = 0, sent = 0, body = 0;
  unsigned redirects = 0;  // internal ones that came before it
};

/// Internal redirects of one request; more is a cycle.
inline constexpr unsigned kMostRedirects = 10;
/// Statuses that are not sent: `return 444` closes without a word; the client of a 499 is gone.
inline constexpr int kCloseSilently = 444;
inline constexpr int kClientClosed = 499;

class Exchange final : public Context {
 public:
  Exchange(RuntimeRef runtime, ClientChannel& client, net::Arena& arena);
  /// A subrequest of `parent`: the same client, server, head and variables; its own URI is to be set.
  Exchange(Exchange& parent, ClientChannel& client);

  Runtime& runtime() { return *runtime_; }
  ClientChannel& client() { return client_; }
  const net::Endpoint& client_address() const override {
    return real_client ? *real_client : client_.connection().client;
  }
  /// The address that the client connected to. Asked of the kernel, who forgets it when a connection is broken off; then
  /// it is the one listened on.
  net::Endpoint local() const;
  const net::Endpoint& peer() const override { return client_.connection().client; }
  const net::ProxyHeader* proxy_header() const override { return client_.connection().proxy_header; }
  net::Stream* transport() override { return &client_.stream(); }
  const config::Settings& settings() const override { return location->settings; }
  net::Endpoint client_behind(std::span<const Network> trusted, bool recursive, const net::Endpoint& address) override;

  RequestHead request;
  Response response;
  RequestBody body;

  // What rules see of the request. Rewriting changes them; `request` stays as it came.
  std::string_view uri;    // decoded and normalised, without arguments: `$uri`
  std::string_view args;   // `$args`
  std::string_view host;   // lower case, without port; from the target, else Host, else empty
  bool uri_is_original = true;  // `uri` was not rewritten, so the raw target may be passed on
  bool prefix_is_lost = false;  // rewritten in its location: what proxy_pass replaces is not there any more
  bool uri_changed = false;     // by a rewrite of the present phase: the location is to be chosen anew
  bool rewrite_matched = false;  // in the present phase

  const ServerBlock* server = nullptr;
  const Location* location = nullptr;
  const net::Endpoint* real_client = nullptr;  // whom a trusted proxy named
  bool is_subrequest = false;
  bool is_internal = false;             // reached by an internal redirect, or changed by `rewrite`
  bool is_named = false;                // `location` is a named one, just chosen by a redirect
  bool is_redirected = false;           // by an internal redirect: the server's rewriting is done again
  bool uri_follows_alias = false;       // try_files found the URI below an alias that is a whole file name
  bool in_error_page = false;           // error_page was followed
  bool last_error_page = false;         // and not where `recursive_error_pages` was on: none will be again
  int error_status = 0;                 // the status that the page is to be sent with; 0: its own
  unsigned redirects = 0;  // internal ones
  std::uint8_t limit_req_outcome = 0;  // of that feature; 0: not asked yet
  std::size_t head_octets = 0;  // of the request's head as received
  bool client_gone = false;
  bool body_discarded = false;  // after an error page was chosen the request's body is not passed on
  int log_status = 0;  // 499 and its like: what the log says instead of the response's status
  Method method() const { return method_override ? *method_override : request.method; }
  std::string_view method_name() const {
    return method_override ? http::method_name(*method_override) : request.method_name;
  }
  std::optional<Method> method_override;  // error pages are fetched with GET

  /// Octets per second that the response is limited to, as a backend or `set $limit_rate` asked; 0: not at all. Else
  /// limit_rate decides.
  std::optional<std::uint64_t> rate_limit;

  std::chrono::steady_clock::time_point started;
  std::vector<AttemptRecord, std::pmr::polymorphic_allocator<AttemptRecord>> attempts;
  const ResponseHead* upstream_head = nullptr;  // of the last attempt that got one
  const Fields* upstream_trailers = nullptr;    // that followed its body
  Fields* carried_fields = nullptr;  // that whatever response comes will have, see `carry`
  std::string_view proxy_host, proxy_port;
  std::string_view retry_after;    // of a refusal: after how many seconds the client may ask again
  std::string_view sticky_cookie;  // what the client is to remember its backend by

  /// Counts that it is refused.
  void count_refusal(Refusal why) { runtime_->worker().counters.count(why); }

  /// The settings in force for this request.
  template <class Conf>
  const Conf& conf() const {
    return location->settings.get<Conf>();
  }

  /// Adds a field to whatever response the client gets, an error page too. Its texts live as long as the exchange.
  void carry(const Field& field);

  /// What the log says about this exchange: `, client: …, server: …, request: "…"` and so on.
  void describe(std::string& text) const override;
  std::uint64_t connection() const override;
  const log::ErrorLog* own_log() const override;
  /// `http://`, `10.0.1.7:8080` and `/a`, while an attempt is under way.
  struct UpstreamForLog {
    std::string_view scheme, address, target;
  } upstream_for_log;

  /// Takes `settings` of this location from now on.
  void enter(const Location& chosen) { location = &chosen; }

  /// Gives the request another URI inside this server; the caller then answers PhaseResult::relocate().
  /// Returns false when it was redirected too often (ten times, as nginx).
  bool redirect_internally(std::string_view new_uri, std::optional<std::string_view> new_args);

  /// Goes to the location `@name`; the caller then answers PhaseResult::relocate(). Returns false when there is none, or
  /// after too many redirects.
  bool redirect_to_named(std::string_view name);

  /// Where the settings in force are written, for the log: ` in FILE:LINE` of the location's or the server's block.
  std::string settings_place() const;

  /// The status as far as it is known: while an error page is made, the one it is sent with.
  int final_status() const { return log_status ? log_status : error_status ? error_status : response.status; }

 private:
  const RuntimeRef runtime_;
  ClientChannel& client_;
};

/// A built-in variable's getter, written for exchanges, as tables keep it.
template <VariableValue (*get)(Exchange&, const VariableArg&)>
VariableValue getter(Context& context, const VariableArg& arg) {
  return get(static_cast<Exchange&>(context), arg);
}
/// The same of a setter.
template <void (*set)(Exchange&, std::string_view)>
void setter(Context& context, std::string_view value) {
  set(static_cast<Exchange&>(context), value);
}

}  // namespace weir::http
