// pass: a connection is given to another listening address of this process, of http or of stream, as if it had come there.
#include <fmt/format.h>

#include "shared/address.h"
#include "stream/features/scopes.h"
#include "stream/pass_conf.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

using config::Call;

constexpr int kMostPasses = 10;  // servers may pass to each other in a circle

/// Throws config::ValueError.
net::Endpoint parse_address(const std::string& text) {
  const HostPort where = parse_host_port(text, 0);
  if (!where.is_literal()) throw config::ValueError(fmt::format("no addresses in pass \"{}\"", text));
  if (!where.is_unix() && where.port == 0) throw config::ValueError(fmt::format("no port in pass \"{}\"", text));
  const auto address = net::Endpoint::parse(where.text());
  if (!address) throw config::ValueError(fmt::format("invalid address in pass \"{}\"", text));
  return *address;
}

void set_target(const Call& call) {
  PassConf& conf = call.settings.edit<PassConf>();
  if (conf.target.is_set_here()) call.fail_duplicate();
  Template target = template_value(call);
  if (target.is_literal()) conf.address = parse_address(call.args[0]);
  conf.target.set(std::move(target));
}

bool enabled(const config::Settings& settings) { return settings.get<PassConf>().target.is_set(); }

/// Nothing if there is none, which was logged.
std::optional<net::Endpoint> address_for(Session& session) {
  const PassConf& conf = session.conf<PassConf>();
  if (conf.address) return conf.address;
  try {
    return parse_address(std::string(conf.target->evaluate(session)));
  } catch (const config::ValueError& error) {
    log::error(session.error_log(), session, "{} while passing connection to port", error.what());
    return std::nullopt;
  }
}

/// Why a session cannot be passed on, whereto ever; empty: it can.
std::string_view obstacle(const Session& session) {
  if (session.datagrams()) return "cannot pass udp connection";
  if (!session.preread().empty()) return "cannot pass connection with preread data";
  if (session.passes() == kMostPasses) return "stream pass cycle";
  return {};
}

net::Task<PhaseResult> pass(Session& session) {
  if (const std::string_view why = obstacle(session); !why.empty()) {
    log::error(session.error_log(), session, "{} while passing connection to port", why);
    co_return PhaseResult::end(status::kInternal);
  }
  const auto address = address_for(session);
  if (!address) co_return PhaseResult::end(status::kInternal);
  if (!session.can_pass_to(*address)) {
    log::error(session.error_log(), session, "port not found for \"{}\" while passing connection to port",
               address->to_string());
    co_return PhaseResult::end(status::kOk);
  }
  log::info(session.error_log(), session, "client passed to {}", address->to_string());
  co_await session.pass_to(*address);
  co_return PhaseResult::end(status::kOk);
}

constexpr config::DirectiveSpec kDirectives[] = {
    // Not inherited, like every content.
    config::custom("pass", config::StreamServer, {1, 1}, "address",
        "Gives the connection to another address that this Weir listens on, of http or of stream: without TLS, or without what "
        "was said in the PROXY protocol, where this server took that off. What is sent is not copied.", &set_target),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Content, .enabled = enabled, .run_async = pass}};

}  // namespace

extern const Feature passing;
const Feature passing{.name = "pass", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::stream
