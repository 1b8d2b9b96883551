// All directives that are implemented, by name and place; what applies statements to settings.
//
// Filled once at the start, then read only: one table serves any number of loads and threads.
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "config/directive.h"

namespace weir::config {

class DirectiveTable {
 public:
  /// Adds rows, which must outlive the table. Throws std::logic_error if a row and an earlier one of the same name
  /// share a place.
  void add(std::span<const DirectiveSpec> specs);

  /// The row of this name for `where`, or nullptr.
  const DirectiveSpec* find(std::string_view name, Context where) const;
  /// The first row of this name, for any place, or nullptr.
  const DirectiveSpec* find(std::string_view name) const { return find(name, Everywhere); }

  /// Every row, in the order of their names, then of `add`.
  std::vector<const DirectiveSpec*> all() const;

  /// Applies every statement of one block to `settings`, whatever goes wrong: each problem is reported in nginx's
  /// wording and the next statement is tried. A documented directive without a row is handled as the catalogue says.
  ///
  /// `where`: the one place in which the statements stand.
  void apply_block(std::span<const Statement> statements, Context where, Settings& settings, LoadContext& context,
                   Diagnostics& diagnostics) const;

  /// Completes `inner` from the scope around it, which must be complete itself: call it from the outside in, after
  /// the whole configuration was applied (a directive of `http` may follow the servers that inherit it).
  void inherit(Settings& inner, const Settings& outer) const;

 private:
  void apply(const Statement& statement, Context where, Settings& settings, LoadContext& context,
             Diagnostics& diagnostics) const;
  std::string unknown(const Statement& statement, Context where, const Diagnostics& diagnostics) const;

  std::multimap<std::string_view, const DirectiveSpec*> rows_;
  std::vector<InheritFunction> inherit_functions_;  // each once
};

}  // namespace weir::config
