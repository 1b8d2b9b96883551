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

}  // namespace

const char* read_field_line(const char* from, const char* end, bool allow_bare_lf, FieldLine& line, Reason& reason) {
  const char* at = skip_plain_name(from, end);  // nearly always all of it
  std::uint8_t classes = at == from ? 0 : kPlainName;
  for (; at != end; ++at) {
    const std::uint8_t octet = octet_class(*at) & kToken;
    if (octet == 0) break;
    classes |= octet;
  }
  if (at == end || *at != ':' || at == from) {
    reason = bad_name(from, at, end);
    return nullptr;
  }
  line.name = {from, static_cast<std::size_t>(at - from)};
  line.name_classes = classes;

  const char* const colon = at;
  const char* const value = skip_blanks(colon + 1, end);
  at = find_control(value, end);
  const char* const next = line_end(at, end, allow_bare_lf, reason);
  if (next == nullptr) return nullptr;
  line.is_plain = value == colon + 2 && colon[1] == ' ' && *at == '\r';
  while (at != value && is_blank(at[-1])) --at, line.is_plain = false;
  line.value = {value, static_cast<std::size_t>(at - value)};
  return next;
}

}  // namespace weir::http1
