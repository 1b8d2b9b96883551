// stub_status: nginx's few numbers about connections, and its variables.
#include <fmt/format.h>

#include "features/scopes.h"
#include "features/switch_here.h"
#include "http/exchange.h"
#include "http/respond.h"

namespace weir::http {

namespace {

struct StubStatus;

std::uint64_t sum(Exchange& exchange, Counter WorkerCounters::*which) {
  return exchange.runtime().worker().all_counters.sum(which);
}

PhaseResult tell_status(Exchange& exchange) {
  if (exchange.method() != Method::Get && exchange.method() != Method::Head) return PhaseResult::respond(405);
  const std::uint64_t accepted = sum(exchange, &WorkerCounters::accepted);
  const std::string text = fmt::format(
      "Active connections: {} \nserver accepts handled requests\n {} {} {} \nReading: {} Writing: {} Waiting: {} \n",
      sum(exchange, &WorkerCounters::active), accepted, accepted - sum(exchange, &WorkerCounters::turned_away),
      sum(exchange, &WorkerCounters::requests), sum(exchange, &WorkerCounters::reading),
      sum(exchange, &WorkerCounters::writing), sum(exchange, &WorkerCounters::waiting));
  make_text(exchange, 200, exchange.keep(text), "text/plain");
  return PhaseResult::done();
}

template <Counter WorkerCounters::*Which>
VariableValue count_of(Exchange& exchange, const VariableArg&) {
  return {exchange.keep(std::to_string(sum(exchange, Which)))};
}
constexpr VariableSpec kVariables[] = {{"connections_active", getter<count_of<&WorkerCounters::active>>},
                                       {"connections_reading", getter<count_of<&WorkerCounters::reading>>},
                                       {"connections_writing", getter<count_of<&WorkerCounters::writing>>},
                                       {"connections_waiting", getter<count_of<&WorkerCounters::waiting>>}};

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("stub_status", config::Server | config::Location, {0, 1}, "",
        "Answers with the numbers of connections and requests, of all workers together.", &switch_on_here<StubStatus>),
};

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Content, .enabled = is_on_here<StubStatus>, .run = tell_status}};

}  // namespace

extern const Feature stub_status;
const Feature stub_status{
    .name = "stub_status", .directives = kDirectives, .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::http
