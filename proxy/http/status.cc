#include "http/status.h"

#include <array>
#include <string>

#include "http/reason_phrase.h"

namespace weir::http {

std::string_view status_line_text(int status) {
  // Made once: three digits, and a phrase where there is one.
  static const auto kTexts = [] {
    std::array<std::string, 1000> texts;
    for (int code = 0; code < 1000; ++code) {
      texts[code] = std::to_string(code);
      if (const std::string_view phrase = reason_phrase(code); !phrase.empty())
        texts[code].append(" ").append(phrase);
    }
    return texts;
  }();
  return status >= 0 && status < 1000 ? std::string_view(kTexts[status]) : std::string_view("000");
}

}  // namespace weir::http
