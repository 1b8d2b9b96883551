#include "pickers/hash_ring.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <string>
#include <unordered_map>

#include "pickers/crc32.h"
#include "pickers/lane_scan.h"

namespace weir::balancer {
namespace {

constexpr std::uint64_t kPointsPerWeight = 160;
constexpr std::uint64_t kMostPoints = 1U << 20;  // weights are reduced to fit
constexpr int kMostMisses = 20;
constexpr float kBound = 1.25F;
constexpr float kAnyLoad = std::numeric_limits<float>::infinity();

std::vector<Turns::Item> items_of(const Backends& backends) {
  std::vector<Turns::Item> items;
  for (const Backends::Entry& entry : backends.entries()) items.push_back({items.size(), entry.weight});
  return items;
}

/// What all weights are divided by: 1 unless that made too many points.
std::uint64_t divisor_of(const Backends& backends) {
  std::uint64_t sum = 0, common = 0;
  for (const Backends::Entry& entry : backends.entries()) {
    sum += entry.weight;
    common = std::gcd(common, std::uint64_t{entry.weight});
  }
  const auto fits = [&](std::uint64_t divisor) { return sum / divisor * kPointsPerWeight <= kMostPoints; };
  if (fits(1)) return 1;
  return fits(common) ? common : std::max<std::uint64_t>(1, sum * kPointsPerWeight / kMostPoints);
}

/// The server's name without and with its port, as the points are made of it.
std::pair<std::string_view, std::string_view> split_port(std::string_view server) {
  if (server.starts_with("unix:")) return {server.substr(5), {}};
  const std::size_t colon = server.find_last_not_of("0123456789");
  if (colon == server.npos || server[colon] != ':') return {server, {}};
  return {server.substr(0, colon), server.substr(colon + 1)};
}

}  // namespace

HashRing::HashRing(const Backends& backends, bool is_bounded)
    : is_bounded_(is_bounded), lanes_(backends), turns_of_owners_(items_of(backends), backends.size(), 0), turns_(backends) {
  const std::uint64_t divisor = divisor_of(backends);
  std::unordered_map<std::string, std::uint32_t> numbers;
  for (std::size_t i = 0; i < backends.size(); ++i) {
    const Member member = backends[i].member();
    const std::string& server = member.hash_key.empty() ? member.address : member.hash_key;
    const auto [known, is_new] = numbers.try_emplace(server, static_cast<std::uint32_t>(owners_.size()));
    if (is_new) owners_.emplace_back();
    owners_[known->second].indexes.push_back(i);
    owners_[known->second].weight += backends[i].weight();
    // The points are a chain, so members that share it have as many as the heaviest asks for.
    add_points(server, std::max<std::uint64_t>(1, backends[i].weight() / divisor) * kPointsPerWeight, known->second);
  }
  std::stable_sort(points_.begin(), points_.end(), [](const Point& a, const Point& b) { return a.at < b.at; });
  const auto same = [](const Point& a, const Point& b) { return a.at == b.at; };
  points_.erase(std::unique(points_.begin(), points_.end(), same), points_.end());
}

void HashRing::add_points(std::string_view server, std::uint64_t count, std::uint32_t owner) {
  const auto [host, port] = split_port(server);
  Crc32 base;
  base.add(host).add(static_cast<unsigned char>(0)).add(port);
  std::uint32_t previous = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    Crc32 point = base;
    for (int byte = 0; byte < 4; ++byte) point.add(static_cast<unsigned char>(previous >> (8 * byte) & 0xFF));
    previous = point.value();
    points_.push_back({previous, owner});
  }
}

std::optional<std::size_t> HashRing::first_of(const Owner& owner, const Backends& backends,
                                              const PickRequest& request, float most_load) const {
  std::optional<Turns::Turn> best;
  for (const std::size_t i : owner.indexes) {
    const Backend& backend = backends[i];
    if (!backend.is_available() || request.was_tried(backend)) continue;
    if (static_cast<float>(backend.active()) >= most_load * static_cast<float>(backend.weight())) continue;
    const Turns::Turn turn = turns_of_owners_.first(i & ~std::size_t{63}, 1ULL << (i & 63));
    if (!best || turn.at < best->at) best = turn;
  }
  if (!best) return std::nullopt;
  if (owner.indexes.size() > 1) turns_of_owners_.take(*best);
  return best->item;
}

float HashRing::fair_load(const Backends& backends) const noexcept {
  std::uint64_t under_way = 1, weight = 0;
  for (const Lanes::Group& group : lanes_.groups()) {
    const OpenClaims open = open_claims(*group.block, group.members);
    under_way += open.claims;
    weight += group.weight;
    for (std::uint64_t closed = group.members & ~open.lanes; closed != 0; closed &= closed - 1) {
      weight -= backends[group.index[std::countr_zero(closed)]].weight();
    }
  }
  return static_cast<float>(under_way) / static_cast<float>(std::max<std::uint64_t>(weight, 1));
}

std::optional<std::size_t> HashRing::pick(const Backends& backends, const PickRequest& request) const {
  if (request.key.empty() || backends.size() == 1) return turns_.pick(backends, request);
  const float most_load = is_bounded_ ? kBound * fair_load(backends) : kAnyLoad;
  const std::uint32_t key = Crc32().add(request.key).value();
  const auto first = std::lower_bound(points_.begin(), points_.end(), key,
                                      [](const Point& point, std::uint32_t at) { return point.at < at; });
  auto at = static_cast<std::size_t>(first - points_.begin());
  const std::size_t most_steps = is_bounded_ ? points_.size() : kMostMisses + 1;
  for (std::size_t step = 0; step < most_steps; ++step, ++at) {
    const Owner& owner = owners_[points_[at % points_.size()].owner];
    if (const auto found = first_of(owner, backends, request, most_load)) return found;
  }
  return turns_.pick(backends, request);
}

}  // namespace weir::balancer
