// Sets of places that directives of features have in common.
#pragma once

#include "config/context.h"
#include "config/directive.h"
#include "config/values.h"
#include "http/core_conf.h"
#include "http/http_config.h"

namespace weir::http {

namespace scopes {
inline constexpr auto kHttp = config::Http;
inline constexpr auto kServer = config::Server;
inline constexpr auto kLocation = config::Location;
inline constexpr auto kUpstream = config::Upstream;
inline constexpr auto kHttpServer = config::Http | config::Server;
inline constexpr auto kHttpServerLocation = config::Http | config::Server | config::Location;
inline constexpr auto kWithIf = config::Http | config::Server | config::Location | config::LocationIf;
}  // namespace scopes

/// Parse function: the first argument as a text with variables.
inline Template template_value(const config::Call& call) {
  return Template::compile(call.args[0], Loader::of(call).config.variables);
}

/// Sets a loader's pointer for as long as a block is read.
template <class T>
class Scope {
 public:
  Scope(T*& place, T* value) : place_(place), before_(place) { place = value; }
  Scope(const Scope&) = delete;
  ~Scope() { place_ = before_; }

 private:
  T*& place_;
  T* const before_;
};

}  // namespace weir::http
