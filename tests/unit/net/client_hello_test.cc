#include "net/client_hello.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace weir::net {
namespace {

using Status = ClientHelloStatus;
using namespace std::string_literals;

/// What a real client sent, as it was recorded.
std::string recorded(const char* name) {
  std::ifstream file(std::string(WEIR_HELLOS) + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string number(std::size_t value, int octets) {
  std::string text;
  while (octets-- > 0) text += static_cast<char>(value >> 8 * octets);
  return text;
}

std::string record(const std::string& content) { return "\x16\x03\x01"s + number(content.size(), 2) + content; }

std::string extension(unsigned type, const std::string& data) { return number(type, 2) + number(data.size(), 2) + data; }

std::string server_name(const std::string& name, char type = '\0') {
  const std::string entry = type + number(name.size(), 2) + name;
  return extension(0, number(entry.size(), 2) + entry);
}

/// A message of the right form with these extensions.
std::string message(const std::string& extensions) {
  const std::string body = "\x03\x03"s + std::string(32, 'r') + "\0\0\x02\x13\x01\x01\0"s + number(extensions.size(), 2) + extensions;
  return '\x01' + number(body.size(), 3) + body;
}

std::string hello_with(const std::string& extensions) { return record(message(extensions)); }

std::string problem_of(const std::string& octets) {
  ClientHelloReader reader;
  return reader.read(octets) == Status::Bad ? std::string(reader.problem()) : "";
}

ClientHello read_whole(const std::string& octets) {
  ClientHelloReader reader;
  EXPECT_EQ(reader.read(octets), Status::Complete) << reader.problem();
  return reader.hello();
}

TEST(ClientHello, TellsWhatRealClientsOffer) {
  struct Case {
    const char *file, *name, *alpn, *version;
  };
  for (const Case& each : {Case{"openssl_alpn", "www.example.com", "h2,http/1.1", "TLSv1.3"},
                           Case{"openssl_tls12", "example.org", "", "TLSv1.2"},
                           Case{"openssl_upto12", "UPPER.Example.COM", "", "TLSv1.2"},
                           Case{"openssl_plain", "", "", "TLSv1.3"},
                           Case{"openssl_tls11", "", "", "TLSv1.1"},
                           Case{"curl", "curl.example", "h2,http/1.1", "TLSv1.3"},
                           Case{"curl_http1", "curl.example", "http/1.1", "TLSv1.2"}}) {
    const ClientHello hello = read_whole(recorded(each.file));
    EXPECT_EQ(hello.server_name, each.name) << each.file;
    EXPECT_EQ(hello.alpn_protocols, each.alpn) << each.file;
    EXPECT_EQ(hello.version_name(), each.version) << each.file;
  }
}

TEST(ClientHello, IsReadOctetByOctet) {
  const std::string octets = recorded("openssl_alpn");
  ClientHelloReader reader;
  for (std::size_t end = 0; end < octets.size(); ++end)
    ASSERT_EQ(reader.read(std::string(octets, 0, end)), Status::Incomplete) << end;
  EXPECT_EQ(reader.read(octets), Status::Complete);
  EXPECT_EQ(reader.hello().server_name, "www.example.com");
}

TEST(ClientHello, MayBeSpreadOverAnyNumberOfRecords) {
  const std::string whole = recorded("curl").substr(5);
  for (const std::size_t piece : {1u, 2u, 3u, 57u, 511u}) {
    std::string octets;
    for (std::size_t at = 0; at < whole.size(); at += piece) octets += record(whole.substr(at, piece));
    EXPECT_EQ(read_whole(octets + "\x17\x03\x03").server_name, "curl.example") << piece;
    ClientHelloReader reader;
    EXPECT_EQ(reader.read(octets.substr(0, octets.size() - 1)), Status::Incomplete) << piece;
  }
}

TEST(ClientHello, OtherProtocolsAreToldByTheirFirstOctets) {
  for (const std::string& octets : {"SSH-2.0-x\r\n"s, "G"s, "\x17\x03\x03"s, "\x15\x03\x01\0\x02"s, "\x16\x02"s, "\x80\x80\x80\x80\x80"s}) {
    ClientHelloReader reader;
    EXPECT_EQ(reader.read(octets), Status::NotTls) << octets;
  }
  ClientHelloReader reader;
  EXPECT_EQ(reader.read(""), Status::Incomplete);
  EXPECT_EQ(reader.read("\x16"), Status::Incomplete);
  EXPECT_EQ(reader.read("\x16\x03"), Status::Incomplete);
}

TEST(ClientHello, TheFormOfSslV2TellsAVersionOnly) {
  EXPECT_EQ(read_whole("\x80\x1c\x01\0\x02\0\x03"s).version_name(), "SSLv2");
  EXPECT_EQ(read_whole("\x80\x1c\x01\x03\x01\0\x03"s).version_name(), "TLSv1");
}

TEST(ClientHello, TheHighestVersionThatIsKnownCounts) {
  const auto version = [](const std::string& list) {
    return std::string(read_whole(hello_with(extension(43, number(list.size(), 1) + list))).version_name());
  };
  EXPECT_EQ(version("\x03\x03\x03\x04\x03\x02"), "TLSv1.3");
  EXPECT_EQ(version("\x2a\x2a\x03\x03"), "TLSv1.2");  // GREASE, RFC 8701
  EXPECT_EQ(version("\x7f\x1c"), "TLSv1.3");          // draft 28
  EXPECT_EQ(version("\x2a\x2a"), "");
  EXPECT_EQ(std::string(read_whole(hello_with("")).version_name()), "TLSv1.2");
}

TEST(ClientHello, WhatTwoReadersCouldReadDifferentlyIsRefused) {
  EXPECT_EQ(problem_of(hello_with(server_name("a") + server_name("b"))), "an extension twice");
  const std::string two = "\0\0\x01"s + "a" + "\0\0\x01"s + "b";
  EXPECT_EQ(problem_of(hello_with(extension(0, number(two.size(), 2) + two))), "two server names");
  for (const std::string& name : {""s, "a b"s, "a\0b"s, "a\n"s, "\xc3\xa4"s, std::string(256, 'x')})
    EXPECT_EQ(problem_of(hello_with(server_name(name))), "an invalid server name") << name;
  EXPECT_EQ(problem_of(hello_with(server_name("a", '\x01'))), "a server name of an unknown type");
  EXPECT_EQ(problem_of(hello_with(extension(0, "\0\0"s))), "a broken server_name extension");
  EXPECT_EQ(problem_of(hello_with(extension(0, "\0\x09\0\0\x03"s + "foo"))), "a broken server_name extension");
  EXPECT_EQ(problem_of(hello_with(extension(16, "\0\x01\0"s))), "a broken ALPN extension");
  EXPECT_EQ(problem_of(hello_with(extension(16, "\0\x03\x03h2"s))), "a broken ALPN extension");
  EXPECT_EQ(problem_of(hello_with(extension(43, "\x03\x03\x04\x03"s))), "a broken supported_versions extension");
}

TEST(ClientHello, ListsAreOfLengthsThatTheyCanHave) {
  const auto hello = [](const std::string& session, const std::string& ciphers, const std::string& compressions) {
    const std::string body = "\x03\x03"s + std::string(32, 'r') + number(session.size(), 1) + session + number(ciphers.size(), 2) + ciphers +
                             number(compressions.size(), 1) + compressions;
    return record('\x01' + number(body.size(), 3) + body);
  };
  EXPECT_EQ(problem_of(hello(std::string(32, 's'), "\x13\x01", "\0"s)), "");
  EXPECT_EQ(problem_of(hello(std::string(33, 's'), "\x13\x01", "\0"s)), "a broken message");
  EXPECT_EQ(problem_of(hello("", "\x13\x01\x13", "\0"s)), "a broken list of ciphers");
  EXPECT_EQ(problem_of(hello("", "", "")), "");  // nothing that could be read in two ways
}

TEST(ClientHello, WhatIsCutOrTooLongIsRefused) {
  EXPECT_EQ(problem_of("\x16\x03\x01\0\0"s), "a record of an impossible length");
  EXPECT_EQ(problem_of("\x16\x03\x01\x40\x01"s), "a record of an impossible length");
  EXPECT_EQ(problem_of("\x16\x03\x01\0\x10\x02"s), "another message");
  EXPECT_EQ(problem_of(record("\x01\x01\0\x01"s)), "a message of an impossible length");
  EXPECT_EQ(problem_of(record(message("").substr(0, 20)) + "\x17\x03\x03"), "another record within it");
  EXPECT_EQ(problem_of(record("\x01\0\0\x03\x03\x03\0"s)), "a broken message");
  std::string broken = message(server_name("foo"));
  --broken[3];  // one octet short of its extensions
  EXPECT_EQ(problem_of(record(broken)), "a broken list of extensions");
  EXPECT_EQ(problem_of(hello_with("\0\0\0\x05"s)), "a broken extension");
}

}  // namespace
}  // namespace weir::net
