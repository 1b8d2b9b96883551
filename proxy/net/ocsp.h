// Questions to OCSP responders about a certificate, and what becomes of their answers (RFC 6960). Asking is others' work.
//
// Immutable, so usable by any thread.
#pragma once

#include <openssl/ocsp.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/ocsp_asker.h"
#include "net/tls_files.h"

namespace weir::net {

/// Reads `http://host[:port][/path]`.
std::optional<OcspResponder> parse_ocsp_url(std::string_view url);
/// The URL of the responder that the certificate names first, or an empty text.
std::string ocsp_url_of(X509* certificate);

class OcspCertificate {
 public:
  /// Throws TlsConfigError.
  OcspCertificate(X509* certificate, X509* issuer);

  /// What to GET from `responder` (RFC 6960 A.1).
  std::string target(const OcspResponder& responder) const;
  /// Tells the certificate from all others, in octets.
  std::string key() const;
  const std::string& subject() const { return subject_; }

  struct Verdict {
    std::string wrong;  // why the answer says nothing; empty: it does
    int status = V_OCSP_CERTSTATUS_UNKNOWN;
    std::optional<std::chrono::seconds> left;  // until a newer one is to be had, if it says so
  };
  /// Judges an answer. `chain`: certificates that may have signed it or stand above who did. `flags`: of OCSP_basic_verify.
  Verdict judge(std::string_view answer, std::span<const X509Ptr> chain, X509_STORE* trusted, unsigned long flags) const;

 private:
  std::unique_ptr<OCSP_CERTID, TlsDeleter<OCSP_CERTID_free>> id_;
  std::string subject_;
};

}  // namespace weir::net
