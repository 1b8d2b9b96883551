// `sticky`: requests of one session go to one backend. The directive stands in features/sticky.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/balancer/sessions.h>

#include "shared/lower.h"
#include "shared/variable.h"

namespace weir::shared {

struct Sticky {
  enum class Kind : std::uint8_t {
    Cookie,  // the backend's route is in a cookie that Weir sets
    Route,   // the backend's route is in the request
    Learn,   // the request names a session, and Weir remembers where that belongs
  };
  Kind kind = Kind::Cookie;
  /// Where the route, or the session's name, is looked for; the first that is not empty counts.
  std::vector<VariableTable::Index> lookup;

  // Of Cookie.
  std::string name;
  Template domain, samesite;
  std::string path;
  std::optional<std::chrono::seconds> expires;
  bool expires_never = false;  // `expires=max`
  bool httponly = false, secure = false;

  // Of Learn.
  std::vector<VariableTable::Index> create;
  std::string zone;  // the name of the memory that holds the sessions
  balancer::Sessions::Limits limits;
  bool after_head = false;  // learn as soon as the head of an answer is there
};

/// The values that `samesite=` may have.
inline bool is_samesite(std::string_view text) {
  const std::string word = lower(text);
  return word == "strict" || word == "lax" || word == "none";
}

}  // namespace weir::shared
