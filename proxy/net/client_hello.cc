#include "net/client_hello.h"

#include <algorithm>
#include <optional>

namespace weir::net {

namespace {

using Status = ClientHelloStatus;

constexpr std::size_t kRecordHead = 5, kMessageHead = 4;
constexpr std::size_t kLongestRecord = 1 << 14;  // of plaintext, RFC 8446 5.1
constexpr std::size_t kLongestName = 255;        // of DNS
constexpr unsigned kHandshake = 22, kClientHello = 1;
constexpr unsigned kServerName = 0, kAlpn = 16, kSupportedVersions = 43;

unsigned octet(std::string_view octets, std::size_t at) { return static_cast<unsigned char>(octets[at]); }

/// Takes numbers and vectors from the front of some octets; after a failure everything fails.
class Octets {
 public:
  explicit Octets(std::string_view rest) : rest_(rest) {}

  bool is_empty() const { return rest_.empty(); }
  std::optional<unsigned> number(std::size_t size) {
    const auto taken = take(size);
    if (!taken) return std::nullopt;
    unsigned value = 0;
    for (const char c : *taken) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::optional<std::string_view> take(std::size_t size) {
    if (size > rest_.size()) return std::nullopt;
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  /// A vector whose length stands before it, in so many octets.
  std::optional<std::string_view> vector(std::size_t length_size) {
    const auto length = number(length_size);
    return length ? take(*length) : std::nullopt;
  }

 private:
  std::string_view rest_;
};

// Each of the following returns what is wrong; empty: nothing.

std::string_view parse_server_name(std::string_view data, std::string& name) {
  Octets outer(data);
  const auto list = outer.vector(2);
  if (!list || list->empty() || !outer.is_empty()) return "a broken server_name extension";
  for (Octets entries(*list); !entries.is_empty();) {
    const auto type = entries.number(1);
    const auto value = entries.vector(2);
    if (!type || !value) return "a broken server_name extension";
    if (*type != 0) return "a server name of an unknown type";
    if (!name.empty()) return "two server names";
    // Names on the wire are of ASCII (RFC 6066); anything else would reach maps, logs and the choice of a backend.
    const auto is_graphic = [](char c) { return c > 0x20 && c < 0x7f; };
    if (value->empty() || value->size() > kLongestName || !std::all_of(value->begin(), value->end(), is_graphic))
      return "an invalid server name";
    name = *value;
  }
  return {};
}

std::string_view parse_alpn(std::string_view data, std::string& names) {
  Octets outer(data);
  const auto list = outer.vector(2);
  if (!list || list->empty() || !outer.is_empty()) return "a broken ALPN extension";
  for (Octets entries(*list); !entries.is_empty();) {
    const auto name = entries.vector(1);
    if (!name || name->empty()) return "a broken ALPN extension";
    if (!names.empty()) names += ',';
    names += *name;
  }
  return {};
}

bool is_known(unsigned version) { return version >= 0x0300 && version <= 0x0304; }

std::string_view parse_versions(std::string_view data, std::uint16_t& highest) {
  Octets outer(data);
  const auto list = outer.vector(1);
  if (!list || list->size() < 2 || list->size() % 2 != 0 || !outer.is_empty())
    return "a broken supported_versions extension";
  highest = 0;  // the version in the message itself does not count then (RFC 8446 4.2.1)
  for (Octets entries(*list); !entries.is_empty();) {
    unsigned version = *entries.number(2);
    if (version >> 8 == 0x7f) version = 0x0304;  // a draft of it
    if (is_known(version)) highest = std::max(highest, static_cast<std::uint16_t>(version));
  }
  return {};
}

}  // namespace

std::string_view ClientHello::version_name() const {
  switch (version) {
    case 0x0002: return "SSLv2";
    case 0x0300: return "SSLv3";
    case 0x0301: return "TLSv1";
    case 0x0302: return "TLSv1.1";
    case 0x0303: return "TLSv1.2";
    case 0x0304: return "TLSv1.3";
    default: return {};
  }
}

Status ClientHelloReader::bad(std::string_view problem) {
  problem_ = problem;
  return Status::Bad;
}

Status ClientHelloReader::read(std::string_view octets) {
  if (octets.empty()) return Status::Incomplete;
  if ((octet(octets, 0) & 0x80) != 0) {
    // The form of SSLv2, in which old clients offered TLS too: length, type, version.
    if (octets.size() < kRecordHead) return Status::Incomplete;
    if (octet(octets, 2) != kClientHello || (octet(octets, 3) != 0 && octet(octets, 3) != 3)) return Status::NotTls;
    hello_.version = static_cast<std::uint16_t>(octet(octets, 3) << 8 | octet(octets, 4));
    return Status::Complete;
  }
  while (at_ < octets.size()) {
    const std::string_view rest = octets.substr(at_);
    const bool is_first = at_ == 0;
    if (octet(rest, 0) != kHandshake) return is_first ? Status::NotTls : bad("another record within it");
    if (rest.size() > 1 && octet(rest, 1) != 3) return is_first ? Status::NotTls : bad("a record of another version");
    if (rest.size() < kRecordHead) break;
    const std::size_t size = octet(rest, 3) << 8 | octet(rest, 4);
    if (size == 0 || size > kLongestRecord) return bad("a record of an impossible length");
    if (rest.size() < kRecordHead + size) {
      if (rest.size() > kRecordHead && message_.empty() && octet(rest, kRecordHead) != kClientHello)
        return bad("another message");
      break;
    }
    at_ += kRecordHead + size;
    if (const Status status = read_record(rest.substr(kRecordHead, size)); status != Status::Incomplete) return status;
  }
  return Status::Incomplete;
}

Status ClientHelloReader::read_record(std::string_view record) {
  message_ += record;
  if (octet(message_, 0) != kClientHello) return bad("another message");
  if (message_.size() < kMessageHead) return Status::Incomplete;
  const std::size_t size = octet(message_, 1) << 16 | octet(message_, 2) << 8 | octet(message_, 3);
  if (size > kLongest) return bad("a message of an impossible length");
  if (message_.size() < kMessageHead + size) return Status::Incomplete;
  return parse_message(std::string_view(message_).substr(kMessageHead, size));
}

Status ClientHelloReader::parse_message(std::string_view body) {
  constexpr std::size_t kRandom = 32;
  Octets octets(body);
  const auto version = octets.number(2);
  constexpr std::size_t kLongestSession = 32;
  if (!version || !octets.take(kRandom) || *version >> 8 != 3) return bad("a broken message");
  // Bounds of RFC 8446 4.1.2: beyond them a list may have swallowed what comes behind it. An empty one has not, and the server
  // that the hello is passed to refuses it.
  const auto session = octets.vector(1);
  if (!session || session->size() > kLongestSession) return bad("a broken message");
  const auto ciphers = octets.vector(2);
  if (!ciphers || ciphers->size() % 2 != 0) return bad("a broken list of ciphers");
  if (!octets.vector(1) /* compressions */) return bad("a broken message");
  hello_.version = static_cast<std::uint16_t>(*version);
  if (octets.is_empty()) return Status::Complete;
  const auto extensions = octets.vector(2);
  if (!extensions || !octets.is_empty()) return bad("a broken list of extensions");
  const std::string_view problem = parse_extensions(*extensions);
  return problem.empty() ? Status::Complete : bad(problem);
}

std::string_view ClientHelloReader::parse_extensions(std::string_view list) {
  bool saw_name = false, saw_alpn = false, saw_versions = false;
  for (Octets extensions(list); !extensions.is_empty();) {
    const auto type = extensions.number(2);
    const auto data = extensions.vector(2);
    if (!type || !data) return "a broken extension";
    bool* const saw = *type == kServerName          ? &saw_name
                      : *type == kAlpn              ? &saw_alpn
                      : *type == kSupportedVersions ? &saw_versions
                                                    : nullptr;
    if (!saw) continue;
    // Of two the backend might believe the other one.
    if (*saw) return "an extension twice";
    *saw = true;
    const std::string_view problem = *type == kServerName ? parse_server_name(*data, hello_.server_name)
                                     : *type == kAlpn     ? parse_alpn(*data, hello_.alpn_protocols)
                                                          : parse_versions(*data, hello_.version);
    if (!problem.empty()) return problem;
  }
  return {};
}

}  // namespace weir::net
