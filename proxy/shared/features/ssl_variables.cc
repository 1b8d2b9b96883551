// The variables of TLS towards clients.
#include "net/stream.h"
#include "net/tls_facts.h"
#include "shared/context.h"
#include "shared/features/features.h"

namespace weir::shared {

namespace {

template <net::TlsFact Which>
VariableValue fact(Context& context, const VariableArg&) {
  const net::Stream* const transport = context.transport();
  const net::TlsFacts* const tls = transport ? transport->tls() : nullptr;
  const std::string text = tls ? tls->fact(Which) : std::string();
  return text.empty() ? VariableValue::not_found() : VariableValue{context.keep(text)};
}

using net::TlsFact;

constexpr VariableSpec kVariables[] = {
    {"ssl_protocol", fact<TlsFact::Protocol>},
    {"ssl_cipher", fact<TlsFact::Cipher>},
    {"ssl_ciphers", fact<TlsFact::Ciphers>},
    {"ssl_curve", fact<TlsFact::Curve>},
    {"ssl_curves", fact<TlsFact::Curves>},
    {"ssl_sigalg", fact<TlsFact::Signature>},
    {"ssl_session_id", fact<TlsFact::SessionId>},
    {"ssl_session_reused", fact<TlsFact::SessionReused>},
    {"ssl_server_name", fact<TlsFact::ServerName>},
    {"ssl_alpn_protocol", fact<TlsFact::Alpn>},
    {"ssl_early_data", fact<TlsFact::EarlyData>},
    {"ssl_client_verify", fact<TlsFact::PeerVerdict>},
    {"ssl_client_cert", fact<TlsFact::PeerCertificate>},
    {"ssl_client_raw_cert", fact<TlsFact::PeerCertificateRaw>},
    {"ssl_client_escaped_cert", fact<TlsFact::PeerCertificateEscaped>},
    {"ssl_client_s_dn", fact<TlsFact::PeerSubject>},
    {"ssl_client_i_dn", fact<TlsFact::PeerIssuer>},
    {"ssl_client_s_dn_legacy", fact<TlsFact::PeerSubjectLegacy>},
    {"ssl_client_i_dn_legacy", fact<TlsFact::PeerIssuerLegacy>},
    {"ssl_client_serial", fact<TlsFact::PeerSerial>},
    {"ssl_client_fingerprint", fact<TlsFact::PeerFingerprint>},
    {"ssl_client_v_start", fact<TlsFact::PeerValidFrom>},
    {"ssl_client_v_end", fact<TlsFact::PeerValidTo>},
    {"ssl_client_v_remain", fact<TlsFact::PeerDaysLeft>},
    {"ssl_client_sigalg", fact<TlsFact::PeerSignature>},
};

}  // namespace

std::span<const VariableSpec> ssl_variables();
std::span<const VariableSpec> ssl_variables() { return kVariables; }

}  // namespace weir::shared
