// How the servers of an upstream are checked while they serve. The directives that say so stand in
// shared/features/health_check.cc; who does it is server/health_checks.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/regex.h"
#include "config/setting.h"
#include "config/settings.h"
#include "net/tls_client.h"
#include "shared/variable.h"

namespace weir::shared {

/// A `match` block: what an answer to a check must look like. Immutable when it was read; lives no longer than its
/// configuration, whose variables it may ask for.
struct HealthMatch {
  struct Range {
    int first = 0, last = 0;
  };
  enum class Test : std::uint8_t { Is, IsNot, Matches, MatchesNot, Exists, IsMissing };
  struct FieldTest {
    std::string name;
    Test test = Test::Exists;
    std::string value;
    config::Regex regex;
  };
  struct BodyTest {
    bool wanted = true;
    config::Regex regex;
  };

  std::string name;
  std::vector<Range> statuses;  // empty: any
  bool statuses_wanted = true;  // false: any but these
  std::vector<FieldTest> fields;
  std::vector<BodyTest> bodies;
  std::vector<Template> required;  // variables that must not be empty, nor 0
  std::string send;                // of a check that is not of HTTP: said first
  std::string expect;              // and this has to come
  config::Regex expected_pattern;  // or something like this

  bool is_of_http() const { return !statuses.empty() || !fields.empty() || !bodies.empty() || !required.empty(); }
  bool is_of_octets() const { return !send.empty() || !expect.empty() || expected_pattern; }
};

struct HealthCheck {
  enum class Protocol : std::uint8_t { Http, Tcp, Udp };
  enum class Encryption : std::uint8_t {
    AsPassed,  // as what proxy_pass sends there
    No,
    Yes,
  };
  Protocol protocol = Protocol::Http;
  Encryption encryption = Encryption::AsPassed;
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds jitter{0};  // up to this more, at random
  std::uint32_t fails = 1, passes = 1;  // in a row
  std::string uri = "/";
  std::string host;        // the Host field
  std::uint16_t port = 0;  // 0: that of the server
  bool mandatory = false;  // a newcomer serves only after it has passed
  std::string match_name;
  std::shared_ptr<const HealthMatch> match;  // null: of HTTP 2xx and 3xx
  const config::Settings* scope = nullptr;   // where proxy_pass leads to the group; null: nowhere
  /// What the scope's settings, once they are merged, say: how long a server may take to answer, and whether what is
  /// passed there is encrypted. Null without a scope.
  std::chrono::milliseconds (*patience)(const config::Settings&) = nullptr;
  bool (*encrypts)(const config::Settings&) = nullptr;

  // Made of the scope's settings when the checks begin.
  std::chrono::milliseconds limit{};  // of one check
  /// Whom a handshake has to reach; but for the address, which is each server's. Nothing: there is none.
  std::optional<net::TlsTarget> tls;

  bool is_encrypted() const {
    return encryption == Encryption::AsPassed ? scope && encrypts(*scope) : encryption == Encryption::Yes;
  }

  /// Whether nothing changes if one takes the place of the other.
  bool same_as(const HealthCheck& other) const {
    // A match block may have changed although its name did not; a new check then begins, which costs nothing.
    return !match && !other.match && protocol == other.protocol && interval == other.interval &&
           jitter == other.jitter && fails == other.fails && passes == other.passes && uri == other.uri &&
           host == other.host && port == other.port && mandatory == other.mandatory && limit == other.limit &&
           tls.has_value() == other.tls.has_value() &&
           (!tls || (tls->client == other.tls->client && tls->name == other.tls->name &&
                     tls->sends_name == other.tls->sends_name));
  }
};

/// What is said of all checks of a scope of stream.
struct HealthCheckConf {
  config::Setting<std::chrono::milliseconds> timeout{std::chrono::milliseconds(5'000)};
};

}  // namespace weir::shared
