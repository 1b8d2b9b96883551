// One field line, and where a line ends: shared by heads and trailers.
#pragma once

#include <cstdint>
#include <string_view>

#include "http1/parse_error.h"

namespace weir::http1 {

/// Steps over the end of a line: CRLF, or LF alone if `allow_bare_lf`.
///
/// Returns what follows, or nullptr with the reason why [from, end) does not begin with a line end. If all of it
/// could still become one, the reason is of no interest: the line is not complete.
inline const char* line_end(const char* from, const char* end, bool allow_bare_lf, Reason& reason) {
  if (end - from >= 2 && from[0] == '\r' && from[1] == '\n') return from + 2;
  if (from != end && *from == '\n') {
    if (allow_bare_lf) return from + 1;
    reason = Reason::BareLf;
  } else if (from != end && *from == '\r') {
    reason = Reason::BareCr;
  } else {
    reason = Reason::ControlOctet;
  }
  return nullptr;
}

struct FieldLine {
  std::string_view name, value;   // the value without the white space around it
  std::uint8_t name_classes = 0;  // all OctetClass bits that occur in the name
  bool is_plain = false;          // `name: value CRLF`: one space, and no other white space around the value
};

/// Reads one field line with its end at the front of [from, end).
///
/// Returns what follows, or nullptr with a reason; the reason counts only if the range holds a LF.
const char* read_field_line(const char* from, const char* end, bool allow_bare_lf, FieldLine& line, Reason& reason);

}  // namespace weir::http1
