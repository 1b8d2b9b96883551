// From what an upstream says about ZooKeeper to a source of members, and from backends to its second witness.
#pragma once

#include <memory>

#include <weir/balancer/upstream.h>
#include <weir/discovery/zookeeper_source.h>

#include "server/dns_watch.h"
#include "shared/upstream_block.h"

namespace weir::server {

/// Where the members of `block` are announced and how that is read. `block` must discover.
discovery::ZooKeeperConfig zookeeper_config(const shared::UpstreamBlock& block);

/// What serving tells of the backends of `group`. One that is marked failed counts as failing once it has been for
/// longer than its `fail_timeout`, so that a request or check has had the time to find it working again.
/// For one source: what it returns keeps a state of its own and is called on that source's thread.
discovery::HealthWitness witness_of(std::shared_ptr<balancer::Upstream> group);

/// How names of members are resolved in `block`: by the name servers of the `resolver` that holds there. Without a host.
DnsQuestion names_of(const shared::UpstreamBlock& block);

/// Asks so through `dns`, which must outlive what it returns; without name servers, the system's resolver.
discovery::HostLookUp host_look_up(DnsWatch& dns, DnsQuestion names);

/// Lets `zk_status` print what `source`, that of `block`, tells about itself.
void show_status(const shared::UpstreamBlock& block, const discovery::ZooKeeperSource& source);

}  // namespace weir::server
