// Directives without arguments that give one place a purpose; inner locations have others.
#pragma once

#include "config/directive.h"
#include "config/settings.h"

namespace weir::http {

/// What such a directive sets. `Purpose` tells it from others.
template <class Purpose>
struct SwitchedHere {
  bool is_on = false;
};

/// Parse function. A second one in the same place is an error.
template <class Purpose>
void switch_on_here(const config::Call& call) {
  bool& is_on = call.settings.edit<SwitchedHere<Purpose>>().is_on;
  if (is_on) call.fail_duplicate();
  is_on = true;
}

/// Whether a place has the purpose.
template <class Purpose>
bool is_on_here(const config::Settings& settings) {
  return settings.get<SwitchedHere<Purpose>>().is_on;
}

}  // namespace weir::http
