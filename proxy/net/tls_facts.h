// What may be asked about a connection that is encrypted. All that code outside of this folder sees of TLS.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir::net {

enum class TlsFact : std::uint8_t {
  Protocol,       // TLSv1.3
  Cipher,         // the one in use
  Ciphers,        // those the client offered, with colons between
  Curve,          // the one in use
  Curves,         // those the client offered
  Signature,      // the algorithm that the server signed its part of the handshake with
  SessionId,      // in hexadecimal
  SessionReused,  // r, or a full stop
  ServerName,     // that the client asked for (SNI)
  Alpn,
  EarlyData,      // 1 as long as what is read was sent before the handshake was complete; else empty
  PeerVerdict,    // SUCCESS, FAILED:reason, NONE
  OwnSignature,   // the algorithm that our own certificate is signed with
  OwnKey,         // what kind of key it has, with its bits: RSA2048, EC256
  // Of the peer's certificate; empty if it showed none.
  PeerCertificate,         // PEM in one line, with a tab for each line's end
  PeerCertificateRaw,      // PEM
  PeerCertificateEscaped,  // PEM, percent-encoded
  PeerSubject,             // RFC 2253
  PeerIssuer,
  PeerCommonName,
  PeerSubjectLegacy,       // /C=…/CN=…
  PeerIssuerLegacy,
  PeerSerial,
  PeerFingerprint,         // SHA-1, in hexadecimal
  PeerValidFrom,
  PeerValidTo,
  PeerDaysLeft,
  PeerSignature,           // the algorithm that the peer signed its part of the handshake with
};

class TlsFacts {
 public:
  /// Empty if there is nothing to say.
  virtual std::string fact(TlsFact which) const = 0;
  /// The name that the client asked for, in lower case; valid as long as the connection.
  virtual std::string_view server_name() const = 0;
  /// What has to be held against the peer's certificate: an X509 verification code, 0 for none.
  virtual long verify_error() const = 0;
  /// The same in words.
  virtual std::string verify_error_text() const = 0;
  virtual bool has_peer_certificate() const = 0;

 protected:
  ~TlsFacts() = default;
};

}  // namespace weir::net
