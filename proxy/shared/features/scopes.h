// Sets of places that directives of both protocols have in common, and what their rows often need.
#pragma once

#include "config/context.h"
#include "config/directive.h"
#include "config/values.h"
#include "shared/loader.h"

namespace weir::shared {

namespace scopes {
inline constexpr auto kHttp = config::Http;
inline constexpr auto kServer = config::Server;
inline constexpr auto kLocation = config::Location;
inline constexpr auto kUpstream = config::Upstream;
inline constexpr auto kHttpServer = config::Http | config::Server;
inline constexpr auto kHttpServerLocation = config::Http | config::Server | config::Location;
inline constexpr auto kWithIf = config::Http | config::Server | config::Location | config::LocationIf;

inline constexpr auto kStream = config::Stream;
inline constexpr auto kStreamAndServer = config::Stream | config::StreamServer;
inline constexpr auto kProtocols = config::Http | config::Stream;
inline constexpr auto kUpstreams = config::Upstream | config::StreamUpstream;
}  // namespace scopes

/// Parse function: the first argument as a text with variables.
inline Template template_value(const config::Call& call) {
  return Template::compile(call.args[0], Loader::of(call).protocol.variables);
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

}  // namespace weir::shared
