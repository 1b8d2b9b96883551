// Any octets as a responder's answer about a certificate, judged as clients' certificates are and as staples are; and as the URL
// of a responder, which stands in a certificate. Must hold: nothing is taken for an answer that is only part of one or goes on
// behind its end, and whoever checks the signature believes nothing that others would not.
#include <openssl/pem.h>

#include <cstdint>
#include <string>

#include "must.h"
#include "net/ocsp.h"

namespace weir::net {
namespace {

// An authority, and a certificate of it; the seeds are answers about that, of the authority and of one it let answer.
constexpr std::string_view kAuthority = R"(-----BEGIN CERTIFICATE-----
MIIBjTCCATKgAwIBAgIUALFitxvBTSYpu/RFIWoLxVk4qzcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyODE1MDYzMVoYDzIxMjYxMTA0
MTUwNjMxWjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAQhR2x3g4p5t6gvrV5uEGs3hsrW23BSkYQhXodb6s4UAZhhYZN03dQZ
p0Nlx5enEpN5WuLn1mrOXNHpaSkMA9K8o2AwXjAdBgNVHQ4EFgQUAr5aoaPAEiBA
lsVeh9joGRjmZVQwHwYDVR0jBBgwFoAUAr5aoaPAEiBAlsVeh9joGRjmZVQwDwYD
VR0TAQH/BAUwAwEB/zALBgNVHQ8EBAMCAoQwCgYIKoZIzj0EAwIDSQAwRgIhAM13
ZUf2vYEo3GjCR/zk/81Ufg5irlfFY4q/3teiELwrAiEAgrwxMM2VQCXVfMVWBUpR
QoIeYFMOI7J83fS3QU9NK8w=
-----END CERTIFICATE-----)";

constexpr std::string_view kLeaf = R"(-----BEGIN CERTIFICATE-----
MIIBbTCCARKgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlhdXRob3Jp
dHkwIBcNMjYxMTI4MTUwNjMxWhgPMjEyNjExMDQxNTA2MzFaMA8xDTALBgNVBAMM
BGxlYWYwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAREEfH2fPTHdxY7SXqMsgIi
YvSlMkfBPgg2VxwN3SSsXlqRo5vYmcUqT4AxfPwlg547Rre2kOlkk7dz1byvlTpa
o1gwVjAUBgNVHREEDTALgglsZWFmLnRlc3QwHQYDVR0OBBYEFJN8312bc5Z18rHY
d72Q2RSn02kUMB8GA1UdIwQYMBaAFAK+WqGjwBIgQJbFXofY6BkY5mVUMAoGCCqG
SM49BAMCA0kAMEYCIQCXl0mxbB5DElJKygsNkGoXqoIKQbvFUVuCx5sRNSY/BgIh
AOzsPhp4TuEJ8Pv/4UIQ2/yDdJ0wqKbyBEYJPf6Oq9jx
-----END CERTIFICATE-----)";

X509Ptr read_certificate(std::string_view pem) {
  const std::unique_ptr<BIO, TlsDeleter<BIO_free_all>> file(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr));
  MUST(certificate);
  return certificate;
}

struct World {
  World() : trusted(X509_STORE_new()) {
    chain.push_back(read_certificate(kAuthority));
    MUST(X509_STORE_add_cert(trusted.get(), chain.front().get()) == 1);
    leaf = read_certificate(kLeaf);
    asked = std::make_unique<const OcspCertificate>(leaf.get(), chain.front().get());
  }
  OcspCertificate::Verdict judge(std::string_view answer, unsigned long flags) const {
    const std::string own(answer);  // a copy: what lies beyond it must not be touched
    return asked->judge(own, chain, trusted.get(), flags);
  }

  std::vector<X509Ptr> chain;
  StorePtr trusted;
  X509Ptr leaf;
  std::unique_ptr<const OcspCertificate> asked;
};

void judge(std::string_view octets) {
  static const World world;
  const auto careless = world.judge(octets, OCSP_NOVERIFY);
  const auto careful = world.judge(octets, 0);
  MUST(!careful.wrong.empty() || careless.wrong.empty());
  if (!careless.wrong.empty()) return;
  MUST(careless.status >= V_OCSP_CERTSTATUS_GOOD && careless.status <= V_OCSP_CERTSTATUS_UNKNOWN);
  MUST(!careful.wrong.empty() || careful.status == careless.status);
  MUST(!world.judge(octets.substr(0, octets.size() - 1), OCSP_NOVERIFY).wrong.empty());
  MUST(!world.judge(std::string(octets) + '\0', OCSP_NOVERIFY).wrong.empty());
}

void read_url(std::string_view octets) {
  const auto responder = parse_ocsp_url(octets);
  if (!responder) return;
  MUST(!responder->host.empty() && responder->port != 0 && responder->path.starts_with('/'));
  for (const char c : responder->host + responder->path) MUST(static_cast<unsigned char>(c) > ' ' && c != 0x7f);
}

}  // namespace
}  // namespace weir::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  weir::net::read_url(octets);
  weir::net::judge(octets);
  return 0;
}
