#include "net/proxy_protocol.h"

#include <gtest/gtest.h>

#include <utility>

#include "net/crc32c.h"
#include "net/proxy_protocol_writer.h"

namespace weir::net {
namespace {

using Status = ProxyHeaderStatus;
using namespace std::string_literals;

Endpoint at(const char* text) { return *Endpoint::parse(text); }

ProxyHeader read_again(const std::string& written) {
  ProxyHeader header;
  std::size_t size = 0;
  EXPECT_EQ(parse_proxy_header(written + "GET /", header, size), Status::Complete);
  EXPECT_EQ(size, written.size());
  return header;
}

Status status_of(const std::string& octets) {
  ProxyHeader header;
  std::size_t size = 0;
  return parse_proxy_header(octets, header, size);
}

std::string binary(unsigned char family, const std::string& body) {
  return std::string(kProxySignature) + '\x21' + static_cast<char>(family) + '\0' + static_cast<char>(body.size()) + body;
}

const std::string kAddresses = "\x01\x02\x03\x04\x05\x06\x07\x08\0\x63\0\x50"s;

TEST(ProxyProtocol, TheChecksumIsThatOfTheStandard) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
}

TEST(ProxyProtocol, AWrittenLineIsReadAgain) {
  EXPECT_EQ(proxy_header_v1(at("1.2.3.4:99"), at("5.6.7.8:80")), "PROXY TCP4 1.2.3.4 5.6.7.8 99 80\r\n");
  EXPECT_EQ(proxy_header_v1(at("[2001:db8::1]:1"), at("[::1]:65535")), "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n");
  EXPECT_EQ(proxy_header_v1(at("1.2.3.4:99"), at("[::1]:80")), "PROXY TCP6 ::ffff:1.2.3.4 ::1 99 80\r\n");
  EXPECT_EQ(proxy_header_v1(at("unix:/a"), at("unix:/b")), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxy_header_v1({}, at("1.2.3.4:1")), "PROXY UNKNOWN\r\n");
  for (const char* address : {"1.2.3.4:99", "[2001:db8::1]:1", "[::ffff:1.2.3.4]:0"}) {
    const ProxyHeader header = read_again(proxy_header_v1(at(address), at(address)));
    EXPECT_EQ(header.source.to_string(), at(address).to_string());
    EXPECT_EQ(header.destination, at(address));
  }
  EXPECT_TRUE(read_again(proxy_header_v1(at("unix:/a"), at("unix:/b"))).source.is_empty());
}

TEST(ProxyProtocol, AWrittenBinaryHeaderIsReadAgain) {
  std::string tlvs;
  append_tlv(tlvs, kTlvAuthority, "example.com");
  append_tlv(tlvs, 0xea, "");
  const ProxyHeader four = read_again(proxy_header_v2(at("1.2.3.4:99"), at("5.6.7.8:80"), ProxyTransport::Stream, tlvs));
  EXPECT_EQ(four.source, at("1.2.3.4:99"));
  EXPECT_EQ(four.destination, at("5.6.7.8:80"));
  EXPECT_EQ(four.tlv(kTlvAuthority), "example.com");
  EXPECT_EQ(four.tlv(0xea), "");
  EXPECT_TRUE(four.tlv(kTlvChecksum));

  const ProxyHeader six = read_again(proxy_header_v2(at("[2001:db8::1]:1"), at("[::1]:65535"), ProxyTransport::Stream));
  EXPECT_EQ(six.source, at("[2001:db8::1]:1"));
  EXPECT_EQ(six.destination, at("[::1]:65535"));

  const ProxyHeader mixed = read_again(proxy_header_v2(at("1.2.3.4:5"), at("[::1]:6"), ProxyTransport::Stream));
  EXPECT_EQ(mixed.source, at("[::ffff:1.2.3.4]:5"));
  EXPECT_EQ(mixed.destination, at("[::1]:6"));

  const ProxyHeader mapped = read_again(proxy_header_v2(at("[::ffff:1.2.3.4]:5"), at("[::ffff:5.6.7.8]:6"), ProxyTransport::Stream));
  EXPECT_EQ(mapped.source, at("1.2.3.4:5"));
  EXPECT_EQ(mapped.destination, at("5.6.7.8:6"));

  const std::string local = proxy_header_v2(at("unix:/a"), at("unix:/b"), ProxyTransport::Stream);
  EXPECT_EQ(local.substr(12, 4), "\x20\0\0\x07"s);
  EXPECT_TRUE(read_again(local).source.is_empty());
}

TEST(ProxyProtocol, TheTransportIsNamed) {
  EXPECT_EQ(proxy_header_v2(at("1.2.3.4:9"), at("5.6.7.8:8"), ProxyTransport::Stream)[13], '\x11');
  EXPECT_EQ(proxy_header_v2(at("1.2.3.4:9"), at("5.6.7.8:8"), ProxyTransport::Datagram)[13], '\x12');
  EXPECT_EQ(proxy_header_v2(at("[::1]:9"), at("5.6.7.8:8"), ProxyTransport::Datagram)[13], '\x22');
}

TEST(ProxyProtocol, AListThatIsTooLongIsLeftOut) {
  std::string tlvs;
  append_tlv(tlvs, kTlvUniqueId, std::string(kLongestProxyHeader, 'x'));
  const std::string header = proxy_header_v2(at("1.2.3.4:9"), at("5.6.7.8:8"), ProxyTransport::Stream, tlvs);
  EXPECT_EQ(header.size(), 16u + 12 + 7);
  EXPECT_FALSE(read_again(header).tlv(kTlvUniqueId));
}

TEST(ProxyProtocol, AChecksumIsWrittenAndNotCheckedAsInNginx) {
  std::string header = proxy_header_v2(at("1.2.3.4:99"), at("5.6.7.8:80"), ProxyTransport::Stream);
  const std::size_t sum = header.size() - 4;
  EXPECT_EQ(header.substr(sum - 3, 3), "\x03\0\x04"s);
  const std::string given = std::exchange(header, header.substr(0, sum) + "\0\0\0\0"s).substr(sum);
  const std::uint32_t expected = crc32c(header);
  EXPECT_EQ(given, (std::string{static_cast<char>(expected >> 24), static_cast<char>(expected >> 16 & 0xff),
                                static_cast<char>(expected >> 8 & 0xff), static_cast<char>(expected & 0xff)}));
  EXPECT_EQ(status_of(header), Status::Complete);
  EXPECT_EQ(status_of(binary(0x11, kAddresses + "\x03\0\x02xx"s)), Status::Complete);
}

TEST(ProxyProtocol, WhatIsNoHeaderIsRefused) {
  for (const std::string& octets :
       {"GET / HTTP/1.1\r\n"s, "PROXY TCP4 1.2.3.4 5.6.7.8 99\r\n"s, "PROXY TCP4 ::1 5.6.7.8 99 80\r\n"s,
        "PROXY TCP4 1.2.3.4 5.6.7.8 99 65536\r\n"s, "PROXY TCP4  1.2.3.4 5.6.7.8 99 80\r\n"s, "PROXY UNKNOWNS\r\n"s,
        "PROXY UDP4 1.2.3.4 5.6.7.8 99 80\r\n"s, "PROXY " + std::string(200, 'x'), binary(0x11, kAddresses.substr(1)),
        std::string(kProxySignature) + "\x31\x11\0\x0c"s + kAddresses, std::string(kProxySignature) + "\x22\x11\0\x0c"s + kAddresses,
        std::string(kProxySignature) + "\x21\x11\xff\xff"s})
    EXPECT_EQ(status_of(octets), Status::Bad) << octets;
}

TEST(ProxyProtocol, WhatIsSaidOfOtherTransportsNamesNobody) {
  for (const unsigned char family : {0x00, 0x12, 0x31}) {
    ProxyHeader header;
    std::size_t size = 0;
    EXPECT_EQ(parse_proxy_header(binary(family, kAddresses), header, size), Status::Complete);
    EXPECT_EQ(size, 28u);
    EXPECT_TRUE(header.source.is_empty());
  }
}

}  // namespace
}  // namespace weir::net
