// Paths of request targets: decoding and normalising, escaping.
#pragma once

#include <optional>
#include <string_view>

#include "net/arena.h"

namespace weir::http {

/// Normalises the path of a request target: decodes `%XX` once, removes dot segments (RFC 3986 5.2.4), and merges
/// runs of slashes if `merge_slashes`.
///
/// `path`: begins with a slash, without query. Returns a text in `memory`, or `path` itself when nothing has to change;
/// nothing if the path is malformed: broken escapes, a NUL octet, or more `..` than segments.
/// Source: nginx's documentation of `location` ("matching is performed against a normalized URI").
std::optional<std::string_view> normalise_path(std::string_view path, bool merge_slashes, net::Arena& memory);

/// Which octets `escape` writes as `%XX`.
enum class EscapeFor : unsigned char {
  Path,      // a path on its way to a backend or into a Location: space, controls, `%`, `?`, `#`, 8-bit
  Argument,  // a component of a query: all but unreserved ones
  Query,     // a decoded path inside a query: as Path, and `&`, `+`
  Location,  // a URL that is escaped already: what may not stand in one at all
};

/// `text` with the octets of `set` escaped, in `memory`; `text` itself when there are none.
std::string_view escape(std::string_view text, EscapeFor set, net::Arena& memory);

}  // namespace weir::http
