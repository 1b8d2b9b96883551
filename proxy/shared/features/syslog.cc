#include "shared/features/syslog.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "shared/features/host_lookup.h"
#include "shared/address.h"

namespace weir::shared {

namespace {

using config::Call;

constexpr std::uint16_t kSyslogPort = 514;
constexpr std::size_t kLongestTag = 32;
constexpr std::string_view kFacilities[] = {"kern",   "user",     "mail",   "daemon", "auth",   "intern",
                                            "lpr",    "news",     "uucp",   "clock",  "authpriv", "ftp",
                                            "ntp",    "audit",    "alert",  "cron",   "local0", "local1",
                                            "local2", "local3",   "local4", "local5", "local6", "local7"};
static_assert(std::size(kFacilities) == 24);

/// One of `syslog:`'s parameters, which may be given once.
enum Parameter : unsigned { kServer = 1, kFacility = 2, kSeverity = 4, kTag = 8, kNoHostname = 16 };

std::optional<net::Endpoint> server_address(const Call& call, std::string_view text, Names names) {
  const HostPort where = parse_host_port(text, kSyslogPort);
  if (where.is_unix() || where.is_literal()) {
    auto endpoint = net::Endpoint::parse(where.text());
    if (!endpoint) call.fail(fmt::format("invalid syslog server \"{}\"", text));
    return endpoint;
  }
  std::vector<net::Endpoint> found = look_up_host(call, where.host, names);
  if (found.empty()) return std::nullopt;
  found.front().set_port(where.port);
  return found.front();
}

void set_server(const Call& call, std::string_view value, Names names, log::SyslogOptions& options) {
  options.name = value;
  const auto endpoint = server_address(call, value, names);
  if (!endpoint) return;  // nothing will be served
  std::memcpy(&options.address, endpoint->raw(), endpoint->length());
  options.address_length = endpoint->length();
}

void set_tag(const Call& call, std::string_view value, log::SyslogOptions& options) {
  const auto is_good = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  if (value.size() > kLongestTag) call.fail("syslog \"tag\" length exceeds 32");
  if (!std::all_of(value.begin(), value.end(), is_good))
    call.fail("syslog \"tag\" only allows alphanumeric characters and underscore");
  options.tag = value;
}

/// Applies one parameter; returns which it was.
Parameter apply(const Call& call, std::string_view parameter, Names names, log::SyslogOptions& options) {
  const std::string_view value = parameter.substr(std::min(parameter.size(), parameter.find('=') + 1));
  if (parameter.starts_with("server=")) {
    set_server(call, value, names, options);
    return kServer;
  }
  if (parameter.starts_with("facility=")) {
    const auto* const found = std::find(std::begin(kFacilities), std::end(kFacilities), value);
    if (found == std::end(kFacilities)) call.fail(fmt::format("unknown syslog facility \"{}\"", value));
    options.facility = static_cast<unsigned>(found - kFacilities);
    return kFacility;
  }
  if (parameter.starts_with("severity=")) {
    const auto level = log::parse_level(value);
    if (!level) call.fail(fmt::format("unknown syslog severity \"{}\"", value));
    options.severity = *level;
    return kSeverity;
  }
  if (parameter.starts_with("tag=")) {
    set_tag(call, value, options);
    return kTag;
  }
  if (parameter != "nohostname") call.fail(fmt::format("unknown syslog parameter \"{}\"", parameter));
  options.with_hostname = false;
  return kNoHostname;
}

}  // namespace

std::shared_ptr<log::Syslog> parse_syslog(const Call& call, std::string_view text, Names names) {
  log::SyslogOptions options;
  unsigned given = 0;
  std::string_view rest = text.substr(kSyslogPrefix.size());
  while (!rest.empty()) {
    const std::string_view parameter = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), parameter.size() + 1));
    const Parameter which = apply(call, parameter, names, options);
    if (given & which) call.fail(fmt::format("duplicate syslog \"{}\"", parameter.substr(0, parameter.find('='))));
    given |= which;
  }
  if ((given & kServer) == 0) call.fail("no syslog server specified");
  return std::make_shared<log::Syslog>(std::move(options));
}

}  // namespace weir::shared
