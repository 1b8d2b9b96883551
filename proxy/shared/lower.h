// Names that are compared without regard to case.
#pragma once

#include <string>
#include <string_view>

namespace weir::shared {

/// `text` with the letters A to Z in lower case; other octets stay.
inline std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

}  // namespace weir::shared
