// The names of members in ZooKeeper: all there is to know about one, in the name of its node.
//
//   name    = address *( "," key "=" value )        at most 255 bytes of printable ASCII, no spaces
//   address = v4 ":" port / "[" v6 "]" ":" port / host ":" port
//   keys      w weight 0..65535 (0: draining)   t tier 0..9 (0 primary, others backup)   s up | drain | starting
//             z zone   v version   i instance   p protocol   l.<name> label; other keys are left for the future
//   values    any bytes but "," "=" "%" and what is not printable; those as %XX
//
// Keeping facts in names makes a membership one read with one watch: a consistent picture at one moment.
#pragma once

#include "member/member_address.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace weir::discovery {

inline constexpr std::uint32_t kGreatestWeight = 65535;
inline constexpr std::uint32_t kGreatestTier = 9;

/// What a name says.
struct NativeName {
  enum class State { Up, Draining, Starting };

  std::string address;                  ///< canonical: `10.0.0.1:80`, `[2001:db8::1]:80`, `web1.example.com:80`
  std::optional<std::uint32_t> weight;  ///< nothing: as for all who say nothing
  std::uint32_t tier = 0;
  State state = State::Up;
  std::string zone, version, instance, protocol;
  std::map<std::string, std::string> labels;
  bool bad_weight = false;  ///< a weight was given that is none; it was ignored, not the member

  bool operator==(const NativeName&) const = default;
};

/// Either a name's meaning or why it has none.
struct DecodedName {
  std::optional<NativeName> name;
  NameError error{};
};

/// Reads a node's name. Never throws, whatever the bytes.
DecodedName decode_name(std::string_view text);

/// The name that decodes to `name`: `decode_name(encode_name(n)).name == n` if `n` is valid and short enough.
std::string encode_name(const NativeName& name);

/// The fields of `name` that say what a member is rather than how it is to be used, as in its encoded form:
/// `z=eu-1b,v=2026.1`. Empty if there are none.
std::string facts_of(const NativeName& name);

/// The zone that `facts`, as `facts_of` writes them, state; empty if they state none.
std::string zone_of(std::string_view facts);

/// `value` as it stands in a name: what may not stand there is `%XX`.
std::string escape_value(std::string_view value);

/// Whether `key` may be a key in a name, or what follows `l.` in one.
bool is_valid_key(std::string_view key);

/// `text` with everything but printable ASCII as `\xNN`, cut to `longest` bytes: for log lines.
std::string printable(std::string_view text, std::size_t longest = 120);

}  // namespace weir::discovery
