// What the balancer's tests share: an upstream with one reader and a clock that stands still unless told.
#pragma once

#include <weir/balancer/upstream.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::balancer::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

class TestUpstream {
 public:
  explicit TestUpstream(std::string_view method, std::vector<Member> members = {})
      : upstream(std::make_shared<Upstream>("test", *find_picker(method))), reader(upstream) {
    upstream->update(members);
  }

  std::optional<Lease> acquire(const Tried* tried = nullptr) { return reader.acquire({.tried = tried, .now = now}); }

  /// The address of the next pick, whose lease ends at once; "-" for none.
  std::string pick(const Tried* tried = nullptr) {
    const std::optional<Lease> lease = acquire(tried);
    return lease ? lease->backend().address() : "-";
  }

  /// The addresses of `count` picks one after the other, joined.
  std::string picks(int count) {
    std::string all;
    for (int i = 0; i < count; ++i) all += pick();
    return all;
  }

  /// The backend with this address in the present snapshot, or null.
  const Backend* backend(std::string_view address) const {
    const std::shared_ptr<const Snapshot> snapshot = upstream->snapshot();
    for (const Backends* backends : {&snapshot->primaries(), &snapshot->backups()}) {
      for (std::size_t i = 0; i < backends->size(); ++i) {
        if ((*backends)[i].address() == address) return &(*backends)[i];
      }
    }
    return nullptr;
  }

  std::shared_ptr<Upstream> upstream;
  UpstreamReader reader;
  TimePoint now{std::chrono::hours(1)};
};

/// `count` members with addresses 0, 1, 2, …
inline std::vector<Member> numbered(int count, std::uint32_t weight = 1) {
  std::vector<Member> members;
  for (int i = 0; i < count; ++i) members.push_back({.address = std::to_string(i), .weight = weight});
  return members;
}

}  // namespace weir::balancer::testing
