// A feature: settings, directives, variables, phase handlers and header filters of one capability, in one file.
#pragma once

#include <span>

#include "config/directive.h"
#include "http/phase.h"
#include "http/variable.h"

namespace weir::http {

struct Response;
class Loader;

/// Changes a response's head before it is sent. Filters run in the order of the list of features.
struct HeaderFilter {
  bool (*enabled)(const config::Settings&);
  void (*run)(Exchange&, Response&);
  /// Adds trailers once the body was sent, if `run` said that there are some (Response::has_trailers).
  void (*trailers)(Exchange&, Response&) = nullptr;
};

/// One row of features/features.cc. What a feature leaves empty it does not have.
struct Feature {
  const char* name;
  std::span<const config::DirectiveSpec> directives = {};
  std::span<const VariableSpec> variables = {};
  std::span<const PhaseHandler> handlers = {};
  std::span<const HeaderFilter> header_filters = {};
  /// Called once for each location after its settings were merged: checks what one directive alone cannot see.
  void (*finish)(config::Settings&, Loader&) = nullptr;
};

}  // namespace weir::http
