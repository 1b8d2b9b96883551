#include "http/credentials.h"

#include <algorithm>

#include "http/base64.h"
#include "http/field_id.h"

namespace weir::http {

std::optional<Credentials> basic_credentials(std::string_view field) {
  if (field.size() < 7 || !equal_caseless(field.substr(0, 6), "basic ")) return std::nullopt;
  field.remove_prefix(std::min(field.find_first_not_of(' ', 6), field.size()));
  const auto text = decode_base64(field);
  const std::size_t colon = text ? text->find(':') : std::string::npos;
  // crypt(3) would take a password with NUL for a shorter one.
  if (colon == std::string::npos || text->find('\0') != text->npos) return std::nullopt;
  return Credentials{text->substr(0, colon), text->substr(colon + 1)};
}

}  // namespace weir::http
