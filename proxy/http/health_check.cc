#include "http/health_check.h"

#include <fmt/format.h>

#include <algorithm>


namespace weir::http {

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

std::string HealthMatch::judge(const ResponseHead& head, std::string_view body) const {
  const bool named = std::any_of(statuses.begin(), statuses.end(), [&](const Range& range) {
    return head.status >= range.first && head.status <= range.last;
  });
  if (!statuses.empty() && named != statuses_wanted)
    return fmt::format("status {} does not match \"{}\"", head.status, name);
  for (const FieldTest& test : fields)
    if (!passes(test, head.fields)) return fmt::format("field {} does not match \"{}\"", test.name, name);
  for (const BodyTest& test : bodies)
    if (test.regex.matches(body) != test.wanted) return fmt::format("the body does not match \"{}\"", name);
  return {};
}

bool HealthCheck::same_as(const HealthCheck& other) const {
  // A match block may have changed although its name did not; a new check then begins, which costs nothing.
  return !match && !other.match && type == other.type && interval == other.interval && jitter == other.jitter &&
         fails == other.fails && passes == other.passes && uri == other.uri && host == other.host &&
         port == other.port && mandatory == other.mandatory;
}

}  // namespace weir::http
