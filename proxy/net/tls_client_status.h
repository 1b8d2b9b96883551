// What OCSP responders say of the certificates that clients show (`ssl_ocsp`). Private to this folder's TLS parts.
//
// Belongs to a TlsServer; workers use it at once. What responders said may be kept in a cache that servers share.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "net/ocsp.h"
#include "net/ocsp_asker.h"
#include "net/tls_options.h"

namespace weir::net {

class TlsSessionCache;

/// What is held against a client's certificate.
struct TlsClientFinding {
  long error = X509_V_OK;  // an X509 verification code
  std::string text;        // the same in nginx's words
  std::string remark;      // for the log: why nothing could be found out
};

class TlsClientStatus {
 public:
  /// Throws TlsConfigError if the options name no usable responder.
  explicit TlsClientStatus(const TlsServerOptions& options);

  /// Asks about the client of `ssl`, whose certificate was found good otherwise; those that cannot be asked about are not.
  Task<TlsClientFinding> check(SSL* ssl, Loop& loop, OcspAsker& asker, TimePoint deadline, OcspInquiry** under_way) const;

 private:
  Task<TlsClientFinding> check(X509* certificate, std::span<const X509Ptr> above, SSL* ssl, Loop& loop, OcspAsker& asker,
                               TimePoint deadline, OcspInquiry** under_way) const;

  const bool leaf_only_;
  const std::optional<OcspResponder> responder_;  // instead of what certificates say
  const TlsResponderNames names_;
  const std::shared_ptr<TlsSessionCache> cache_;  // of statuses by certificate; null: none
};

}  // namespace weir::net
