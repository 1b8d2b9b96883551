#include "config/catalogue.h"

#include <algorithm>

namespace weir::config {
namespace {

constexpr DocumentedDirective kDocumented[] = {
#include "config/documented_directives.inc"
};

static_assert(std::ranges::is_sorted(kDocumented, {}, &DocumentedDirective::name), "looked up by bisection");

}  // namespace

std::span<const DocumentedDirective> documented_directives() {
  return kDocumented;
}

const DocumentedDirective* find_documented(std::string_view name, Context where) {
  const auto before = [](const DocumentedDirective& row, std::string_view wanted) { return row.name < wanted; };
  const auto* row = std::lower_bound(std::begin(kDocumented), std::end(kDocumented), name, before);
  for (; row != std::end(kDocumented) && row->name == name; ++row)
    if (allows(row->contexts, where)) return row;
  return nullptr;
}

}  // namespace weir::config
