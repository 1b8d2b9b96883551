// The table of balancing methods. A method is one file and a row here for each form of it.
#include <weir/balancer/picker.h>

#include "pickers/hash_ring.h"
#include "pickers/key_hash.h"
#include "pickers/least_conn.h"
#include "pickers/least_time.h"
#include "pickers/peak_ewma.h"
#include "pickers/random.h"
#include "pickers/round_robin.h"

namespace weir::balancer {
namespace {

using enum LeastTime::Until;

constexpr PickerTraits kByLoad{.by_load = true};
constexpr PickerTraits kByKey{.by_key = true};
constexpr PickerTraits kByTime{.by_load = true, .by_time = true};
constexpr PickerTraits kByFirstByte{.by_load = true, .by_time = true, .running = Running::UntilFirstByte};
constexpr PickerTraits kByLastByte{.by_load = true, .by_time = true, .running = Running::UntilEnd};

constexpr PickerSpec kPickers[] = {
    {"round_robin", RoundRobin::make, "Take turns, in proportion to weight. The default."},
    {"least_conn", LeastConn::make, "Prefer the backend with the fewest connections per unit of weight.", kByLoad},
    {"least_time header", LeastTime::make<FirstByte>,
     "Prefer the backend that is expected to answer first: average time to the first byte × requests.", kByTime},
    {"least_time header inflight", LeastTime::make<FirstByte>,
     "The same, where answers that are not there yet count as soon as they are late.", kByFirstByte},
    {"least_time last_byte", LeastTime::make<LastByte>,
     "Prefer the backend that is expected to be done first: average time to the last byte × requests.", kByTime},
    {"least_time last_byte inflight", LeastTime::make<LastByte>,
     "The same, where answers that are not done yet count as soon as they are late.", kByLastByte},
    {"peak_ewma", PeakEwma::make, "The same as least_time header, but wary: a slow answer counts at once and for long.",
     kByTime},
    {"random", Random::make<Better::Only>, "Draw lots, in proportion to weight."},
    {"random two", Random::make<Better::FewerConnections>, "Draw two, take the one with fewer connections.", kByLoad},
    {"random two least_conn", Random::make<Better::FewerConnections>, "The same.", kByLoad},
    {"random two least_time=header", Random::make<Better::SoonerFirstByte>,
     "Draw two, take the one that is expected to answer first.", kByTime},
    {"random two least_time=last_byte", Random::make<Better::SoonerLastByte>,
     "Draw two, take the one that is expected to be done first.", kByTime},
    {"ip_hash", KeyHashPicker::make<KeyHash::Address>, "The same client address, the same backend; as nginx.", kByKey},
    {"hash", KeyHashPicker::make<KeyHash::Crc32>, "The same key, the same backend; as nginx.", kByKey},
    {"hash consistent", HashRing::make<false>,
     "The same key, the same backend, though others come and go; as nginx (ketama).", kByKey},
    {"hash consistent bounded", HashRing::make<true>,
     "The same, but never to a backend that has a quarter more than its fair share.", kByKey},
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
