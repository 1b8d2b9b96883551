// ssl_preread: a session is routed by what its client's ClientHello says, and passed on as it came.
#include "net/client_hello.h"

#include "shared/lower.h"
#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

/// What one session's look has come to; lives in its memory.
class HelloLook final : public AtEnd {
 public:
  void run() noexcept override { this->~HelloLook(); }

  net::ClientHelloReader reader;
  bool is_complete = false;
};

namespace {

using namespace scopes;
using Status = net::ClientHelloStatus;

struct Conf {
  config::Setting<bool> on{false};
};

bool enabled(const config::Settings& settings) { return *settings.get<Conf>().on; }

Preread look(Session& session, std::string_view octets) {
  if (!session.hello_look) {
    session.hello_look = session.make<HelloLook>();
    session.at_end(*session.hello_look);
  }
  net::ClientHelloReader& reader = session.hello_look->reader;
  switch (reader.read(octets)) {
    case Status::Incomplete: return Preread::NeedMore;
    case Status::Complete:
      session.hello_look->is_complete = true;
      session.choose_server(lower(reader.hello().server_name));
      return Preread::Done;
    case Status::NotTls: return Preread::Done;
    case Status::Bad: break;
  }
  log::error(session.error_log(), session, "client sent a broken ClientHello: {}", reader.problem());
  return Preread::Bad;
}

const net::ClientHello* hello_of(const Session& session) {
  return session.hello_look && session.hello_look->is_complete ? &session.hello_look->reader.hello() : nullptr;
}

VariableValue server_name(Session& session, const VariableArg&) {
  const net::ClientHello* const hello = hello_of(session);
  return hello ? VariableValue{hello->server_name} : VariableValue::not_found();
}
VariableValue alpn_protocols(Session& session, const VariableArg&) {
  const net::ClientHello* const hello = hello_of(session);
  return hello ? VariableValue{hello->alpn_protocols} : VariableValue::not_found();
}
VariableValue protocol(Session& session, const VariableArg&) {
  const net::ClientHello* const hello = hello_of(session);
  return hello ? VariableValue{hello->version_name()} : VariableValue::not_found();
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::directive<&Conf::on, &config::on_off>("ssl_preread", kStreamAndServer, {1, 1}, "on | off",
        "Look at what a client's TLS handshake says in the clear, for $ssl_preread_server_name and its like, and pass it "
        "on unchanged. What begins as TLS but is no ClientHello ends the session."),
};

constexpr VariableSpec kVariables[] = {{"ssl_preread_server_name", getter<server_name>},
                                       {"ssl_preread_alpn_protocols", getter<alpn_protocols>},
                                       {"ssl_preread_protocol", getter<protocol>}};

constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Preread, .enabled = enabled, .look = look}};

}  // namespace

extern const Feature ssl_preread;
const Feature ssl_preread{
    .name = "ssl_preread", .directives = kDirectives, .variables = kVariables, .handlers = kHandlers};

}  // namespace weir::stream
