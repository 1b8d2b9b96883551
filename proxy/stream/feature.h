// A feature: settings, directives, variables and phase handlers of one capability, in one file.
#pragma once

#include <span>

#include "config/directive.h"
#include "stream/phase.h"
#include "stream/variable.h"

namespace weir::stream {

class Loader;
struct ServerBlock;

/// One row of features/features.cc. What a feature leaves empty it does not have.
struct Feature {
  const char* name;
  std::span<const config::DirectiveSpec> directives = {};
  std::span<const VariableSpec> variables = {};
  std::span<const PhaseHandler> handlers = {};
  /// Called once for each server after its settings were merged: checks what one directive alone cannot see.
  void (*finish)(ServerBlock&, Loader&) = nullptr;
};

}  // namespace weir::stream
