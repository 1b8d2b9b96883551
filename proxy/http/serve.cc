// The course of an exchange: virtual server, phases, response, log.
#include <algorithm>

#include "http/core_conf.h"
#include "http/error_page.h"
#include "http/patience.h"
#include "http/respond.h"
#include "http/status.h"
#include "http/uri.h"

namespace weir::http {

namespace {

/// Whether a handler or a phase leaves the request to the next one.
bool goes_on(const PhaseResult& result) { return result.is_next() || result.kind() == PhaseResult::Kind::Allowed; }

net::Task<PhaseResult> run_handlers(Exchange& exchange, std::span<const PhaseHandler> handlers) {
  for (const PhaseHandler& handler : handlers) {
    const PhaseResult result = handler.run ? handler.run(exchange) : co_await handler.run_async(exchange);
    if (!goes_on(result)) co_return result;
  }
  co_return PhaseResult::next();
}

// A phase whose handlers never wait costs no coroutine, and one with a single handler that does costs only that.
net::MaybeTask<PhaseResult> run_phase(Exchange& exchange, const Chain& chain, Phase phase) {
  const auto handlers = chain.handlers(phase);
  for (std::size_t done = 0; done < handlers.size(); ++done) {
    if (!handlers[done].run) {
      if (done + 1 == handlers.size()) return handlers[done].run_async(exchange);
      return run_handlers(exchange, handlers.subspan(done));
    }
    const PhaseResult result = handlers[done].run(exchange);
    if (!goes_on(result)) return result;
  }
  return PhaseResult::next();
}

/// `satisfy any`: one passed check is enough, and the first refusal stands if there is none.
net::Task<PhaseResult> run_access_any(Exchange& exchange, const Chain& chain) {
  PhaseResult refusal = PhaseResult::next();
  for (const PhaseHandler& handler : chain.handlers(Phase::Access)) {
    const PhaseResult result = handler.run ? handler.run(exchange) : co_await handler.run_async(exchange);
    if (result.kind() == PhaseResult::Kind::Allowed) {
      if (exchange.carried_fields) exchange.carried_fields->remove(FieldId::WwwAuthenticate);  // of a check before
      co_return PhaseResult::next();
    }
    const bool refuses = result.kind() == PhaseResult::Kind::Respond && (result.status() == 401 || result.status() == 403);
    if (!refuses && !result.is_next()) co_return result;
    // 401 tells the client what it could do; it wins over 403.
    if (refuses && (refusal.is_next() || result.status() == 401)) refusal = result;
  }
  if (refusal.kind() == PhaseResult::Kind::Respond && refusal.status() == 403)
    log::error(exchange.runtime().error_log(), exchange.subject(), "access forbidden by rule");
  co_return refusal;
}

net::MaybeTask<PhaseResult> ask_access(Exchange& exchange, const Chain& chain) {
  if (*exchange.conf<CoreConf>().satisfy_any) return run_access_any(exchange, chain);
  return run_phase(exchange, chain, Phase::Access);
}

/// A refusal with 401 takes auth_delay, so that passwords cannot be tried quickly or told apart by time.
net::Task<PhaseResult> run_access_slowly(Exchange& exchange, const Chain& chain) {
  const PhaseResult result = co_await ask_access(exchange, chain);
  if (result.kind() == PhaseResult::Kind::Respond && result.status() == 401) {
    log::error(exchange.runtime().error_log(), exchange.subject(), "delaying unauthorized request");
    if (const bool waited = co_await patient_sleep(exchange, *exchange.conf<CoreConf>().auth_delay); !waited) {
      exchange.client_gone = true;
      co_return PhaseResult::respond(kClientClosed);
    }
  }
  co_return result;
}

net::MaybeTask<PhaseResult> run_access(Exchange& exchange, const Chain& chain) {
  if (exchange.conf<CoreConf>().auth_delay->count() > 0) return run_access_slowly(exchange, chain);
  return ask_access(exchange, chain);
}

void count_refusal(Exchange& exchange, const PhaseResult& result) {
  if (result.kind() != PhaseResult::Kind::Respond) return;
  if (result.status() == 401) exchange.count_refusal(Refusal::Authentication);
  if (result.status() == 403) exchange.count_refusal(Refusal::Access);
}

constexpr Phase kLocationPhases[] = {Phase::Rewrite, Phase::PreAccess, Phase::Access, Phase::PreContent,
                                     Phase::Content};

net::MaybeTask<PhaseResult> run_location(Exchange& exchange, std::size_t done = 0);

/// After the phase before the `done` first phases' end, which has to be waited for.
net::Task<PhaseResult> go_on_in_location(Exchange& exchange, net::MaybeTask<PhaseResult> last, std::size_t done) {
  const PhaseResult result = co_await last;
  if (goes_on(result)) co_return co_await run_location(exchange, done);
  if (kLocationPhases[done - 1] == Phase::Access) count_refusal(exchange, result);
  co_return result;
}

/// The phases of a location but the `done` first. Next: nothing there makes a response.
net::MaybeTask<PhaseResult> run_location(Exchange& exchange, std::size_t done) {
  while (done < std::size(kLocationPhases)) {
    const Phase phase = kLocationPhases[done++];
    // A handler may have switched the location (`if`), so the chain is looked up each time.
    const Chain& chain = exchange.location->chain;
    if (chain.handlers(phase).empty()) continue;
    if (exchange.is_subrequest && phase == Phase::Access) continue;  // it is asked about by the request it is for
    auto run = phase == Phase::Access ? run_access(exchange, chain) : run_phase(exchange, chain, phase);
    if (phase == Phase::Content) return run;
    if (!run.value()) return go_on_in_location(exchange, std::move(run), done);
    if (goes_on(*run.value())) continue;
    if (phase == Phase::Access) count_refusal(exchange, *run.value());
    return run;
  }
  return PhaseResult::next();
}

PhaseResult find_location(Exchange& exchange) {
  if (exchange.is_named) {
    exchange.is_named = false;
    return PhaseResult::next();
  }
  const LocationMatch match = exchange.server->root.nested.find(exchange.uri, &exchange.server->root, exchange);
  exchange.enter(*match.location);
  if (match.needs_slash) {
    std::string_view target = exchange.concat({escape(exchange.uri, EscapeFor::Path, exchange.arena()), "/"});
    if (!exchange.args.empty()) target = exchange.concat({target, "?", exchange.args});
    make_redirect(exchange, 301, target);
    return PhaseResult::done();
  }
  if (*exchange.conf<CoreConf>().internal && !exchange.is_internal) return PhaseResult::respond(404);
  if (const Location* const limited = exchange.location->limited) {
    const auto& free = exchange.location->unlimited_methods;
    if (std::find(free.begin(), free.end(), exchange.method()) == free.end()) exchange.enter(*limited);
  }
  return PhaseResult::next();
}

/// The body may be announced as too large before any of it is read.
PhaseResult check_announced_body(Exchange& exchange) {
  const std::uint64_t most = exchange.conf<CoreConf>().client_max_body_size->count();
  if (most == 0 || exchange.body_discarded || exchange.request.framing.kind != Framing::Kind::Length ||
      exchange.request.framing.length <= most)
    return PhaseResult::next();
  exchange.count_refusal(Refusal::BodySize);
  log::error(exchange.runtime().error_log(), exchange.subject(),
             "client intended to send too large body: {} bytes, client_max_body_size allows {}",
             exchange.request.framing.length, most);
  exchange.client().close_after_response();
  return PhaseResult::respond(413);
}

/// One phase of the server itself. Relocate: nothing there makes a response, so a location is to be chosen.
net::Task<PhaseResult> run_server_phase(Exchange& exchange, Phase phase) {
  const PhaseResult result = co_await run_phase(exchange, exchange.server->root.chain, phase);
  co_return goes_on(result) ? PhaseResult::relocate() : result;
}

net::Task<PhaseResult> run_server_phases(Exchange& exchange) {
  for (const Phase phase : {Phase::PostRead, Phase::ServerRewrite}) {
    const PhaseResult result = co_await run_server_phase(exchange, phase);
    if (result.kind() != PhaseResult::Kind::Relocate) co_return result;
  }
  co_return PhaseResult::relocate();
}

/// From the head to the choice of a location.
net::MaybeTask<PhaseResult> run_phases(Exchange& exchange) {
  const Chain& server = exchange.server->root.chain;
  if (server.handlers(Phase::PostRead).empty() && server.handlers(Phase::ServerRewrite).empty())
    return PhaseResult::relocate();
  return run_server_phases(exchange);
}

net::Task<PhaseResult> rewrite_and_locate(Exchange& exchange);

/// From the choice of a location to a response that was sent or is ready (Done), or must be made (Respond; Next if nothing
/// makes one).
net::MaybeTask<PhaseResult> locate_and_run(Exchange& exchange) {
  if (std::exchange(exchange.is_redirected, false)) return rewrite_and_locate(exchange);
  PhaseResult result = find_location(exchange);
  if (result.is_next()) result = check_announced_body(exchange);
  if (result.is_next()) return run_location(exchange);
  return result;
}

net::Task<PhaseResult> rewrite_and_locate(Exchange& exchange) {
  exchange.enter(exchange.server->root);
  const PhaseResult rewritten = co_await run_server_phase(exchange, Phase::ServerRewrite);
  if (rewritten.kind() != PhaseResult::Kind::Relocate) co_return rewritten;
  co_return co_await locate_and_run(exchange);
}

/// What `locate_and_run` came to, with 404 where nothing makes a response.
PhaseResult or_not_found(const PhaseResult& result) { return goes_on(result) ? PhaseResult::respond(404) : result; }

void log_exchange(Exchange& exchange) {
  for (const PhaseHandler& handler : exchange.location->chain.handlers(Phase::Log)) handler.run(exchange);
}

/// Answers with a status, through error_page. Returns what remains to be done: nothing (Done) or another location.
net::Task<PhaseResult> answer_status(Exchange& exchange, int status) {
  if (status == kCloseSilently || status == kClientClosed) {
    exchange.client().break_off();
    exchange.log_status = status;
    co_return PhaseResult::done();
  }
  if (wire_status(status) == 400 || status == 408) exchange.client().close_after_response();
  if (exchange.response.head_sent) {  // too late for another answer
    exchange.client().break_off();
    co_return PhaseResult::done();
  }
  if (const ErrorPage* page = find_error_page(exchange, status)) {
    bool ready = false;
    const PhaseResult result = follow_error_page(exchange, *page, status, ready);
    // A named location goes on with the method and the body, if that can be had from its beginning.
    const bool body_failed = status == 400 || status == 408 || status == 413;
    if (!exchange.is_named || body_failed || !exchange.body.can_restart()) exchange.body_discarded = true;
    if (ready) {
      co_await send_response(exchange);
      co_return PhaseResult::done();
    }
    if (result.kind() != PhaseResult::Kind::Respond) co_return result;
    status = result.status();
  }
  exchange.error_status = 0;
  make_status_page(exchange, status);
  co_await send_response(exchange);
  co_return PhaseResult::done();
}

/// From what the first phases say to the last octet of the response, and the log.
net::Task<void> finish(Exchange& exchange, net::MaybeTask<PhaseResult> begun) {
  for (PhaseResult result = co_await begun;;) {
    if (result.kind() == PhaseResult::Kind::Relocate) result = or_not_found(co_await locate_and_run(exchange));
    if (result.kind() == PhaseResult::Kind::Relocate) {
      if (exchange.redirects <= kMostRedirects) continue;
      result = PhaseResult::respond(500);
    }
    if (result.kind() == PhaseResult::Kind::Respond) {
      result = co_await answer_status(exchange, result.status());
      if (result.kind() == PhaseResult::Kind::Relocate) continue;
    }
    if (!exchange.response.head_sent && exchange.response.status != 0 && !exchange.client_gone &&
        exchange.log_status == 0)
      co_await send_response(exchange);
    break;
  }
  if (!exchange.is_subrequest) log_exchange(exchange);
}

}  // namespace

net::Task<void> serve(Exchange& exchange) {
  exchange.enter(exchange.server->root);
  return finish(exchange, run_phases(exchange));
}

net::Task<void> serve_subrequest(Exchange& exchange) {
  return finish(exchange, PhaseResult::relocate());
}

net::Task<void> serve_refusal(Exchange& exchange, int status) {
  exchange.enter(exchange.server->root);
  exchange.client().close_after_response();
  const PhaseResult result = co_await answer_status(exchange, status);
  if (result.kind() == PhaseResult::Kind::Relocate) {
    // The error page of a request that could not be read is made without that request.
    PhaseResult page = or_not_found(co_await locate_and_run(exchange));
    if (page.kind() == PhaseResult::Kind::Respond) page = co_await answer_status(exchange, page.status());
    if (!exchange.response.head_sent && exchange.log_status == 0) {
      if (exchange.response.status == 0) make_status_page(exchange, status);
      co_await send_response(exchange);
    }
  }
  log_exchange(exchange);
}

}  // namespace weir::http
