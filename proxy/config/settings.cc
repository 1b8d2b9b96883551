#include "config/settings.h"

namespace weir::config {
namespace {

// A function's static, because slots are numbered while other static objects are still being made.
std::vector<const void*>& all_defaults() {
  static std::vector<const void*> defaults;
  return defaults;
}

}  // namespace

std::size_t detail::register_conf(const void* defaults) {
  all_defaults().push_back(defaults);
  return all_defaults().size() - 1;
}

Settings::Settings() : current_(all_defaults()) {
  owned_.reserve(current_.size());
  for (std::size_t i = 0; i < current_.size(); ++i) owned_.emplace_back(nullptr, [](void*) {});
}

}  // namespace weir::config
