#include "pickers/key_hash.h"

#include <algorithm>
#include <string>

#include "pickers/crc32.h"

namespace weir::balancer {
namespace {

constexpr int kMostMisses = 20;

class Crc32Numbers {
 public:
  std::uint32_t next(std::string_view key) {
    Crc32 crc;
    if (round_ > 0) crc.add(std::to_string(round_));  // short: no allocation
    sum_ += crc.add(key).value() >> 16 & 0x7FFF;
    ++round_;
    return sum_;
  }

 private:
  std::uint32_t sum_ = 0;
  int round_ = 0;
};

class AddressNumbers {
 public:
  std::uint32_t next(std::string_view key) {
    for (const char octet : key) hash_ = (hash_ * 113 + static_cast<unsigned char>(octet)) % 6271;
    return hash_;
  }

 private:
  std::uint32_t hash_ = 89;
};

template <class Numbers>
std::optional<std::size_t> find(const std::vector<std::uint64_t>& ends, const Backends& backends,
                                const PickRequest& request) {
  Numbers numbers;
  for (int misses = 0; misses <= kMostMisses; ++misses) {
    const std::uint64_t at = numbers.next(request.key) % ends.back();
    const auto found = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), at) - ends.begin());
    if (backends[found].is_available() && !request.was_tried(backends[found])) return found;
  }
  return std::nullopt;
}

}  // namespace

KeyHashPicker::KeyHashPicker(const Backends& backends, KeyHash hash) : hash_(hash), turns_(backends) {
  std::uint64_t end = 0;
  for (const Backends::Entry& entry : backends.entries()) ends_.push_back(end += entry.weight);
}

std::optional<std::size_t> KeyHashPicker::pick(const Backends& backends, const PickRequest& request) const {
  if (backends.size() > 1 && !request.key.empty()) {
    const auto found = hash_ == KeyHash::Crc32 ? find<Crc32Numbers>(ends_, backends, request)
                                               : find<AddressNumbers>(ends_, backends, request);
    if (found) return found;
  }
  return turns_.pick(backends, request);
}

}  // namespace weir::balancer
