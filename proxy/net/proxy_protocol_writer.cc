#include "net/proxy_protocol_writer.h"

#include <array>
#include <cstring>

#include "net/crc32c.h"
#include "net/proxy_protocol.h"
#include "net/tls_facts.h"

namespace weir::net {

namespace {

constexpr std::size_t kFixed = 16, kTlvHead = 3, kChecksum = 4;
constexpr unsigned kLocal = 0x20, kProxy = 0x21;  // version 2 and the command

using Octets16 = std::array<unsigned char, 16>;

bool is_ip(const Endpoint& endpoint) { return endpoint.family() == AF_INET || endpoint.family() == AF_INET6; }

/// The address as one of IPv6; an IPv4 address is mapped into it.
Octets16 wide(const Endpoint& endpoint) {
  Octets16 octets{};
  if (endpoint.family() == AF_INET6) {
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6*>(endpoint.raw())->sin6_addr, 16);
  } else {
    octets[10] = octets[11] = 0xff;
    std::memcpy(octets.data() + 12, &reinterpret_cast<const sockaddr_in*>(endpoint.raw())->sin_addr, 4);
  }
  return octets;
}

bool is_v4(const Octets16& octets) {
  constexpr std::array<unsigned char, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return std::memcmp(octets.data(), kPrefix.data(), kPrefix.size()) == 0;
}

void append_octets(std::string& text, const unsigned char* octets, std::size_t size) {
  text.append(reinterpret_cast<const char*>(octets), size);
}

void append16(std::string& text, std::size_t number) {
  text += static_cast<char>(number >> 8);
  text += static_cast<char>(number);
}

void append32(std::string& text, std::uint32_t number) {
  append16(text, number >> 16);
  append16(text, number & 0xffff);
}

std::string address_in(const Endpoint& endpoint, bool v6) {
  const std::string text = endpoint.address_string();
  return v6 && endpoint.family() == AF_INET ? "::ffff:" + text : text;
}

}  // namespace

std::string proxy_header_v1(const Endpoint& source, const Endpoint& destination) {
  if (!is_ip(source) || !is_ip(destination)) return "PROXY UNKNOWN\r\n";
  const bool v6 = source.family() == AF_INET6 || destination.family() == AF_INET6;
  std::string line = v6 ? "PROXY TCP6 " : "PROXY TCP4 ";
  line += address_in(source, v6) + ' ' + address_in(destination, v6) + ' ';
  line += std::to_string(source.port()) + ' ' + std::to_string(destination.port()) + "\r\n";
  return line;
}

std::string proxy_header_v2(const Endpoint& source, const Endpoint& destination, ProxyTransport transport,
                            std::string_view tlvs) {
  std::string body;
  unsigned command = kLocal, family = 0;
  if (is_ip(source) && is_ip(destination)) {
    const Octets16 from = wide(source), to = wide(destination);
    const bool v4 = is_v4(from) && is_v4(to);
    const std::size_t skip = v4 ? 12 : 0;
    command = kProxy;
    family = (v4 ? 0x10u : 0x20u) | static_cast<unsigned>(transport);
    append_octets(body, from.data() + skip, from.size() - skip);
    append_octets(body, to.data() + skip, to.size() - skip);
    append16(body, source.port());
    append16(body, destination.port());
  }
  if (kFixed + body.size() + tlvs.size() + kTlvHead + kChecksum <= kLongestProxyHeader) body += tlvs;
  append_tlv(body, kTlvChecksum, std::string_view("\0\0\0\0", kChecksum));

  std::string header(kProxySignature);
  header += static_cast<char>(command);
  header += static_cast<char>(family);
  append16(header, body.size());
  header += body;
  // Of the whole header, with zeros in its own place.
  const std::uint32_t sum = crc32c(header);
  header.resize(header.size() - kChecksum);
  append32(header, sum);
  return header;
}

void append_tlv(std::string& list, std::uint8_t type, std::string_view value) {
  value = value.substr(0, 0xffff);
  list += static_cast<char>(type);
  append16(list, value.size());
  list += value;
}

std::string tls_tlvs(const TlsFacts& tls) {
  constexpr unsigned kEncrypted = 1, kCertificateOnConnection = 2, kCertificateInSession = 4;
  constexpr std::uint32_t kNoVerdict = 1;  // no certificate was shown
  std::string list;
  const auto add = [](std::string& to, std::uint8_t type, const std::string& value) {
    if (!value.empty()) append_tlv(to, type, value);
  };
  add(list, kTlvAuthority, tls.fact(TlsFact::ServerName));
  add(list, kTlvAlpn, tls.fact(TlsFact::Alpn));

  unsigned client = kEncrypted;
  std::uint32_t verdict = kNoVerdict;
  if (tls.has_peer_certificate()) {
    client |= kCertificateInSession;
    if (tls.fact(TlsFact::SessionReused) != "r") client |= kCertificateOnConnection;
    verdict = static_cast<std::uint32_t>(tls.verify_error());
  }
  std::string structure(1, static_cast<char>(client));
  append32(structure, verdict);
  add(structure, kTlvSslVersion, tls.fact(TlsFact::Protocol));
  add(structure, kTlvSslCommonName, tls.fact(TlsFact::PeerCommonName));
  add(structure, kTlvSslCipher, tls.fact(TlsFact::Cipher));
  add(structure, kTlvSslSignature, tls.fact(TlsFact::OwnSignature));
  add(structure, kTlvSslKey, tls.fact(TlsFact::OwnKey));
  append_tlv(list, kTlvSsl, structure);
  return list;
}

}  // namespace weir::net
