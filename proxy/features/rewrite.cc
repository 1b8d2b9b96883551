// rewrite: set, if, rewrite, return and break, done in the order in which they are written.
#include "features/rewrite.h"

#include <fmt/format.h>


#include "features/scopes.h"
#include "http/content_type.h"
#include "http/respond.h"
#include "http/uri.h"

namespace weir::http {

namespace {

using config::Call;
using config::DirectiveSpec;
using namespace scopes;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

Template compile(const Call& call, std::string_view text) {
  return Template::compile(text, Loader::of(call).config.variables);
}

void append(const Call& call, std::shared_ptr<const RewriteStep> step) {
  call.settings.edit<RewriteConf>().steps.push_back(std::move(step));
}

std::string_view escaped_for_query(std::string_view capture, net::Arena& memory) {
  return escape(capture, EscapeFor::Query, memory);
}

/// Captures are decoded text; where the client, a backend or a query is to get them, what was escaped is escaped again.
CaptureWriter escaped_again(const Exchange& exchange) {
  const bool was_escaped = exchange.request.path.find_first_of("%+") != std::string_view::npos;
  return was_escaped ? escaped_for_query : nullptr;
}

// --- return

class Return final : public RewriteStep {
 public:
  Return(int status, Template text) : status_(status), text_(std::move(text)) {}

  std::optional<PhaseResult> run(Exchange& exchange) const override {
    // An error without a text gets its page; other statuses have an empty body then.
    if (text_.source().empty() && status_ >= 400) return PhaseResult::respond(status_);
    exchange.response.status = status_;  // $status in the text
    if (is_redirect(status_)) {
      make_redirect(exchange, status_, text_.evaluate(exchange));
      return PhaseResult::done();
    }
    make_text(exchange, status_, text_.evaluate(exchange), content_type_of(exchange));
    return PhaseResult::done();
  }

 private:
  int status_;
  Template text_;
};

void add_return(const Call& call) {
  const std::string& first = call.args[0];
  const auto code = config::parse_number(first, 999);
  if (!code) {
    const bool is_url = first.starts_with("http://") || first.starts_with("https://") || first.starts_with("$scheme");
    if (!is_url || call.args.size() != 1) call.fail(fmt::format("invalid return code \"{}\"", first));
    return append(call, std::make_shared<Return>(302, compile(call, first)));
  }
  if (call.args.size() == 1 && is_redirect(static_cast<int>(*code)))
    return append(call, std::make_shared<Return>(static_cast<int>(*code), Template()));
  append(call, std::make_shared<Return>(static_cast<int>(*code),
                                        call.args.size() > 1 ? compile(call, call.args[1]) : Template()));
}

// --- break

class Break final : public RewriteStep {
 public:
  std::optional<PhaseResult> run(Exchange&) const override { return PhaseResult::next(); }
};

void add_break(const Call& call) { append(call, std::make_shared<Break>()); }

// --- set

class Set final : public RewriteStep {
 public:
  Set(std::uint32_t slot, Template value) : slot_(slot), value_(std::move(value)) {}
  std::optional<PhaseResult> run(Exchange& exchange) const override {
    // As nginx: until a `rewrite` of this phase matches.
    const CaptureWriter write_capture = exchange.rewrite_matched ? nullptr : escaped_again(exchange);
    exchange.slot(slot_) = VariableValue{value_.evaluate(exchange, write_capture)};
    return std::nullopt;
  }

 private:
  std::uint32_t slot_;
  Template value_;
};

/// Of a built-in variable.
class SetBuiltIn final : public RewriteStep {
 public:
  SetBuiltIn(VariableSetter setter, Template value) : setter_(setter), value_(std::move(value)) {}
  std::optional<PhaseResult> run(Exchange& exchange) const override {
    setter_(exchange, value_.evaluate(exchange));
    return std::nullopt;
  }

 private:
  VariableSetter setter_;
  Template value_;
};

void add_set(const Call& call) {
  const std::string& name = call.args[0];
  if (!name.starts_with('$')) call.fail(fmt::format("invalid variable name \"{}\"", name));
  VariableTable& variables = Loader::of(call).config.variables;
  if (const VariableSetter setter = variables.setter(std::string_view(name).substr(1)))
    return append(call, std::make_shared<SetBuiltIn>(setter, compile(call, call.args[1])));
  const auto slot = variables.define_writable(std::string_view(name).substr(1));
  if (!slot) call.fail(fmt::format("the duplicate \"{}\" variable", name.substr(1)));
  append(call, std::make_shared<Set>(*slot, compile(call, call.args[1])));
}

// --- rewrite

/// A redirection's URL from a replacement: needless escapes are decoded up to a `?`, so that a URL that comes escaped in
/// an argument can be followed; what may not stand in a field or a URL is escaped.
std::string_view redirect_target(std::string_view text, net::Arena& memory) {
  const auto hex = [](char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
  };
  char* const decoded = static_cast<char*>(memory.allocate(text.size() + 1, 1));
  std::size_t size = 0, at = 0;
  for (; at < text.size() && text[at] != '?'; ++at) {
    decoded[size++] = text[at];
    if (text[at] != '%' || text.size() - at < 3) continue;
    const int high = hex(text[at + 1]), low = hex(text[at + 2]);
    const int octet = high < 0 || low < 0 ? -1 : high * 16 + low;
    if (octet <= '%' || octet >= 0x7f) continue;  // needed as an escape
    decoded[size - 1] = static_cast<char>(octet);
    at += 2;
    if (octet == '?') {
      ++at;
      break;
    }
  }
  for (; at < text.size(); ++at) decoded[size++] = text[at];
  return escape({decoded, size}, EscapeFor::Location, memory);
}

class Rewrite final : public RewriteStep {
 public:
  enum class Flag : std::uint8_t { None, Last, Break, Redirect, Permanent };
  Rewrite(config::Regex regex, std::string_view replacement, Flag flag, VariableTable& variables)
      : regex_(std::move(regex)), flag_(flag) {
    drops_args_ = replacement.ends_with('?');
    if (drops_args_) replacement.remove_suffix(1);
    const std::size_t query = replacement.find('?');
    has_args_ = query != replacement.npos;
    path_ = Template::compile(replacement.substr(0, query), variables);
    if (has_args_) args_ = Template::compile(replacement.substr(query + 1), variables);
    is_url_ = replacement.starts_with("http://") || replacement.starts_with("https://") ||
              replacement.starts_with("$scheme");
  }

  std::optional<PhaseResult> run(Exchange& exchange) const override {
    if (!exchange.match(regex_, exchange.uri)) return std::nullopt;
    const bool redirects = is_url_ || flag_ == Flag::Redirect || flag_ == Flag::Permanent;
    exchange.rewrite_matched = true;
    const CaptureWriter escaped = escaped_again(exchange);
    const std::string_view path = path_.evaluate(exchange, redirects ? escaped : nullptr);
    std::string_view args;
    if (has_args_) args = args_.evaluate(exchange, escaped);
    if (!drops_args_ && !exchange.args.empty())
      args = args.empty() ? exchange.args : exchange.concat({args, "&", exchange.args});

    if (redirects) {
      const std::string_view target = redirect_target(path, exchange.arena());
      make_redirect(exchange, flag_ == Flag::Permanent ? 301 : 302,
                    args.empty() ? target : exchange.concat({target, "?", args}));
      return PhaseResult::done();
    }
    if (path.empty()) {
      log::error(exchange.runtime().error_log(), exchange.subject(), "the rewritten URI has a zero length");
      return PhaseResult::respond(500);
    }
    exchange.uri = path;
    exchange.args = args;
    exchange.uri_is_original = false;
    exchange.is_internal = true;
    if (flag_ == Flag::Break) {
      exchange.prefix_is_lost = true;
      exchange.uri_changed = false;
      return PhaseResult::next();
    }
    exchange.uri_changed = true;
    if (flag_ == Flag::Last) return PhaseResult::next();
    return std::nullopt;
  }

 private:
  config::Regex regex_;
  Template path_, args_;
  Flag flag_;
  bool has_args_ = false, drops_args_ = false, is_url_ = false;
};

void add_rewrite(const Call& call) {
  Loader& loader = Loader::of(call);
  Rewrite::Flag flag = Rewrite::Flag::None;
  if (call.args.size() == 3) {
    constexpr config::EnumName<Rewrite::Flag> kFlags[] = {{"last", Rewrite::Flag::Last},
                                                          {"break", Rewrite::Flag::Break},
                                                          {"redirect", Rewrite::Flag::Redirect},
                                                          {"permanent", Rewrite::Flag::Permanent}};
    flag = config::enum_value(call, call.args[2], kFlags);
  }
  auto regex = loader.compile_regex(call.args[0], config::Regex::Case::Sensitive);
  append(call, std::make_shared<Rewrite>(std::move(regex), call.args[1], flag, loader.config.variables));
}

// --- if

class If final : public RewriteStep {
 public:
  If(RewriteCondition condition, const Location* location, std::shared_ptr<const config::Settings> server_block)
      : condition_(std::move(condition)), location_(location), server_block_(std::move(server_block)) {}

  std::optional<PhaseResult> run(Exchange& exchange) const override {
    if (!condition_.holds(exchange)) return std::nullopt;
    // In a location the block's settings replace the location's; in a server only its steps are done.
    if (location_) exchange.enter(*location_);
    const config::Settings& settings = location_ ? location_->settings : *server_block_;
    return run_steps(exchange, settings.get<RewriteConf>().steps);
  }

 private:
  RewriteCondition condition_;
  const Location* location_;
  std::shared_ptr<const config::Settings> server_block_;
};

void open_if(const Call& call) {
  Loader& loader = Loader::of(call);
  RewriteCondition condition = RewriteCondition::parse(call);
  if (call.where == config::Server) {
    auto settings = std::make_shared<config::Settings>();
    call.apply_children(config::ServerIf, *settings);
    return append(call, std::make_shared<If>(std::move(condition), nullptr, std::move(settings)));
  }
  Location& outer = *loader.location;
  auto owned = std::make_unique<Location>();
  Location& block = *owned;
  block.match = Location::Match::If;
  block.name = outer.name;
  block.at = call.statement.at;
  outer.blocks.push_back(std::move(owned));
  append(call, std::make_shared<If>(std::move(condition), &block, nullptr));
  const Scope in_location(loader.location, &block);
  call.apply_children(config::LocationIf, block.settings);
}

// --- the phases

bool has_steps(const config::Settings& settings) { return !settings.get<RewriteConf>().steps.empty(); }

PhaseResult rewrite_in_server(Exchange& exchange) {
  exchange.uri_changed = exchange.rewrite_matched = false;
  const auto result = run_steps(exchange, exchange.server->root.settings.get<RewriteConf>().steps);
  exchange.uri_changed = false;  // the location is chosen now in any case
  return result.value_or(PhaseResult::next());
}

PhaseResult rewrite_in_location(Exchange& exchange) {
  exchange.uri_changed = exchange.rewrite_matched = false;
  const Location* const location = exchange.location;
  // The server's own steps are done already; requests without a location come here with the server's settings.
  if (location->match == Location::Match::Server) return PhaseResult::next();
  const auto result = run_steps(exchange, location->settings.get<RewriteConf>().steps);
  if (result && !result->is_next()) return *result;
  if (!exchange.uri_changed) return PhaseResult::next();
  if (++exchange.redirects > kMostRedirects) {
    log::error(exchange.runtime().error_log(), exchange.subject(),
               "rewrite or internal redirection cycle while processing \"{}\"", exchange.uri);
    return PhaseResult::respond(500);
  }
  return PhaseResult::relocate();
}

constexpr auto kAnywhere = kServer | kLocation | config::ServerIf | config::LocationIf;

constexpr DirectiveSpec kDirectives[] = {
    config::custom("return", kAnywhere, {1, 2}, "code [text] | code URL | URL",
                   "Ends processing with a response.", &add_return),
    config::custom("break", kAnywhere, {0, 0}, "", "Ends the rewriting directives of this scope.", &add_break),
    config::custom("set", kAnywhere, {2, 2}, "$variable value", "Gives a variable a value.", &add_set),
    config::custom("rewrite", kAnywhere, {2, 3}, "regex replacement [last | break | redirect | permanent]",
                   "Changes the URI, or redirects, if the pattern matches it.", &add_rewrite),
    config::block("if", kServer | kLocation, {1, -1}, "(condition) { … }",
                  "Settings and rewriting directives for requests that meet a condition.", &open_if),
};

constexpr PhaseHandler kHandlers[] = {
    {.phase = Phase::ServerRewrite, .enabled = has_steps, .run = rewrite_in_server},
    {.phase = Phase::Rewrite, .enabled = has_steps, .run = rewrite_in_location},
};

}  // namespace

std::optional<PhaseResult> run_steps(Exchange& exchange, const RewriteSteps& steps) {
  for (const auto& step : steps)
    if (auto result = step->run(exchange)) return result;
  return std::nullopt;
}

extern const Feature rewrite;
const Feature rewrite{.name = "rewrite", .directives = kDirectives, .handlers = kHandlers};

}  // namespace weir::http
