// limit_except: other settings for all but some methods.
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/proxy_conf.h"

namespace weir::http {

namespace {

using config::Call;

constexpr config::EnumName<Method> kMethods[] = {
    {"GET", Method::Get},           {"HEAD", Method::Head},         {"POST", Method::Post},
    {"PUT", Method::Put},           {"DELETE", Method::Delete},     {"MKCOL", Method::MkCol},
    {"COPY", Method::Copy},         {"MOVE", Method::Move},         {"OPTIONS", Method::Options},
    {"PROPFIND", Method::PropFind}, {"PROPPATCH", Method::PropPatch}, {"LOCK", Method::Lock},
    {"UNLOCK", Method::Unlock},     {"PATCH", Method::Patch},
};

void open_limit_except(const Call& call) {
  Loader& loader = Loader::of(call);
  Location& outer = *loader.location;
  if (outer.limited) call.fail_duplicate();
  auto owned = std::make_unique<Location>();
  Location& block = *owned;
  block.match = Location::Match::LimitExcept;
  block.name = outer.name;
  block.at = call.statement.at;
  for (const std::string& word : call.args) {
    const Method method = config::enum_value(call, word, kMethods);
    outer.unlimited_methods.push_back(method);
    if (method == Method::Get) outer.unlimited_methods.push_back(Method::Head);  // allowing GET allows HEAD
  }
  outer.limited = &block;
  outer.blocks.push_back(std::move(owned));
  const Scope in_location(loader.location, &block);
  call.apply_children(config::LimitExcept, block.settings);
  // Requests that the block lets through go where the others go.
  loader.afterwards([&outer, &block] {
    const auto& pass = outer.settings.get<ProxyConf>().pass;
    if (pass->is_set() && !block.settings.get<ProxyConf>().pass->is_set())
      block.settings.edit<ProxyConf>().pass.set(*pass);
  });
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::block("limit_except", config::Location, {1, -1}, "method … { … }",
                  "Settings of access for requests with other methods than these.", &open_limit_except),
};

}  // namespace

extern const Feature limit_except;
const Feature limit_except{.name = "limit_except", .directives = kDirectives};

}  // namespace weir::http
