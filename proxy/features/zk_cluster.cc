// zk_cluster: an upstream whose members live in ZooKeeper.
#include "features/zk_cluster.h"

#include <fmt/format.h>

#include "features/scopes.h"
#include "http/address.h"

namespace weir::http {

namespace {

using config::Call;
using namespace scopes;

void set_cluster(const Call& call) {
  ZkConf& conf = call.settings.edit<ZkConf>();
  if (conf.servers.is_set_here()) call.fail_duplicate();
  std::vector<std::string> servers;
  for (const std::string& server : call.args) {
    const HostPort parsed = parse_host_port(server, 2181);
    if (parsed.is_unix()) call.fail_value(server, "a host and a port");
    servers.push_back(parsed.text());
  }
  conf.servers.set(std::move(servers));
  Loader::of(call).upstream->discovers = true;
}

std::string zk_path(const Call& call) {
  const std::string& path = call.args[0];
  if (!path.starts_with('/') || path.find("//") != path.npos || (path.size() > 1 && path.ends_with('/')))
    call.fail_value(path, "an absolute path without a slash at its end");
  return path;
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("zk_cluster", kUpstream, {1, -1}, "host[:port] …",
        "The ZooKeeper ensemble that announces the members of this group; port 2181 unless given.", &set_cluster),
    config::directive<&ZkConf::path, &zk_path>("zk_path", kUpstream, {1, 1}, "path",
        "Where they are announced; /weir/NAME of the group unless given."),
    config::directive<&ZkConf::session, &config::time_ms>("zk_session", kUpstream, {1, 1}, "time",
        "The session's timeout: how long ZooKeeper may be out of reach before a new session is made."),
};

}  // namespace

extern const Feature zk_cluster;
const Feature zk_cluster{.name = "zk_cluster", .directives = kDirectives};

}  // namespace weir::http
