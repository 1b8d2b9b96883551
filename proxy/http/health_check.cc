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

}  // namespace

std::string judge(const HealthMatch& match, const ResponseHead& head, std::string_view body) {
  const bool named = std::any_of(match.statuses.begin(), match.statuses.end(), [&](const HealthMatch::Range& range) {
    return head.status >= range.first && head.status <= range.last;
  });
  if (!match.statuses.empty() && named != match.statuses_wanted)
    return fmt::format("status {} does not match \"{}\"", head.status, match.name);
  for (const HealthMatch::FieldTest& test : match.fields)
    if (!passes(test, head.fields)) return fmt::format("field {} does not match \"{}\"", test.name, match.name);
  for (const HealthMatch::BodyTest& test : match.bodies)
    if (test.regex.matches(body) != test.wanted) return fmt::format("the body does not match \"{}\"", match.name);
  return {};
}

}  // namespace weir::http
