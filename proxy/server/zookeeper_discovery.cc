#include "server/zookeeper_discovery.h"

#include <chrono>
#include <map>
#include <string>
#include <unordered_map>

#include <weir/balancer/backend.h>
#include <weir/balancer/snapshot.h>

#include "shared/resolver_conf.h"
#include "shared/zk_conf.h"

namespace weir::server {

namespace {

using Clock = std::chrono::steady_clock;

discovery::Vanish vanish_of(const std::string& word) {
  if (word == "trust") return discovery::Vanish::Trust;
  return word == "keep" ? discovery::Vanish::Keep : discovery::Vanish::Verify;
}

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

void write_counts(shared::JsonWriter& json, const std::map<std::string, std::uint64_t>& counts) {
  json.object();
  for (const auto& [name, count] : counts) json.key(name).number(count);
  json.end_object();
}

void write_status(const discovery::SourceStatus& status, shared::JsonWriter& json) {
  json.object();
  json.key("state").text(discovery::to_string(status.state));
  json.key("for_seconds").number(seconds_since(status.since));
  json.key("generation").number(status.generation);
  if (status.generation != 0) json.key("changed_seconds_ago").number(seconds_since(status.last_change));
  json.key("members").number(status.members);
  json.key("held").number(status.held);
  json.key("frozen").truth(status.is_frozen);
  json.key("sessions").number(status.sessions);
  json.key("readings").number(status.reads);
  if (!status.policy_error.empty()) json.key("policy_error").text(status.policy_error);
  json.key("unresolved").number(status.unresolved);
  write_counts(json.key("rejected"), status.rejected);
  write_counts(json.key("counters"), status.counters);
  json.end_object();
}

discovery::HostAnswer answer_of(const net::Resolution& found) {
  if (found.code != 0) return {.error = found.failure()};
  discovery::HostAnswer answer;
  for (const net::Endpoint& address : found.addresses) answer.addresses.push_back(address.address_string());
  answer.valid_for = std::chrono::ceil<std::chrono::seconds>(found.expires - Clock::now());
  return answer;
}

class Witness {
 public:
  explicit Witness(std::shared_ptr<balancer::Upstream> group) : group_(std::move(group)) {}

  discovery::Health ask(std::string_view address) {
    refresh();
    const auto known = by_address_.find(address);
    if (known == by_address_.end()) return discovery::Health::Unknown;
    const balancer::Backend& backend = *known->second;
    if (!backend.is_failed()) {
      failing_since_.erase(backend.id());
      return backend.requests() > 0 ? discovery::Health::Passing : discovery::Health::Unknown;
    }
    const Clock::time_point now = Clock::now();
    const auto [since, is_new] = failing_since_.emplace(backend.id(), now);
    const bool is_convicted = !is_new && now - since->second > backend.member().fail_timeout + kForACheck;
    return is_convicted ? discovery::Health::Failing : discovery::Health::Unknown;
  }

 private:
  static constexpr std::chrono::seconds kForACheck{2};

  void refresh() {
    auto now = group_->snapshot();
    if (now == snapshot_) return;
    snapshot_ = std::move(now);
    by_address_.clear();
    if (failing_since_.size() > 10'000) failing_since_.clear();  // of backends that are long gone
    for (const auto* tier : {&snapshot_->primaries(), &snapshot_->backups()})
      for (std::size_t i = 0; i < tier->size(); ++i) by_address_.emplace((*tier)[i].address(), &(*tier)[i]);
  }

  const std::shared_ptr<balancer::Upstream> group_;
  std::shared_ptr<const balancer::Snapshot> snapshot_;
  std::unordered_map<std::string_view, const balancer::Backend*> by_address_;  // of that snapshot
  std::unordered_map<std::uint64_t, Clock::time_point> failing_since_;         // by id; of those asked about
};

}  // namespace

discovery::ZooKeeperConfig zookeeper_config(const shared::UpstreamBlock& block) {
  const shared::ZkConf& zk = block.settings.get<shared::ZkConf>();
  discovery::ZooKeeperConfig config;
  config.servers = *zk.servers;
  config.path = zk.path->empty() ? "/weir/" + block.name : *zk.path;
  config.session_timeout = *zk.session;
  config.format = discovery::format_of(*zk.format).value_or(discovery::Format::Auto);
  config.vanish = {.mode = vanish_of(*zk.vanish), .min_share = *zk.least, .damp = *zk.damp};
  config.allow = *zk.allow;
  config.cache_file = *zk.cache;
  config.auth = {.scheme = *zk.auth_scheme, .secret = *zk.auth_secret};
  return config;
}

discovery::HealthWitness witness_of(std::shared_ptr<balancer::Upstream> group) {
  return [witness = std::make_shared<Witness>(std::move(group))](std::string_view address) {
    return witness->ask(address);
  };
}

DnsQuestion names_of(const shared::UpstreamBlock& block) {
  const shared::ResolverConf& conf = block.settings.get<shared::ResolverConf>();
  DnsQuestion names;
  names.resolver = *conf.resolver;
  names.timeout = *conf.timeout;
  return names;
}

discovery::HostLookUp host_look_up(DnsWatch& dns, DnsQuestion names) {
  if (names.resolver == nullptr) return discovery::system_host_look_up();
  return [&dns, names = std::move(names)](const std::string& host, auto done) {
    DnsQuestion question = names;
    question.host = host;
    dns.look_up(std::move(question), [done = std::move(done)](const net::Resolution& found) { done(answer_of(found)); });
  };
}

void show_status(const shared::UpstreamBlock& block, const discovery::ZooKeeperSource& source) {
  const auto& slot = block.settings.get<shared::ZkConf>().status;
  if (slot == nullptr) return;
  const auto read = source.status_reader();
  slot->set([read] { return discovery::describe(read(), Clock::now()); },
            [read](shared::JsonWriter& json) { write_status(read(), json); });
}

}  // namespace weir::server
