#include "http/health_check.h"

#include <fmt/format.h>

#include <algorithm>


namespace weir::http {

using shared::HealthMatch;

namespace {

bool passes(const HealthMatch::FieldTest& test, const Fields& fields) {
  using Test = HealthMatch::Test;
  bool exists = false, equals = false, matches = false;
  for (const Field& field : fields) {
    if (!equal_caseless(field.name, test.name)) continue;
    exists = true;
    equals = equals || field.value == test.value;
    matches = matches || (test.regex && test.regex.matches(field.value));
  }
  switch (test.test) {
    case Test::Exists: return exists;
    case Test::IsMissing: return !exists;
    case Test::Is: return equals;
    case Test::IsNot: return !equals;
    case Test::Matches: return matches;
    case Test::MatchesNot: return !matches;
  }
  return false;
}

/// Whether a variable's value says yes. Source: NGINX Plus's `require`.
bool is_true(std::string_view value) { return !value.empty() && value != "0"; }

}  // namespace

HealthJudge::HealthJudge(net::Loop& loop, std::shared_ptr<const HttpConfig> config,
                         std::shared_ptr<const log::ErrorLog> error_log)
    : error_log_(std::move(error_log)),
      worker_(loop, nullptr, no_counters_),
      runtime_(new Runtime(worker_, std::move(config), *error_log_)),
      nobody_(loop) {}

std::string HealthJudge::judge(const HealthMatch& match, const Answer& answer, net::Arena& memory) {
  const bool named = std::any_of(match.statuses.begin(), match.statuses.end(), [&](const HealthMatch::Range& range) {
    return answer.head.status >= range.first && answer.head.status <= range.last;
  });
  if (!match.statuses.empty() && named != match.statuses_wanted)
    return fmt::format("status {} does not match \"{}\"", answer.head.status, match.name);
  for (const HealthMatch::FieldTest& test : match.fields)
    if (!passes(test, answer.head.fields)) return fmt::format("field {} does not match \"{}\"", test.name, match.name);
  for (const HealthMatch::BodyTest& test : match.bodies)
    if (test.regex.matches(answer.body) != test.wanted) return fmt::format("the body does not match \"{}\"", match.name);
  if (match.required.empty()) return {};

  Exchange exchange(runtime_, nobody_, memory);
  exchange.server = &server_;
  exchange.enter(server_.root);
  exchange.upstream_head = &answer.head;
  exchange.attempts.push_back(answer.attempt);
  for (const shared::Template& variable : match.required)
    if (const std::string_view value = variable.evaluate(exchange); !is_true(value))
      return fmt::format("{} is \"{}\", which does not match \"{}\"", variable.source(), value, match.name);
  return {};
}

}  // namespace weir::http
