// zk_status: tells what the discovery of each group tells of itself.
#include "features/scopes.h"
#include "http/exchange.h"
#include "http/respond.h"
#include "shared/zk_conf.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

struct ZkStatusConf {
  using Groups = std::vector<std::pair<std::string, std::shared_ptr<ZkStatus>>>;
  std::shared_ptr<Groups> groups;  // null: this location has another purpose
};

void set_status(const Call& call) {
  std::shared_ptr<ZkStatusConf::Groups>& groups = call.settings.edit<ZkStatusConf>().groups;
  if (groups != nullptr) call.fail_duplicate();
  groups = std::make_shared<ZkStatusConf::Groups>();
  Loader& loader = Loader::of(call);
  loader.afterwards([&loader, into = groups] {
    for (const auto& block : loader.config.upstreams) {
      if (block->discovers) into->emplace_back(block->name, block->settings.get<ZkConf>().status);
    }
  });
}

bool tells_status(const config::Settings& settings) { return settings.get<ZkStatusConf>().groups != nullptr; }

PhaseResult tell_status(Exchange& exchange) {
  std::string text;
  for (const auto& [name, status] : *exchange.conf<ZkStatusConf>().groups) {
    text += "upstream " + name + "\n" + status->text() + "\n";
  }
  make_text(exchange, 200, exchange.keep(text), "text/plain");
  return PhaseResult::done();
}

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Content, .enabled = tells_status, .run = tell_status}};

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("zk_status", kLocation, {0, 0}, "",
        "Answers with what the discovery of each group tells: state and for how long, members, generation, what happened.",
        &set_status),
};

}  // namespace

extern const Feature zk_status;
const Feature zk_status{.name = "zk_status", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
