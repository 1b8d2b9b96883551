// set: variables that get a value before a session is given to anybody.
#include <fmt/format.h>

#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

using config::Call;

struct Assignment {
  std::uint32_t slot;
  Template value;
};

struct Conf {
  std::vector<Assignment> assignments;  // of this server, in the order of the file
};

void add_set(const Call& call) {
  const std::string& name = call.args[0];
  if (!name.starts_with('$') || name.size() == 1) call.fail(fmt::format("invalid variable name \"{}\"", name));
  VariableTable& variables = Loader::of(call).config.variables;
  const auto slot = variables.define_writable(std::string_view(name).substr(1));
  if (!slot) call.fail(fmt::format("the duplicate \"{}\" variable", name.substr(1)));
  call.settings.edit<Conf>().assignments.push_back({*slot, Template::compile(call.args[1], variables)});
}

bool enabled(const config::Settings& settings) { return !settings.get<Conf>().assignments.empty(); }

PhaseResult assign(Session& session) {
  for (const Assignment& each : session.conf<Conf>().assignments)
    session.slot(each.slot) = VariableValue{each.value.evaluate(session)};
  return PhaseResult::next();
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("set", config::StreamServer, {2, 2}, "$variable value", "Gives a variable a value.", &add_set),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Preread, .enabled = enabled, .run = assign}};

}  // namespace

extern const Feature set;
const Feature set{.name = "set", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::stream
