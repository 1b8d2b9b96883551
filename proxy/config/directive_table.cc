#include "config/directive_table.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/catalogue.h"
#include "config/nearest_name.h"

namespace weir::config {
namespace {

/// What is wrong with the form of a statement, in nginx's words; empty: nothing.
std::string check_form(const Statement& statement, bool is_block, Arity arity) {
  if (statement.is_block && !is_block)
    return fmt::format("directive \"{}\" is not terminated by \";\"", statement.name);
  if (!statement.is_block && is_block) return fmt::format("directive \"{}\" has no opening \"{{\"", statement.name);
  if (!arity.admits(statement.args.size()))
    return fmt::format("invalid number of arguments in \"{}\" directive", statement.name);
  return {};
}

/// Tells the user about a directive that does not, or not fully, do what it says.
void report_support(const Statement& statement, Support support, std::string_view reason, Diagnostics& diagnostics) {
  switch (support) {
    case Support::Full:
      return;
    case Support::Accepted:
      return diagnostics.notice(statement.at, fmt::format("\"{}\" has no effect: {}", statement.name, reason));
    case Support::Degraded:
      return diagnostics.warn(statement.at, fmt::format("\"{}\" works differently: {}", statement.name, reason));
    case Support::Refused:
      return diagnostics.error(statement.at,
                               fmt::format("\"{}\" directive is not supported: {}", statement.name, reason));
  }
}

/// Whether it asks to do without what no feature does.
bool is_off(const Statement& statement) {
  return !statement.is_block && statement.args.size() == 1 && statement.args[0] == "off";
}

}  // namespace

void DirectiveTable::add(std::span<const DirectiveSpec> specs) {
  for (const DirectiveSpec& spec : specs) {
    if (find(spec.name, spec.contexts))
      throw std::logic_error(fmt::format("two rows for the directive \"{}\" share a place", spec.name));
    rows_.emplace(spec.name, &spec);
    if (spec.inherit && std::ranges::find(inherit_functions_, spec.inherit) == inherit_functions_.end())
      inherit_functions_.push_back(spec.inherit);
  }
}

const DirectiveSpec* DirectiveTable::find(std::string_view name, Context where) const {
  for (auto [row, end] = rows_.equal_range(name); row != end; ++row)
    if (allows(row->second->contexts, where)) return row->second;
  return nullptr;
}

std::vector<const DirectiveSpec*> DirectiveTable::all() const {
  std::vector<const DirectiveSpec*> rows;
  for (const auto& [name, spec] : rows_) rows.push_back(spec);
  return rows;
}

void DirectiveTable::apply_block(std::span<const Statement> statements, Context where, Settings& settings,
                                 LoadContext& context, Diagnostics& diagnostics) const {
  for (const Statement& statement : statements) {
    try {
      apply(statement, where, settings, context, diagnostics);
    } catch (const ValueError& error) {
      diagnostics.error(statement.at, error.what());
    }
  }
}

void DirectiveTable::apply(const Statement& statement, Context where, Settings& settings, LoadContext& context,
                           Diagnostics& diagnostics) const {
  if (const DirectiveSpec* spec = find(statement.name, where)) {
    if (std::string wrong = check_form(statement, spec->is_block, spec->arity); !wrong.empty())
      throw ValueError(wrong);
    context.begin(statement);
    spec->apply({statement, statement.args, diagnostics, settings, context, where, *this});
    return report_support(statement, spec->support, spec->reason, diagnostics);
  }
  // Only now the catalogue: a feature's row says better what is supported.
  if (const DocumentedDirective* documented = find_documented(statement.name, where)) {
    const Verdict verdict = verdict_on(*documented);
    std::string wrong = check_form(statement, documented->is_block, documented->arity);
    if (!wrong.empty() && verdict.support != Support::Refused) throw ValueError(wrong);
    if (verdict.support != Support::Accepted && is_off(statement)) return;
    return report_support(statement, verdict.support, verdict.reason, diagnostics);
  }
  if (find(statement.name) || find_documented(statement.name, Everywhere))
    throw ValueError(fmt::format("\"{}\" directive is not allowed here", statement.name));
  if (const auto verdict = verdict_on_third_party(statement.name)) {
    if (!is_off(statement)) report_support(statement, verdict->support, verdict->reason, diagnostics);
    return;
  }
  throw ValueError(unknown(statement, where, diagnostics));
}

/// The message for a name that is not known, with the nearest one that may stand here, or else anywhere.
std::string DirectiveTable::unknown(const Statement& statement, Context where, const Diagnostics& diagnostics) const {
  const auto nearest = [&](Context places) {
    std::vector<std::string_view> known;
    for (const auto& [name, spec] : rows_)
      if (allows(spec->contexts, places)) known.push_back(name);
    for (const DocumentedDirective& documented : documented_directives())
      if (allows(documented.contexts, places)) known.push_back(documented.name);
    return nearest_name(statement.name, known);
  };
  std::string message = fmt::format("unknown directive \"{}\"", statement.name);
  // Looking for the nearest name is slow, and nobody will read this message any more.
  if (diagnostics.error_count() >= Diagnostics::kMaxErrors) return message;
  std::string_view suggestion = nearest(where);
  if (suggestion.empty()) suggestion = nearest(Everywhere);
  if (!suggestion.empty()) message += fmt::format(", did you mean \"{}\"?", suggestion);
  return message;
}

void DirectiveTable::inherit(Settings& inner, const Settings& outer) const {
  for (const InheritFunction inherit_function : inherit_functions_) inherit_function(inner, outer);
}

}  // namespace weir::config
