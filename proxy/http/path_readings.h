// How servers differ in reading a path, and whether it matters.
//
// A backend gets the target as the client wrote it. Some take `\` for `/`, cut `;parameters` off segments, decode twice
// or not at all. If one of these readings leads to another place than the one that rules were looked up for, a request
// could walk around the rules.
#pragma once

#include <functional>
#include <string_view>

#include "net/arena.h"

namespace weir::http {

/// The place, of whatever kind, that a path leads to; places are compared.
using PlaceOf = std::function<const void*(std::string_view path)>;

struct PathVerdict {
  /// In words, why the path must not be passed on; empty if nothing speaks against it.
  std::string_view refused = {};
  /// Only its normal form may be passed on: who neither decodes nor removes dot segments would come to another place.
  bool normal_form_only = false;
};

/// Judges `path`, as it was received, whose normal form (see normalise_path) is `normal`.
///
/// Refused are: a `\` as it is; segments that are `.` or `..` only for those who end segments at `;` or `\`; and what
/// leads to another place than `normal` in a usual reading. A path in which there is nothing to be read differently costs
/// a few searches for single octets. Scratch memory is taken from `memory`.
PathVerdict judge_path(std::string_view path, std::string_view normal, const PlaceOf& place, net::Arena& memory);

}  // namespace weir::http
