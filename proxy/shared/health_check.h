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
#include "config/settings.h"
#include "net/tls_client.h"

namespace weir::shared {

/// A `match` block: what an answer to a check must look like. Immutable when it was read.
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
  std::string send;                // of a TCP check: said first
  std::string expect;              // and this has to come
  config::Regex expected_pattern;  // or something like this

  bool is_of_http() const { return !statuses.empty() || !fields.empty() || !bodies.empty(); }
};

struct HealthCheck {
  enum class Type : std::uint8_t {
    Http,
    Tcp,
    Tls,  // a handshake, and what TCP checks can say and hear
  };
  Type type = Type::Http;
  bool encrypted = false;  // of HTTP: requests go there by TLS, so checks do
  std::chrono::milliseconds interval{5'000};
  std::chrono::milliseconds jitter{0};  // up to this more, at random
  std::uint32_t fails = 1, passes = 1;  // in a row
  std::string uri = "/";
  std::string host;        // the Host field
  std::uint16_t port = 0;  // 0: that of the server
  bool mandatory = false;  // a newcomer serves only after it has passed
  std::string match_name;
  std::shared_ptr<const HealthMatch> match;  // null: 2xx and 3xx
  const config::Settings* scope = nullptr;   // where it stands, beside proxy_pass; lives with the configuration
  /// How long a server may take to answer by the scope's settings; null: as long as the interval.
  std::chrono::milliseconds (*patience)(const config::Settings&) = nullptr;
  /// Whom a handshake has to reach; but for the address, which is each server's. Made of the scope's settings when the
  /// checks begin.
  std::optional<net::TlsTarget> tls;

  /// Whether nothing changes if one takes the place of the other.
  bool same_as(const HealthCheck& other) const {
    // A match block may have changed although its name did not; a new check then begins, which costs nothing.
    return !match && !other.match && type == other.type && interval == other.interval && jitter == other.jitter &&
           fails == other.fails && passes == other.passes && uri == other.uri && host == other.host &&
           port == other.port && mandatory == other.mandatory && tls.has_value() == other.tls.has_value() &&
           (!tls || (tls->client == other.tls->client && tls->name == other.tls->name &&
                     tls->sends_name == other.tls->sends_name));
  }
};

}  // namespace weir::shared
