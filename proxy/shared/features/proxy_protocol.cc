// proxy_protocol: what a proxy in front said of the client, as variables.
#include "net/proxy_protocol.h"

#include "shared/context.h"
#include "shared/features/features.h"

namespace weir::shared {

namespace {

VariableValue address(Context& x, net::Endpoint net::ProxyHeader::* which) {
  const net::ProxyHeader* const header = x.proxy_header();
  if (!header || (header->*which).is_empty()) return VariableValue::not_found();
  return {x.keep((header->*which).address_string())};
}
VariableValue port(Context& x, net::Endpoint net::ProxyHeader::* which) {
  const net::ProxyHeader* const header = x.proxy_header();
  if (!header || (header->*which).is_empty()) return VariableValue::not_found();
  return {x.keep(std::to_string((header->*which).port()))};
}
VariableValue proxy_protocol_addr(Context& x, const VariableArg&) { return address(x, &net::ProxyHeader::source); }
VariableValue proxy_protocol_port(Context& x, const VariableArg&) { return port(x, &net::ProxyHeader::source); }
VariableValue proxy_protocol_server_addr(Context& x, const VariableArg&) {
  return address(x, &net::ProxyHeader::destination);
}
VariableValue proxy_protocol_server_port(Context& x, const VariableArg&) {
  return port(x, &net::ProxyHeader::destination);
}

struct TlvName {
  std::string_view name;
  std::uint8_t type;
};
constexpr TlvName kNames[] = {{"alpn", net::kTlvAlpn},
                              {"authority", net::kTlvAuthority},
                              {"unique_id", net::kTlvUniqueId},
                              {"ssl", net::kTlvSsl},
                              {"netns", net::kTlvNetns}};
constexpr TlvName kSslNames[] = {{"ssl_version", net::kTlvSslVersion},
                                 {"ssl_cn", net::kTlvSslCommonName},
                                 {"ssl_cipher", net::kTlvSslCipher},
                                 {"ssl_sig_alg", net::kTlvSslSignature},
                                 {"ssl_key_alg", net::kTlvSslKey}};

VariableValue found(std::optional<std::string_view> value) {
  return value ? VariableValue{*value} : VariableValue::not_found();
}

/// `0x3`, `0x000ae`: the type itself. Nothing if it is a name.
std::optional<std::uint8_t> number_of(std::string_view name) {
  if (!name.starts_with("0x") || name.size() == 2) return std::nullopt;
  unsigned type = 0;
  for (const char c : name.substr(2)) {
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
    type = type * 16 + static_cast<unsigned>(digit);
    if (digit < 0 || type > 255) return std::nullopt;
  }
  return static_cast<std::uint8_t>(type);
}

/// `ssl` is a structure: a client octet, four of the verification's result, and TLVs of its own.
VariableValue of_ssl(Context& x, std::string_view ssl, std::string_view name) {
  constexpr std::size_t kFixed = 5;
  if (ssl.size() < kFixed) return VariableValue::not_found();
  if (name == "ssl_verify") {
    std::uint32_t result = 0;
    for (std::size_t i = 1; i < kFixed; ++i) result = result << 8 | static_cast<unsigned char>(ssl[i]);
    return {x.keep(std::to_string(result))};
  }
  if (name.starts_with("ssl_"))
    if (const auto type = number_of(name.substr(4))) return found(net::find_tlv(ssl.substr(kFixed), *type));
  for (const TlvName& each : kSslNames)
    if (each.name == name) return found(net::find_tlv(ssl.substr(kFixed), each.type));
  return VariableValue::not_found();
}

VariableValue proxy_protocol_tlv(Context& x, const VariableArg& arg) {
  const net::ProxyHeader* const header = x.proxy_header();
  if (!header) return VariableValue::not_found();
  const std::string_view name = arg.suffix;
  if (const auto type = number_of(name)) return found(header->tlv(*type));
  for (const TlvName& each : kNames)
    if (each.name == name) return found(header->tlv(each.type));
  const auto ssl = header->tlv(net::kTlvSsl);
  return ssl ? of_ssl(x, *ssl, name) : VariableValue::not_found();
}

constexpr VariableSpec kVariables[] = {{"proxy_protocol_addr", proxy_protocol_addr},
                                       {"proxy_protocol_port", proxy_protocol_port},
                                       {"proxy_protocol_server_addr", proxy_protocol_server_addr},
                                       {"proxy_protocol_server_port", proxy_protocol_server_port},
                                       {"proxy_protocol_tlv_*", proxy_protocol_tlv}};

}  // namespace

std::span<const VariableSpec> proxy_protocol_variables();
std::span<const VariableSpec> proxy_protocol_variables() { return kVariables; }

}  // namespace weir::shared
