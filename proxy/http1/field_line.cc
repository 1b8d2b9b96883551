#include "http1/field_line.h"

#include "http1/octets.h"

namespace weir::http1 {
namespace {

/// Why a line that should begin with a name and a colon does not; `at` is the first octet that is not of the name.
Reason bad_name(const char* begin, const char* at, const char* end) {
  if (at == end) return Reason::MissingColon;
  if (*at == ':') return Reason::EmptyName;  // or there would be a name
  if (is_blank(*at)) {
    if (at == begin) return Reason::ObsoleteFolding;
    const char* next = skip_blanks(at, end);
    return next != end && *next == ':' ? Reason::SpaceBeforeColon : Reason::BadName;
  }
  if (*at == '\r' || *at == '\n') {
    if (*at == '\n' && at == begin) return Reason::BareLf;  // meant as the empty line
    if (*at == '\r' && at + 1 != end && at[1] != '\n') return Reason::BareCr;
    return Reason::MissingColon;
  }
  return is_control(*at) ? Reason::ControlOctet : Reason::BadName;
}

/// What follows the name.
inline const char* read_value(const char* colon, const char* end, bool allow_bare_lf, FieldLine& line, Reason& reason) {
  const char* const value = skip_blanks(colon + 1, end);
  const char* at = find_control(value, end);
  const char* const next = line_end(at, end, allow_bare_lf, reason);
  if (next == nullptr) return nullptr;
  line.is_plain = value == colon + 2 && colon[1] == ' ' && *at == '\r';
  while (at != value && is_blank(at[-1])) --at, line.is_plain = false;
  line.value = {value, static_cast<std::size_t>(at - value)};
  return next;
}

/// A line whose name is not, or not only, a kPlainName; `at` is the first octet that is none.
[[gnu::cold]] const char* read_odd_line(const char* from, const char* at, const char* end, bool allow_bare_lf,
                                        FieldLine& line, Reason& reason) {
  line.name_classes = at == from ? 0 : kPlainName;
  for (; at != end && is_token_octet(*at); ++at) line.name_classes |= octet_class(*at) & kToken;
  if (at == end || *at != ':' || at == from) {
    reason = bad_name(from, at, end);
    return nullptr;
  }
  line.name = {from, static_cast<std::size_t>(at - from)};
  return read_value(at, end, allow_bare_lf, line, reason);
}

}  // namespace

const char* read_field_line(const char* from, const char* end, bool allow_bare_lf, FieldLine& line, Reason& reason) {
  const char* const at = skip_plain_name(from, end);
  if (at == from || at == end || *at != ':') return read_odd_line(from, at, end, allow_bare_lf, line, reason);
  line.name = {from, static_cast<std::size_t>(at - from)};
  line.name_classes = kPlainName;
  return read_value(at, end, allow_bare_lf, line, reason);
}

}  // namespace weir::http1
