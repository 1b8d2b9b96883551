#include "alike_feature.h"

#include "config/values.h"

namespace weir::config {
namespace {

struct Conf {
  Setting<bool> buffering{true};
  Setting<std::vector<std::string>> hidden;
};

constexpr DirectiveSpec kDirectives[] = {
    directive<&Conf::buffering, &on_off>("alike", Http, {1, 1}, "on | off", ""),
    repeated<&Conf::hidden, &text>("alike_list", Http, {1, 1}, "word", ""),
};

}  // namespace

std::span<const DirectiveSpec> alike_directives() {
  return kDirectives;
}

std::string alike_values(const Settings& settings) {
  const Conf& conf = settings.get<Conf>();
  return std::string(*conf.buffering ? "on" : "off") + (conf.hidden->empty() ? "" : " " + conf.hidden->front());
}

}  // namespace weir::config
