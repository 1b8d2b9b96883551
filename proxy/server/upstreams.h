// The live groups of backends of one protocol, and what feeds them: kept by name through every reload.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <weir/balancer/upstream.h>
#include <weir/discovery/zookeeper_source.h>

#include "log/error_log.h"
#include "server/dns_watch.h"
#include "server/health_checks.h"
#include "shared/protocol_config.h"

namespace weir::server {

/// Belongs to the control thread; memberships arrive on the sources' own threads.
class Upstreams {
 public:
  ~Upstreams();

  /// Gives every upstream of `config` its group: the one in use under that name, or a new one. Changes nothing else,
  /// so a configuration that is given up afterwards leaves no trace.
  void prepare(shared::ProtocolConfig& config) const;

  /// Makes the memberships those of `config`: server lines at once (names are resolved here; one that does not resolve
  /// is left out with a warning), discovered ones as they are announced. Groups that `config` does not name end.
  /// Puts the monitors of those that are checked into `config`.
  void commit(const std::shared_ptr<shared::ProtocolConfig>& config, std::shared_ptr<log::ErrorLog> error_log);

  /// Waits until every discovered membership was read once, at most until `deadline`: a request that comes in the first
  /// moments should not find an empty group. Those whose registry does not answer by then are named in `error_log`.
  void wait_for_members(std::chrono::steady_clock::time_point deadline, const log::ErrorLog& error_log);

 private:
  /// What a name stands for at present. The watch ends before the rest.
  struct Resolved {
    DnsQuestion question;
    balancer::Member member;  // what all of its servers have in common
    bool was_read = false;
    std::vector<DnsServer> servers;
    std::unique_ptr<DnsWatch::Handle> watch;
  };
  struct Entry {
    std::shared_ptr<balancer::Upstream> group;
    bool discovers = false;  // a registry brings members
    std::condition_variable read_once;
    bool was_read = false;
    std::mutex mutex;  // guards what follows: two threads bring members
    std::vector<balancer::Member> configured;
    balancer::Members discovered;
    std::vector<Resolved> resolved;  // one for each server line with `resolve`
    std::unique_ptr<discovery::ZooKeeperSource> source;
    discovery::ZooKeeperConfig source_config;
    DnsQuestion source_names;  // how it resolves
    std::shared_ptr<HealthChecks::Group> checks;  // null: there are none

    void publish();
    bool all_read() const;
  };

  void commit_one(shared::UpstreamBlock& block, Entry& entry, const std::shared_ptr<shared::ProtocolConfig>& config,
                  const std::shared_ptr<log::ErrorLog>& error_log);
  void begin_checks(shared::UpstreamBlock& block, Entry& entry, const std::shared_ptr<shared::ProtocolConfig>& config,
                    const std::shared_ptr<log::ErrorLog>& error_log);
  void watch_names(const shared::UpstreamBlock& block, Entry& entry, const std::shared_ptr<log::ErrorLog>& error_log);

  // In this order: entries end before what works for them.
  HealthChecks health_;
  DnsWatch dns_;
  std::map<std::string, std::unique_ptr<Entry>> entries_;
};

/// The members of `block`'s server lines. Names are resolved with the system's resolver, which may wait.
std::vector<balancer::Member> resolve_servers(const shared::UpstreamBlock& block, const log::ErrorLog& error_log);

}  // namespace weir::server
