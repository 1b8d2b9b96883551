#include <weir/discovery/static_source.h>

#include <algorithm>
#include <utility>

namespace weir::discovery {

StaticSource::StaticSource(std::vector<balancer::Member> members) : members_(std::move(members)) {
  const auto by_address = [](const auto& a, const auto& b) { return a.address < b.address; };
  std::stable_sort(members_.begin(), members_.end(), by_address);
  const auto same_address = [](const auto& a, const auto& b) { return a.address == b.address; };
  members_.erase(std::unique(members_.begin(), members_.end(), same_address), members_.end());
}

void StaticSource::start(Sink sink) { sink(members_); }

}  // namespace weir::discovery
