// zk_cluster: an upstream whose members live in ZooKeeper.
#include "shared/zk_conf.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>

#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/address.h"

namespace weir::shared {

namespace {

using config::Call;
using namespace scopes;

constexpr std::size_t kLongestSecret = 1024;

std::string server_of(const Call& call, const std::string& text) {
  const HostPort parsed = parse_host_port(text, 2181);
  if (parsed.is_unix()) call.fail_value(text, "a host and a port");
  return parsed.text();
}

void set_servers(const Call& call, std::vector<std::string> servers) {
  ZkConf& conf = call.settings.edit<ZkConf>();
  if (conf.servers.is_set_here()) call.fail_duplicate();
  conf.servers.set(std::move(servers));
}

void begin_discovery(const Call& call) {
  Loader::of(call).upstream->discovers = true;
  std::shared_ptr<ZkStatus>& status = call.settings.edit<ZkConf>().status;
  if (status == nullptr) status = std::make_shared<ZkStatus>();
}

void set_cluster(const Call& call) {
  std::vector<std::string> servers;
  for (const std::string& server : call.args) servers.push_back(server_of(call, server));
  set_servers(call, std::move(servers));
  begin_discovery(call);
}

std::string zk_path(const Call& call) {
  const std::string& path = call.args[0];
  if (!path.starts_with('/') || path.find("//") != path.npos || (path.size() > 1 && path.ends_with('/')))
    call.fail_value(path, "an absolute path without a slash at its end");
  return path;
}

template <std::size_t N>
std::string word_of(const Call& call, const std::string_view (&words)[N]) {
  for (const std::string_view word : words)
    if (call.args[0] == word) return call.args[0];
  call.fail_value(call.args[0], config::one_of(words));
}

std::string format(const Call& call) {
  static constexpr std::string_view kFormats[] = {"auto",    "native", "plain", "nerve", "serverset",
                                                  "curator", "dubbo",  "nginx"};
  return word_of(call, kFormats);
}

std::string vanish(const Call& call) {
  static constexpr std::string_view kWords[] = {"trust", "verify", "keep"};
  return word_of(call, kWords);
}

std::string cache(const Call& call) {
  const std::string& word = call.args[0];
  if (word == "off") return {};
  const Loader& loader = Loader::of(call);
  if (word != "on") return loader.full_path(word);
  std::string name = loader.upstream->name;
  std::replace(name.begin(), name.end(), '/', '_');
  // Groups of both protocols may have the same name.
  return loader.full_path((call.where == config::Upstream ? "zk_cache/" : "zk_cache/stream-") + name);
}

double share(const Call& call) {
  const std::string& text = call.args[0];
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  if (unit == "%") value /= 100;
  if (error != std::errc{} || (!unit.empty() && unit != "%") || !(value >= 0 && value <= 1))
    call.fail_value(text, "a share such as 0.9 or 90%");
  return value;
}

bool is_range(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string host = text.substr(0, slash);
  unsigned char bytes[16];
  const bool is_v6 = ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
  if (!is_v6 && ::inet_pton(AF_INET, host.c_str(), bytes) != 1) return false;
  return slash == text.npos || config::parse_number(text.substr(slash + 1), is_v6 ? 128 : 32).has_value();
}

std::vector<std::string> ranges(const Call& call) {
  for (const std::string& range : call.args)
    if (!is_range(range)) call.fail_value(range, "an address range such as 10.0.0.0/8");
  return {call.args.begin(), call.args.end()};
}

/// `digest file:PATH`: the secret is in a file, so that it is not in what people show each other.
void set_auth(const Call& call) {
  ZkConf& conf = call.settings.edit<ZkConf>();
  if (conf.auth_scheme.is_set_here()) call.fail_duplicate();
  if (call.args[0] != "digest") call.fail_value(call.args[0], "digest");
  constexpr std::string_view kFile = "file:";
  if (!call.args[1].starts_with(kFile)) call.fail("the secret of \"zk_auth\" must be given as file:PATH");
  const std::string path = Loader::of(call).conf_path(call.args[1].substr(kFile.size()));
  std::ifstream file(path, std::ios::binary);
  std::string secret{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open()) call.fail(fmt::format("cannot read \"{}\" in \"zk_auth\" directive", path));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  const std::size_t colon = secret.find(':');
  if (colon == 0 || colon == secret.npos || colon + 1 == secret.size() || secret.size() > kLongestSecret ||
      secret.find_first_of("\r\n") != secret.npos)
    call.fail(fmt::format("\"{}\" in \"zk_auth\" directive must hold one line, user:password", path));
  conf.auth_scheme.set(call.args[0]);
  conf.auth_secret.set(std::move(secret));
}

// --- the names of ngx_zookeeper_upstream

void set_module_servers(const Call& call) {
  std::vector<std::string> servers;
  std::string_view rest = call.args[0];
  while (!rest.empty()) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    servers.push_back(server_of(call, std::string(rest.substr(0, comma))));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  if (servers.empty()) call.fail_value(call.args[0], "a list of hosts");
  set_servers(call, std::move(servers));
}

std::chrono::milliseconds module_timeout(const Call& call) {
  return std::chrono::milliseconds(config::number_between(call, 1, 60'000));
}

void set_module_path(const Call& call) {
  ZkConf& conf = call.settings.edit<ZkConf>();
  if (conf.path.is_set_here()) call.fail_duplicate();
  conf.path.set(zk_path(call));
  if (!conf.format.is_set_here()) conf.format.set("nginx");
  begin_discovery(call);
  Loader& loader = Loader::of(call);
  loader.afterwards([&loader, &settings = call.settings, at = call.statement.at] {
    if (settings.get<ZkConf>().servers.is_set() || loader.protocol.settings.get<ZkConf>().servers.is_set()) return;
    loader.diagnostics.error(at, "\"zookeeper_sync_path\" needs \"zookeeper_upstream\" or \"zk_cluster\"");
  });
}

/// The module's file is one of `server` lines; ours is not, and does not take its place.
std::string module_file(const Call& call) { return Loader::of(call).full_path(call.args[0]) + ".weir"; }

void refuse(const Call&) {}

constexpr config::DirectiveSpec refused(std::string_view name, config::Context where, std::string_view why) {
  config::DirectiveSpec spec = config::custom(name, where, {0, -1}, "…", "Of ngx_zookeeper_upstream.", &refuse);
  spec.support = config::Support::Refused;
  spec.reason = why;
  return spec;
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("zk_cluster", kUpstreams, {1, -1}, "host[:port] …",
        "The ZooKeeper ensemble that announces the members of this group; port 2181 unless given.", &set_cluster),
    config::directive<&ZkConf::path, &zk_path>("zk_path", kUpstreams, {1, 1}, "path",
        "Where they are announced; /weir/NAME of the group unless given."),
    config::directive<&ZkConf::format, &format>("zk_format", kUpstreams, {1, 1},
        "auto | native | plain | nerve | serverset | curator | dubbo | nginx",
        "How the nodes right below the path state members; `auto` finds it out for each, `native` ignores them."),
    config::directive<&ZkConf::session, &config::time_ms>("zk_session", kUpstreams, {1, 1}, "time",
        "The session's timeout: how long ZooKeeper may be out of reach before a new session is made."),
    config::directive<&ZkConf::cache, &cache>("zk_cache", kUpstreams, {1, 1}, "on | off | file",
        "Keeps the last good membership on disk, so that a start without ZooKeeper can serve; `on`: zk_cache/NAME."),
    config::directive<&ZkConf::vanish, &vanish>("zk_vanish", kUpstreams, {1, 1}, "trust | verify | keep",
        "What is believed of members that are gone without a word: that they are gone; only of a few; nothing, until they fail."),
    config::directive<&ZkConf::least, &share>("zk_min", kUpstreams, {1, 1}, "share",
        "With `zk_vanish verify`: the share of the members that must stay for a loss to be believed at once."),
    config::directive<&ZkConf::damp, &config::on_off>("zk_damp", kUpstreams, {1, 1}, "on | off",
        "Keeps members that come and go until they have stopped doing so."),
    config::directive<&ZkConf::allow, &ranges>("zk_allow", kUpstreams, {1, -1}, "address/bits …",
        "Where members may be, announced by address or by name; others are refused. Link-local, multicast and unspecified addresses always are."),
    config::custom("zk_auth", kUpstreams, {2, 2}, "digest file:path",
        "Who Weir is to ZooKeeper: the file holds user:password.", &set_auth),
    config::custom("zookeeper_upstream", kHttp, {1, 1}, "host[:port][,…]",
        "ngx_zookeeper_upstream's name for the ensemble of all groups with `zookeeper_sync_path`.", &set_module_servers,
        false, &config::inherit_members<&ZkConf::servers>),
    config::directive<&ZkConf::session, &module_timeout>("zookeeper_upstream_recv_timeout", kHttp, {1, 1}, "ms",
        "ngx_zookeeper_upstream's name for `zk_session`."),
    config::custom("zookeeper_upstream_log_level", kHttp, {1, 1}, "level", "Of ngx_zookeeper_upstream.", &refuse)
        .accepted("what happens is written to the error log at the levels of `error_log`"),
    config::custom("zookeeper_sync_path", kUpstream, {1, 1}, "path",
        "ngx_zookeeper_upstream's name for `zk_path`, with `zk_format nginx`.", &set_module_path),
    config::directive<&ZkConf::cache, &module_file>("zookeeper_sync_file", kUpstream, {1, 1}, "file",
        "ngx_zookeeper_upstream's name for `zk_cache`; the file is `file.weir`.")
        .degraded("the membership is kept in Weir's own form, in the file of that name with .weir"),
    refused("zookeeper_sync_params", kUpstream, "`@params` in a node are read; defaults cannot be given here"),
    refused("zookeeper_sync_lock", kUpstream, "use the policy: `weir zk freeze` and `weir zk accept`"),
    refused("zookeeper_sync_unlock", kLocation, "use the policy: `weir zk freeze --off` and `weir zk accept`"),
    refused("zookeeper_sync_list", kLocation, "use `zk_status`, or `weir zk show`"),
    refused("zookeeper_sync_filter", kUpstream, "give the nodes of each group a path of their own"),
    refused("zookeeper_sync_exclude", kUpstream, "drain members by the policy: `weir zk drain`"),
    refused("zookeeper_upstream_exclude", kHttp, "drain members by the policy: `weir zk drain`"),
};

}  // namespace

extern const Directives zk_cluster_directives;
const Directives zk_cluster_directives = kDirectives;

}  // namespace weir::shared
