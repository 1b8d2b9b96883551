// Passwords as `htpasswd` and `openssl passwd` write them.
#pragma once

#include <string>
#include <string_view>

namespace weir::http {

/// Whether `password` is the one that `stored` was made of. Forms: `{PLAIN}text`, `{SHA}…` and `{SSHA}…` (Base64),
/// `$apr1$…`, and everything that crypt(3) of this system knows. Compares in constant time.
/// Source of the forms: nginx's documentation of auth_basic_user_file; RFC 2307 for the schemes in braces.
bool password_fits(const std::string& password, const std::string& stored);

}  // namespace weir::http
