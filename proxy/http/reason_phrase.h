// Status codes in words.
#pragma once

#include <string_view>

namespace weir::http {

/// The words of a status code, such as `Not Found`; empty if it has none.
/// Source: the IANA registry, with nginx's spelling where it differs (302 `Moved Temporarily`).
std::string_view reason_phrase(int status) noexcept;

}  // namespace weir::http
