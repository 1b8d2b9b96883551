// A balancing method: the interface, and the table of the methods that come with the library.
#pragma once

#include <weir/balancer/backend.h>
#include <weir/balancer/tried.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::balancer {

/// A fixed list of backends, in the order in which they were announced.
class Backends {
 public:
  Backends() = default;
  explicit Backends(std::vector<std::shared_ptr<Backend>> list) : list_(std::move(list)) {}

  std::size_t size() const noexcept { return list_.size(); }
  bool empty() const noexcept { return list_.empty(); }
  const Backend& operator[](std::size_t i) const noexcept { return *list_[i]; }

 private:
  friend class Snapshot;
  std::vector<std::shared_ptr<Backend>> list_;
};

/// What a pick may depend on besides the backends. Time and chance come from the caller, so picks can be reproduced.
struct PickRequest {
  const Tried* tried = nullptr;  // skip these
  TimePoint now{};               // the current time: decides when a failed backend may be checked
  std::string_view key{};        // what the request is to be mapped by, for methods that hash
  std::uint64_t random = 0;      // uniformly distributed bits, for methods that draw lots
  bool only_available = false;   // rather nothing than a backend that is marked failed

  bool was_tried(const Backend& backend) const noexcept { return tried != nullptr && tried->contains(backend); }
};

/// A balancing method for one fixed list of backends.
///
/// Thread safety: `pick` is called from all threads at once; a method that remembers something does so in atomics.
class Picker {
 public:
  virtual ~Picker() = default;

  /// Chooses one of `backends`, the list this picker was made for, skipping those that are not available
  /// (`Backend::is_available`) and those that `request` has tried. Counts nothing: the caller claims what is picked.
  /// Returns its index, or nothing when none will do.
  virtual std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const = 0;
};

/// One method: what it is called and how to make it for a list of backends.
struct PickerSpec {
  std::string_view name;  // the directive that `upstream { … }` accepts
  std::unique_ptr<const Picker> (*make)(const Backends& backends);
  std::string_view doc;  // one sentence
};

/// The methods that come with the library; the first is the default.
std::span<const PickerSpec> pickers() noexcept;

/// The method called `name`, or null.
const PickerSpec* find_picker(std::string_view name) noexcept;

}  // namespace weir::balancer
