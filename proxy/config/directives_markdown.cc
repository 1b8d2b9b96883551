#include "config/directives_markdown.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <string_view>

#include "config/catalogue.h"

namespace weir::config {
namespace {

constexpr std::string_view kIntroduction = R"(# Directives

Generated from the tables of directives; do not edit.

Every directive that nginx documents is here, in one of four states. *full*: it does what nginx's documentation says.
*accepted*: it can have no effect in Weir; a notice says why. *degraded*: it works differently; a warning says how.
*refused*: the configuration is not loaded, and the message gives the reason. What Weir does not do may always be set to
`off`.

)";

std::string_view state_of(Support support) {
  switch (support) {
    case Support::Full:
      return "full";
    case Support::Accepted:
      return "accepted";
    case Support::Degraded:
      return "degraded";
    case Support::Refused:
      return "refused";
  }
  return "refused";
}

/// Text for a cell of a table.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '|') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", cell(text));
}

struct Row {
  Support support;
  std::string line;
};

Row row_of(const DirectiveSpec& spec) {
  std::string note(spec.doc);
  if (!spec.reason.empty())
    note += fmt::format("{}{}: {}.", note.empty() ? "" : " ", state_of(spec.support), spec.reason);
  return {spec.support, fmt::format("| `{}` | {} | {} | {} | {} |\n", spec.name, code(spec.syntax),
                                    to_text(spec.contexts), state_of(spec.support), cell(note))};
}

Row row_of(const DocumentedDirective& documented, Context contexts) {
  const Verdict verdict = verdict_on(documented);
  return {verdict.support,
          fmt::format("| `{}` | {} | {} | {} | {} |\n", documented.name, documented.is_block ? "`… { … }`" : "",
                      to_text(contexts), state_of(verdict.support), cell(verdict.reason))};
}

}  // namespace

std::string directives_markdown(const DirectiveTable& table) {
  std::multimap<std::string_view, Row> rows;
  for (const DirectiveSpec* spec : table.all()) rows.emplace(spec->name, row_of(*spec));
  for (const DocumentedDirective& documented : documented_directives()) {
    if (documented.name == "include") continue;  // the parser's own; below
    Context left = documented.contexts;          // the places for which no feature has a row
    for (const DirectiveSpec* spec : table.all())
      if (spec->name == documented.name)
        left = static_cast<Context>(left & static_cast<Context>(~static_cast<std::uint32_t>(spec->contexts)));
    if (left != Nowhere) rows.emplace(documented.name, row_of(documented, left));
  }
  rows.emplace("include", Row{Support::Full,
                              "| `include` | `file` | any | full | Takes in a file, or all files that "
                              "match a pattern; relative to the main file's directory. |\n"});

  std::array<std::size_t, 4> counts{};
  for (const auto& [name, row] : rows) ++counts[static_cast<std::size_t>(row.support)];
  std::string text(kIntroduction);
  text +=
      fmt::format("{} full, {} accepted, {} degraded, {} refused; a name counts once for each group of places.\n\n",
                  counts[0], counts[1], counts[2], counts[3]);
  text += "| Directive | Syntax | Places | State | Notes |\n| --- | --- | --- | --- | --- |\n";
  for (const auto& [name, row] : rows) text += row.line;
  return text;
}

}  // namespace weir::config
