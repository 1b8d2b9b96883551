// The settings of one scope (a server, a location, an upstream …): one object of each feature's Conf type.
//
// A Conf is any default-constructible struct, usually of Setting<T> members and local to its feature's file. Each
// type has a slot, numbered before main() begins.
//
// Thread safety: filled by the thread that loads; afterwards read by all. A Settings must not be made before main().
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace weir::config {

namespace detail {
/// Gives a Conf type its slot. `defaults` lives for ever and is what `get` returns where nothing was set.
std::size_t register_conf(const void* defaults);

template <class Conf>
inline const Conf conf_defaults{};
template <class Conf>
inline const std::size_t conf_slot = register_conf(&conf_defaults<Conf>);
}  // namespace detail

class Settings {
 public:
  Settings();
  Settings(Settings&&) noexcept = default;
  Settings& operator=(Settings&&) noexcept = default;

  /// The scope's object of this type, or the defaults if the scope set nothing of it. Costs one indexed load.
  template <class Conf>
  const Conf& get() const {
    return *static_cast<const Conf*>(current_[detail::conf_slot<Conf>]);
  }

  /// The scope's own object of this type, to be changed. References from `get` before the first `edit` go stale.
  template <class Conf>
  Conf& edit() {
    const std::size_t slot = detail::conf_slot<Conf>;
    if (!owned_[slot]) {
      owned_[slot] = Owned(new Conf{}, [](void* conf) { delete static_cast<Conf*>(conf); });
      current_[slot] = owned_[slot].get();
    }
    return *static_cast<Conf*>(owned_[slot].get());
  }

 private:
  using Owned = std::unique_ptr<void, void (*)(void*)>;

  std::vector<const void*> current_;
  std::vector<Owned> owned_;
};

}  // namespace weir::config
