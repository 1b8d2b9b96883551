// hash … consistent: a key goes to the same backend while others come and go (ketama), and as it does with nginx.
//
// Each backend has 160 points on a ring for each unit of weight. A key belongs to the first point at or after its own;
// if that backend cannot be had, to the next one on. After twenty misses, and without a key, backends take turns.
// Source: nginx's `hash … consistent`, which is that of Cache::Memcached::Fast.
//
// Bounded: a backend that has a quarter more than its fair share of what is under way is passed over, so one popular key
// cannot drown its backend. Source: Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing with Bounded Loads".
#pragma once

#include <weir/balancer/picker.h>

#include "pickers/lanes.h"
#include "pickers/round_robin.h"

namespace weir::balancer {

class HashRing final : public Picker {
 public:
  template <bool is_bounded>
  static std::unique_ptr<const Picker> make(const Backends& backends) {
    return std::make_unique<HashRing>(backends, is_bounded);
  }
  HashRing(const Backends& backends, bool is_bounded);

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override;

 private:
  struct Point {
    std::uint32_t at;
    std::uint32_t owner;
  };
  /// Members that share their points, since they are one server with several addresses.
  struct Owner {
    std::vector<std::size_t> indexes;
    std::uint64_t weight = 0;
  };

  void add_points(std::string_view server, std::uint64_t count, std::uint32_t owner);
  std::optional<std::size_t> first_of(const Owner& owner, const Backends& backends, const PickRequest& request,
                                      float most_load) const;

  /// The load per unit of weight that each would have if all that are available had the same, after this request.
  float fair_load(const Backends& backends) const noexcept;

  const bool is_bounded_;
  const Lanes lanes_;
  std::vector<Owner> owners_;
  std::vector<Point> points_;
  mutable Turns turns_of_owners_;  // among those who share points
  const RoundRobin turns_;
};

}  // namespace weir::balancer
