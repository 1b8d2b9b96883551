// Who finds the addresses of members that are announced by the names of hosts.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir::discovery {

/// What a name stands for at present.
struct HostAnswer {
  std::vector<std::string> addresses{};  ///< IP literals, v6 without brackets; none: it does not resolve
  std::string error{};                   ///< then, why
  std::optional<std::chrono::seconds> valid_for{};  ///< nothing: whoever looked it up does not know
};

/// Looks one name up and calls `done` once: on any thread, perhaps before it returns, perhaps when whoever asked is gone.
/// It must not wait.
using HostLookUp = std::function<void(const std::string& host, std::function<void(HostAnswer)> done)>;

/// The system's resolver (getaddrinfo), which knows nothing about how long an answer is valid. It may wait for as long
/// as it likes: a few names at a time, for the whole process.
HostLookUp system_host_look_up();

}  // namespace weir::discovery
