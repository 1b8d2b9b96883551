#include "shared/dynamic_upstreams.h"

#include "shared/worker_state.h"

namespace weir::shared {

namespace {

std::shared_ptr<balancer::Upstream> make_group(const std::string& name) {
  return std::make_shared<balancer::Upstream>(name, *balancer::find_picker("round_robin"));
}

}  // namespace

DynamicUpstream::DynamicUpstream(std::string name, WorkerState& worker)
    : group(make_group(name)), reader(group), worker_(worker) {
  block.name = std::move(name);
  block.is_implicit = true;
  block.group = group;
}

DynamicUpstream::~DynamicUpstream() { worker_.forget(*group); }

void DynamicUpstream::follow(net::ResolutionPtr latest, std::uint16_t port) {
  if (latest == resolution) return;
  resolution = std::move(latest);
  std::vector<balancer::Member> members;
  for (net::Endpoint endpoint : resolution->addresses) {
    endpoint.set_port(port);
    members.push_back({.address = endpoint.to_string(), .name = block.name});
  }
  group->update(members);
}

void DynamicUpstream::serve_literal() {
  if (is_literal_) return;
  is_literal_ = true;
  group->update({{.address = block.name, .name = block.name}});
}

DynamicUpstreamPtr DynamicUpstreams::get(std::string_view name) {
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    recent_.splice(recent_.begin(), recent_, known->second);
    return recent_.front();
  }
  if (recent_.size() >= kMost) {
    by_name_.erase(recent_.back()->block.name);
    recent_.pop_back();
  }
  recent_.push_front(std::make_shared<DynamicUpstream>(std::string(name), worker_));
  by_name_.emplace(recent_.front()->block.name, recent_.begin());
  return recent_.front();
}

}  // namespace weir::shared
