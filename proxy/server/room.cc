#include "server/room.h"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace weir::server {

namespace {

using http::Standing;
using Kind = http::Standing::Kind;

constexpr std::uint32_t kShare = 4;  // an address may hold one place of so many

/// What an address counts as; 0: nothing.
std::uint64_t origin_of(const net::Endpoint& client) {
  if (client.family() == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(client.raw());
    return 1ull << 32 | v4->sin_addr.s_addr;
  }
  if (client.family() != AF_INET6) return 0;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(client.raw())->sin6_addr;
  std::uint64_t network = 0;
  if (IN6_IS_ADDR_V4MAPPED(&address)) {
    std::uint32_t v4 = 0;
    std::memcpy(&v4, address.s6_addr + 12, sizeof v4);
    return 1ull << 32 | v4;
  }
  std::memcpy(&network, address.s6_addr, sizeof network);
  return network;
}

/// Who goes first.
enum class Claim : std::uint8_t { OwnOfGreedy, OfGreedy, Ordinary, ServedOfGreedy, None };

struct Candidate {
  Claim claim;
  Standing standing;
  http::ClientConnectionBase* connection;

  bool is_like(const Candidate& other) const { return claim == other.claim && standing.kind == other.standing.kind; }
  friend bool operator<(const Candidate& a, const Candidate& b) {
    return a.claim != b.claim ? a.claim < b.claim : a.standing < b.standing;
  }
};

class Census {
 public:
  Census(http::ConnectionHost& host, std::uint32_t places, const net::Endpoint& newcomer)
      : most_(std::max(places / kShare, 1u)), newcomer_(origin_of(newcomer)) {
    if (newcomer_ != 0) ++held_[newcomer_];
    host.connections.for_each([this](http::ClientConnectionBase& connection) {
      if (const std::uint64_t origin = origin_of(connection.client()); origin != 0) ++held_[origin];
    });
    newcomer_is_greedy_ = is_greedy(newcomer_);
  }

  Claim claim_of(const http::ClientConnectionBase& connection, const Standing& standing) const {
    const std::uint64_t origin = origin_of(connection.client());
    if (standing.kind == Kind::Gone) return Claim::None;
    if (standing.kind == Kind::Serving)
      return is_greedy(origin) && newcomer_ != 0 && !newcomer_is_greedy_ ? Claim::ServedOfGreedy : Claim::None;
    if (newcomer_is_greedy_) {
      if (origin == newcomer_) return Claim::OwnOfGreedy;
      // Of the others it gets only what nobody is using.
      if (!is_greedy(origin)) return standing.kind == Kind::Idle ? Claim::Ordinary : Claim::None;
    }
    return is_greedy(origin) ? Claim::OfGreedy : Claim::Ordinary;
  }

 private:
  bool is_greedy(std::uint64_t origin) const {
    const auto known = held_.find(origin);
    return known != held_.end() && known->second > most_;
  }

  const std::uint32_t most_;
  const std::uint64_t newcomer_;
  bool newcomer_is_greedy_ = false;
  std::unordered_map<std::uint64_t, std::uint32_t> held_;  // places by origin
};

}  // namespace

std::vector<http::ClientConnectionBase*> choose_leavers(http::ConnectionHost& host, std::uint32_t places,
                                                        const net::Endpoint& newcomer, std::size_t wanted) {
  const Census census(host, places, newcomer);
  std::vector<Candidate> candidates;
  host.connections.for_each([&](http::ClientConnectionBase& connection) {
    const Standing standing = connection.standing();
    if (const Claim claim = census.claim_of(connection, standing); claim != Claim::None)
      candidates.push_back({claim, standing, &connection});
  });
  const auto end = candidates.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, candidates.size()));
  std::partial_sort(candidates.begin(), end, candidates.end());
  std::vector<http::ClientConnectionBase*> leaving;
  for (auto at = candidates.begin(); at != end && at->is_like(candidates.front()); ++at)
    leaving.push_back(at->connection);
  // Cutting off answers one at a time is enough.
  if (!leaving.empty() && candidates.front().claim == Claim::ServedOfGreedy) leaving.resize(1);
  return leaving;
}

}  // namespace weir::server
