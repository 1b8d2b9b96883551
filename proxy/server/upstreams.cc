#include "server/upstreams.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "shared/address.h"
#include "shared/proxy_tls.h"
#include "shared/resolver_conf.h"
#include "net/endpoint.h"
#include "server/zookeeper_discovery.h"

namespace weir::server {

namespace {

log::Level level_of(discovery::Severity severity) {
  switch (severity) {
    case discovery::Severity::Debug: return log::Level::Debug;
    case discovery::Severity::Info: return log::Level::Info;
    case discovery::Severity::Notice: return log::Level::Notice;
    case discovery::Severity::Warning: return log::Level::Warn;
    case discovery::Severity::Error: return log::Level::Error;
  }
  return log::Level::Error;
}

/// The addresses of `line`, as texts that net::Endpoint reads.
std::vector<std::string> addresses_of(const shared::ServerLine& line, const log::ErrorLog& error_log) {
  shared::HostPort where{line.host, line.port, true};
  if (where.is_literal()) return {where.text()};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(line.host.c_str(), nullptr, &hints, &found);
  if (error != 0) {
    log::warn(error_log, "host not found in upstream \"{}:{}\" ({}): that server is left out until the next reload",
              line.host, line.port, ::gai_strerror(error));
    return {};
  }
  std::vector<std::string> addresses;
  for (const addrinfo* each = found; each; each = each->ai_next) {
    net::Endpoint endpoint(each->ai_addr, each->ai_addrlen);
    endpoint.set_port(line.port);
    addresses.push_back(endpoint.to_string());
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

std::vector<balancer::Member> resolve_servers(const shared::UpstreamBlock& block, const log::ErrorLog& error_log) {
  std::vector<balancer::Member> members;
  for (const shared::ServerLine& line : block.servers) {
    if (line.resolves) continue;
    for (std::string& address : addresses_of(line, error_log)) {
      balancer::Member member = line.member;
      member.address = std::move(address);
      member.hash_key = line.member.name;
      // Weights in ZooKeeper count in hundredths; a server line beside them counts as much as a member by default.
      if (block.discovers) member.weight *= discovery::kDefaultMemberWeight;
      members.push_back(std::move(member));
    }
  }
  return members;
}

Upstreams::~Upstreams() {
  for (auto& [name, entry] : entries_) {
    if (entry->source) entry->source->stop();
    if (entry->checks) entry->checks->end(true);
  }
}

void Upstreams::prepare(shared::ProtocolConfig& config) const {
  for (const auto& block : config.upstreams) {
    const auto known = entries_.find(block->name);
    block->group = known != entries_.end() ? known->second->group
                                           : std::make_shared<balancer::Upstream>(block->name, *block->method);
  }
}

bool Upstreams::Entry::all_read() const {
  return (!discovers || was_read) &&
         std::all_of(resolved.begin(), resolved.end(), [](const Resolved& each) { return each.was_read; });
}

void Upstreams::Entry::publish() {
  std::vector<balancer::Member> all = configured;
  for (const Resolved& name : resolved)
    for (const DnsServer& server : name.servers) {
      balancer::Member member = name.member;
      member.address = server.endpoint.to_string();
      member.hash_key = name.member.name;
      if (server.weight != 0 && member.weight == 1) member.weight = server.weight;
      member.backup = member.backup || server.backup;
      all.push_back(std::move(member));
    }
  // The same address twice is two servers, as for nginx.
  std::set<std::string> known;
  for (balancer::Member& member : all) {
    const std::string first = member.address;
    for (int copy = 2; !known.insert(member.address).second; ++copy)
      member.address = shared::address_of_copy(first, copy);
  }
  const balancer::Members everyone[] = {std::move(all), discovered};  // of those with one address the first counts
  const bool have_to_prove =
      checks && std::any_of(checks->checks().begin(), checks->checks().end(),
                            [](const shared::HealthCheck& check) { return check.mandatory; });
  group->update(everyone, have_to_prove ? balancer::Newcomers::Prove : balancer::Newcomers::Serve);
  if (checks) checks->follow();
}

/// Watches the names of `block`'s lines with `resolve`. What is known of a name already stays until it is read again.
void Upstreams::watch_names(const shared::UpstreamBlock& block, Entry& entry,
                            const std::shared_ptr<log::ErrorLog>& error_log) {
  std::vector<Resolved> wanted;
  for (const shared::ServerLine& line : block.servers) {
    if (!line.resolves) continue;
    Resolved name;
    const shared::ResolverConf& conf = block.settings.get<shared::ResolverConf>();
    name.question = {line.host, line.port, line.service, *conf.resolver, *conf.timeout};
    name.member = line.member;
    if (block.discovers) name.member.weight *= discovery::kDefaultMemberWeight;
    wanted.push_back(std::move(name));
  }
  std::vector<Resolved> before;
  {
    const std::lock_guard lock(entry.mutex);
    for (Resolved& name : wanted)
      for (const Resolved& old : entry.resolved)
        if (old.question.name() == name.question.name() && old.question.service == name.question.service) {
          name.servers = old.servers;
          name.was_read = old.was_read;
          if (name.question.service.empty())  // else the ports are the answer's
            for (DnsServer& server : name.servers) server.endpoint.set_port(name.question.port);
        }
    before = std::exchange(entry.resolved, std::move(wanted));
  }
  before.clear();  // outside of the lock: a sink may be waiting for it
  for (std::size_t i = 0; i < entry.resolved.size(); ++i) {
    const auto take = [&entry, i](std::vector<DnsServer> servers) {
      const std::lock_guard lock(entry.mutex);
      if (i >= entry.resolved.size()) return;
      entry.resolved[i].servers = std::move(servers);
      entry.resolved[i].was_read = true;
      entry.publish();
      entry.read_once.notify_all();
    };
    const auto complain = [error_log, name = block.name](const std::string& why) {
      log::error(*error_log, "upstream \"{}\": {}", name, why);
    };
    entry.resolved[i].watch = dns_.watch(entry.resolved[i].question, take, complain);
  }
}

/// Whom a check's handshakes have to reach, by the proxy_ssl settings where it stands; nothing: it makes none. Certificates
/// of our own whose names have variables are not shown.
std::optional<net::TlsTarget> tls_of(const shared::HealthCheck& check) {
  if (!check.is_encrypted()) return std::nullopt;
  static const shared::ProxyTlsConf kDefaults;
  const shared::ProxyTlsConf& conf = check.scope ? check.scope->get<shared::ProxyTlsConf>() : kDefaults;
  net::TlsTarget target;
  target.client = conf.client ? conf.client : net::TlsClient::with({});
  target.name = conf.name.is_set() && conf.name->is_literal() ? conf.name->literal_text()
                                                              : std::string(shared::without_port(check.host));
  target.sends_name = *conf.server_name;
  return target;
}

/// How long one check may take: as the scope says, and not past the next one, though never less than a second.
std::chrono::milliseconds limit_of(const shared::HealthCheck& check) {
  const std::chrono::milliseconds limit = std::max<std::chrono::milliseconds>(check.interval, std::chrono::seconds(1));
  return check.scope ? std::min(limit, check.patience(*check.scope)) : limit;
}

/// Before the members come: newcomers may have to prove themselves.
void Upstreams::begin_checks(shared::UpstreamBlock& block, Entry& entry,
                             const std::shared_ptr<shared::ProtocolConfig>& config,
                             const std::shared_ptr<log::ErrorLog>& error_log) {
  const std::lock_guard lock(entry.mutex);
  auto& wanted = block.health_checks;
  for (shared::HealthCheck& check : wanted) {
    check.limit = limit_of(check);
    check.tls = tls_of(check);
    check.scope = nullptr;  // it lives no longer than its configuration
  }
  const auto is_same = [](const shared::HealthCheck& one, const shared::HealthCheck& other) { return one.same_as(other); };
  if (entry.checks && !std::ranges::equal(wanted, entry.checks->checks(), is_same)) {
    entry.checks->end(wanted.empty());
    entry.checks.reset();
  }
  if (!wanted.empty() && !entry.checks) entry.checks = health_.begin(entry.group, wanted, config, error_log);
  block.monitor = entry.checks;
}

void Upstreams::commit_one(shared::UpstreamBlock& block, Entry& entry,
                           const std::shared_ptr<shared::ProtocolConfig>& config,
                           const std::shared_ptr<log::ErrorLog>& error_log) {
  entry.group->set_method(*block.method);
  entry.group->keep_routes(block.sticky.has_value());
  entry.group->set_zone(*block.settings.get<shared::UpstreamConf>().local_zone);
  {
    const std::lock_guard lock(entry.mutex);
    entry.configured = resolve_servers(block, *error_log);
  }
  discovery::ZooKeeperConfig wanted = zookeeper_config(block);
  std::unique_ptr<discovery::ZooKeeperSource> former;
  const DnsQuestion names = names_of(block);
  if (entry.source && (!block.discovers || entry.source_config != wanted || !names.same_as(entry.source_names))) {
    entry.source->stop();
    former = std::move(entry.source);
    // Read from the same place in another way, members stay until they were read again.
    const bool is_same_place = block.discovers && entry.source_config.servers == wanted.servers &&
                               entry.source_config.path == wanted.path;
    // Also those that the registry does not name, be it that they are held or that it is away just now.
    if (!is_same_place || entry.source_config.format != wanted.format) former.reset();
    if (!is_same_place) {
      const std::lock_guard lock(entry.mutex);
      entry.discovered = {};
      entry.was_read = false;
    }
  }
  watch_names(block, entry, error_log);
  begin_checks(block, entry, config, error_log);
  {
    const std::lock_guard lock(entry.mutex);
    entry.discovers = block.discovers;
    entry.publish();
  }
  if (!block.discovers) return;
  if (entry.source) return show_status(block, *entry.source);
  entry.source_config = wanted;
  entry.source_names = names;
  const auto log_event = [error_log, name = block.name](discovery::Severity severity, std::string_view text) {
    log::write(*error_log, level_of(severity), "discovery of upstream \"{}\": {}", name, text);
  };
  entry.source = std::make_unique<discovery::ZooKeeperSource>(
      std::move(wanted), log_event, discovery::ZooKeeperClients::of_process(), witness_of(entry.group),
      host_look_up(dns_, names));
  show_status(block, *entry.source);
  if (former != nullptr) entry.source->go_on_for(*former);
  entry.source->start([&entry, error_log, name = block.name](balancer::Members members) {
    const std::lock_guard lock(entry.mutex);
    log::notice(*error_log, "upstream \"{}\" has {} discovered members (before: {})", name, members.size(),
                entry.discovered.size());
    entry.discovered = std::move(members);
    entry.publish();
    entry.was_read = true;
    entry.read_once.notify_all();
  });
}

void Upstreams::wait_for_members(std::chrono::steady_clock::time_point deadline, const log::ErrorLog& error_log) {
  for (auto& [name, entry] : entries_) {
    std::unique_lock lock(entry->mutex);
    if (!entry->read_once.wait_until(lock, deadline, [&] { return entry->all_read(); }))
      log::error(error_log, "upstream \"{}\": ZooKeeper does not say who the members are: going on without", name);
  }
}

void Upstreams::commit(const std::shared_ptr<shared::ProtocolConfig>& config, std::shared_ptr<log::ErrorLog> error_log) {
  std::set<std::string> named;
  for (const auto& block : config->upstreams) {
    named.insert(block->name);
    auto& entry = entries_[block->name];
    if (!entry) {
      entry = std::make_unique<Entry>();
      entry->group = block->group;
    }
    commit_one(*block, *entry, config, error_log);
  }
  std::erase_if(entries_, [&](auto& each) {
    if (named.contains(each.first)) return false;
    if (each.second->source) each.second->source->stop();
    if (each.second->checks) each.second->checks->end(true);
    return true;
  });
}

}  // namespace weir::server
