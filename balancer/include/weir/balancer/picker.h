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

/// A fixed list of backends, in the order in which they were announced. They live as long as the snapshot that has it.
class Backends {
 public:
  /// What a list's maker asks of all its backends. Kept side by side: of thousands, each lies in memory of its own.
  struct Entry {
    explicit Entry(Backend& of)
        : backend(&of), slot(of.slot()), id(of.id()), weight(of.weight()), is_backup(of.is_backup()) {}

    Backend* backend;
    Slot slot;
    std::uint64_t id;
    std::uint32_t weight;  // as announced when the list was made
    bool is_backup;
  };

  Backends() = default;
  /// `is_part`: of a group; another list has the rest.
  explicit Backends(std::vector<Entry> list, bool is_part = false) : list_(std::move(list)), is_part_(is_part) {}

  std::size_t size() const noexcept { return list_.size(); }
  bool empty() const noexcept { return list_.empty(); }
  const Backend& operator[](std::size_t i) const noexcept { return *list_[i].backend; }
  std::span<const Entry> entries() const noexcept { return list_; }
  bool is_part() const noexcept { return is_part_; }

  /// Says that backend `i` is likely to be picked, so that its memory is at hand by then.
  void prefetch(std::size_t i) const noexcept {
#ifdef __GNUC__
    __builtin_prefetch(list_[i].backend, 1);
#else
    (void)i;
#endif
  }

 private:
  friend class Snapshot;
  std::vector<Entry> list_;
  bool is_part_ = false;
};

/// What a pick may depend on besides the backends. Time and chance come from the caller, so picks can be reproduced.
struct PickRequest {
  const Tried* tried = nullptr;  // skip these
  TimePoint now{};               // the current time: decides when a failed backend may be checked
  std::string_view key{};        // what the request is to be mapped by, for methods that hash
  std::uint64_t random = 0;      // uniformly distributed bits, for methods that draw lots
  std::string_view route{};      // sticky: take the backend with this route, if it can be had; empty: any
  bool only_available = false;   // rather nothing than a backend that is marked failed
  bool can_wait = false;         // so, too, but only while one that works is merely at its `max_conns`

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

/// What the rest of the library must know about a method.
struct PickerTraits {
  /// It goes by what is under way or how long answers take, so a backend that fails fast looks good to it. Errors
  /// then lower a backend's share until they are forgotten.
  bool by_load = false;
  /// It maps keys to backends: nobody's share is lowered for a time, since that would move keys.
  bool by_key = false;
  /// It asks for `Backend::timings`, and with `running` for the age of what is under way.
  bool by_time = false;
  Running running = Running::Untimed;
};

/// One method: what it is called and how to make it for a list of backends.
struct PickerSpec {
  std::string_view name;  // the words of the directive that `upstream { … }` accepts, but for a key
  std::unique_ptr<const Picker> (*make)(const Backends& backends);
  std::string_view doc;  // one sentence
  PickerTraits traits{};
};

/// The methods that come with the library; the first is the default.
std::span<const PickerSpec> pickers() noexcept;

/// The method called `name`, or null.
const PickerSpec* find_picker(std::string_view name) noexcept;

}  // namespace weir::balancer
