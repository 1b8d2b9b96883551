// return: a session that is answered by a text.
#include "net/send.h"
#include "stream/features/scopes.h"
#include "stream/session.h"

namespace weir::stream {

namespace {

using config::Call;

constexpr std::chrono::seconds kPatience{60};  // with a client that does not take the text

struct Conf {
  config::Setting<Template> text;
};

void set_text(const Call& call) {
  Conf& conf = call.settings.edit<Conf>();
  if (conf.text.is_set_here()) call.fail_duplicate();
  conf.text.set(template_value(call));
}

bool enabled(const config::Settings& settings) { return settings.get<Conf>().text.is_set(); }

net::Task<PhaseResult> answer(Session& session) {
  DatagramClient* const client = session.datagrams();
  if (const std::string* const asked = client ? client->waiting() : nullptr) session.received += asked->size();
  const std::string_view text = session.conf<Conf>().text->evaluate(session);
  if (client) {
    client->send(text);
    session.sent += text.size();
    co_return PhaseResult::end(status::kOk);
  }
  const net::IoError failed = co_await net::send_all(session.client(), text, kPatience);
  if (failed) {
    log::info(session.error_log(), session, "send() failed ({}) while returning text", failed.message());
    co_return PhaseResult::end(status::kOk);
  }
  session.sent += text.size();
  session.client().shutdown_send();
  co_return PhaseResult::end(status::kOk);
}

constexpr config::DirectiveSpec kDirectives[] = {
    // Not inherited, like every content.
    config::custom("return", config::StreamServer, {1, 1}, "value", "Sends the value and ends the session.", &set_text),
};
constexpr PhaseHandler kHandlers[] = {{.phase = Phase::Content, .enabled = enabled, .run_async = answer}};

}  // namespace

// `return` is a word of the language.
extern const Feature returning;
const Feature returning{.name = "return", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::stream
