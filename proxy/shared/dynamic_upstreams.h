// Groups of backends that come into being while serving: `proxy_pass` with variables named an address or a host that no
// upstream has.
//
// One worker's, under one configuration. A bounded number is kept; whoever uses one holds it.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <weir/balancer/upstream.h>

#include "shared/upstream_block.h"
#include "net/resolver.h"

namespace weir::shared {

struct WorkerState;

struct DynamicUpstream {
  DynamicUpstream(std::string name, WorkerState& worker);
  DynamicUpstream(const DynamicUpstream&) = delete;
  ~DynamicUpstream();  // what the worker kept for it goes

  UpstreamBlock block;
  const std::shared_ptr<balancer::Upstream> group;
  balancer::UpstreamReader reader;
  net::ResolutionPtr resolution;  // what the members were made of; null: a literal address

  /// Makes the addresses, with `port`, the members; does nothing if they are already.
  void follow(net::ResolutionPtr latest, std::uint16_t port);
  /// Makes the name, which is an address, the only member.
  void serve_literal();

 private:
  WorkerState& worker_;
  bool is_literal_ = false;
};
using DynamicUpstreamPtr = std::shared_ptr<DynamicUpstream>;

class DynamicUpstreams {
 public:
  explicit DynamicUpstreams(WorkerState& worker) : worker_(worker) {}

  /// The group called `name` (`host:port`), made if there is none: then without members.
  DynamicUpstreamPtr get(std::string_view name);

 private:
  static constexpr std::size_t kMost = 1024;  // the least recently used one goes

  WorkerState& worker_;
  std::list<DynamicUpstreamPtr> recent_;  // the latest first
  std::unordered_map<std::string_view, std::list<DynamicUpstreamPtr>::iterator> by_name_;  // keys: the blocks' names
};

}  // namespace weir::shared
