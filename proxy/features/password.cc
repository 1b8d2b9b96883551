#include "features/password.h"

#include <crypt.h>

#include <memory>

#include "http/base64.h"
#include "net/digest.h"

namespace weir::http {

namespace {

bool same(std::string_view a, std::string_view b) {
  unsigned differ = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && i < b.size(); ++i)
    differ |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return differ == 0;
}

template <class Digest>
std::string_view octets(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// Apache's variant of the MD5 crypt of FreeBSD. Source: the description in Apache's "Password Formats".
std::string apr1(const std::string& password, std::string_view salt) {
  constexpr std::string_view kMagic = "$apr1$";
  const std::string inner(octets(net::md5(password + std::string(salt) + password)));
  std::string text = password + std::string(kMagic) + std::string(salt);
  for (std::size_t left = password.size(); left > 0; left -= std::min<std::size_t>(left, 16))
    text.append(inner, 0, std::min<std::size_t>(left, 16));
  for (std::size_t bits = password.size(); bits != 0; bits >>= 1) text += bits & 1 ? '\0' : password[0];
  std::string digest(octets(net::md5(text)));
  for (unsigned round = 0; round < 1000; ++round) {
    std::string next = round & 1 ? password : digest;
    if (round % 3 != 0) next += salt;
    if (round % 7 != 0) next += password;
    next += round & 1 ? digest : password;
    digest = octets(net::md5(next));
  }
  constexpr char kAlphabet[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr int kOrder[][3] = {{0, 6, 12}, {1, 7, 13}, {2, 8, 14}, {3, 9, 15}, {4, 10, 5}, {-1, -1, 11}};
  std::string result = std::string(kMagic) + std::string(salt) + "$";
  for (const auto& [high, middle, low] : kOrder) {
    const auto octet = [&digest](int i) { return i < 0 ? 0u : static_cast<unsigned>(static_cast<unsigned char>(digest[static_cast<std::size_t>(i)])); };
    unsigned bits = octet(high) << 16 | octet(middle) << 8 | octet(low);
    for (int digits = high < 0 ? 2 : 4; digits > 0; --digits, bits >>= 6) result += kAlphabet[bits & 63];
  }
  return result;
}

bool crypt_fits(const std::string& password, const std::string& stored) {
  const auto memory = std::make_unique<crypt_data>();
  const char* const made = ::crypt_r(password.c_str(), stored.c_str(), memory.get());
  return made && made[0] != '*' && same(made, stored);
}

}  // namespace

bool password_fits(const std::string& password, const std::string& stored) {
  const std::string_view text = stored;
  if (text.starts_with("{PLAIN}")) return same(password, text.substr(7));
  if (text.starts_with("{SHA}")) return same(encode_base64(octets(net::sha1(password))), text.substr(5));
  if (text.starts_with("{SSHA}")) {
    const auto decoded = decode_base64(text.substr(6));
    if (!decoded || decoded->size() < sizeof(net::Sha1)) return false;
    const std::string salt = decoded->substr(sizeof(net::Sha1));
    return same(octets(net::sha1(password + salt)), std::string_view(*decoded).substr(0, sizeof(net::Sha1)));
  }
  if (text.starts_with("$apr1$")) {
    const std::string_view salt = text.substr(6, std::min<std::size_t>(text.find('$', 6) - 6, 8));
    return same(apr1(password, salt), text);
  }
  return crypt_fits(password, stored);
}

}  // namespace weir::http
