// random: draw lots, in proportion to weight; and of two drawn, take the better one.
#pragma once

#include <weir/balancer/picker.h>

#include "pickers/round_robin.h"

namespace weir::balancer {

/// What makes one of two backends the better one.
enum class Better : std::uint8_t { Only, FewerConnections, SoonerFirstByte, SoonerLastByte };

class Random final : public Picker {
 public:
  template <Better better>
  static std::unique_ptr<const Picker> make(const Backends& backends) {
    return std::make_unique<Random>(backends, better);
  }
  Random(const Backends& backends, Better better);

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override;

 private:
  /// How bad the choice of this backend is, per unit of weight.
  float cost_of(const Backend& backend) const noexcept;

  const Better better_;
  std::vector<std::uint64_t> ends_;  // of each backend's part of a line as long as the sum of all weights
  const RoundRobin turns_;           // when luck fails
};

}  // namespace weir::balancer
