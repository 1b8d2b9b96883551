#include "net/digest.h"

#include <openssl/evp.h>

namespace weir::net {

namespace {

template <class Digest>
Digest digest(std::string_view text, const EVP_MD* algorithm) {
  Digest result{};
  ::EVP_Digest(text.data(), text.size(), result.data(), nullptr, algorithm, nullptr);
  return result;
}

}  // namespace

Md5 md5(std::string_view text) { return digest<Md5>(text, ::EVP_md5()); }
Sha1 sha1(std::string_view text) { return digest<Sha1>(text, ::EVP_sha1()); }

}  // namespace weir::net
