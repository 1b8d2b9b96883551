// The table of balancing methods. A method is one file and one row here.
#include <weir/balancer/picker.h>

#include "pickers/least_conn.h"
#include "pickers/round_robin.h"

namespace weir::balancer {
namespace {

constexpr PickerSpec kPickers[] = {
    {"round_robin", RoundRobin::make, "Take turns, in proportion to weight. The default."},
    {"least_conn", LeastConn::make, "Prefer the backend with the fewest connections per unit of weight."},
};

}  // namespace

std::span<const PickerSpec> pickers() noexcept {
  return kPickers;
}

const PickerSpec* find_picker(std::string_view name) noexcept {
  for (const PickerSpec& spec : kPickers) {
    if (spec.name == name) return &spec;
  }
  return nullptr;
}

}  // namespace weir::balancer
