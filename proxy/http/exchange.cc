#include "http/exchange.h"

#include "config/diagnostics.h"

#include "http/error_log_conf.h"

#include <algorithm>
#include <cstring>

namespace weir::http {

namespace {

constexpr std::size_t kMostCaptures = 10;

}  // namespace

Exchange::Exchange(RuntimeRef runtime, ClientChannel& client, net::Arena& arena)
    : request(&arena),
      response(&arena),
      body(*this),
      started(runtime->loop().now()),
      attempts(&arena),
      runtime_(std::move(runtime)),
      client_(client),
      arena_(arena) {
  const std::size_t slots = variables().slots();
  if (slots != 0) {
    void* const memory = arena_.allocate(slots * sizeof(std::optional<VariableValue>), alignof(std::max_align_t));
    slots_ = {new (memory) std::optional<VariableValue>[slots], slots};
  }
}

Exchange::Exchange(Exchange& parent, ClientChannel& client)
    : request(&parent.arena_),
      response(&parent.arena_),
      body(*this),
      started(parent.loop().now()),
      attempts(&parent.arena_),
      runtime_(parent.runtime_),
      client_(client),
      arena_(parent.arena_),
      slots_(parent.slots_) {
  request = parent.request;
  host = parent.host;
  server = parent.server;
  location = &server->root;
  real_client = parent.real_client;
  method_override = Method::Get;
  body_discarded = is_subrequest = is_internal = is_redirected = true;
  uri_is_original = false;
}

void Exchange::carry(const Field& field) {
  if (!carried_fields) carried_fields = make<Fields>(&arena_);
  carried_fields->add(field);
}

std::string_view Exchange::keep(std::string_view text) { return arena_.copy(text); }

std::string_view Exchange::concat(std::span<const std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  if (size == 0) return {};
  char* const out = static_cast<char*>(arena_.allocate(size, 1));
  char* to = out;
  for (const std::string_view part : parts) to = std::copy(part.begin(), part.end(), to);
  return {out, size};
}

std::string Exchange::settings_place() const {
  return config::to_text(location && location->at.line > 0 ? location->at : server->at);
}

bool Exchange::match(const config::Regex& regex, std::string_view subject) {
  std::string_view found[kMostCaptures];
  const auto outcome = regex.search(subject, found);
  if (outcome == config::Regex::Outcome::Failed)
    log::warn(runtime().error_log(), this->subject(), "\"{}\" could not be matched: it needs too many steps",
              regex.pattern());
  if (outcome != config::Regex::Outcome::Yes) return false;
  const std::size_t count = std::min(kMostCaptures, regex.groups() + 1);
  if (captures_.size() < count) {
    void* const memory = arena_.allocate(kMostCaptures * sizeof(std::string_view), alignof(std::string_view));
    captures_ = {new (memory) std::string_view[kMostCaptures], kMostCaptures};
  }
  std::fill(captures_.begin(), captures_.end(), std::string_view());
  std::copy_n(found, count, captures_.begin());
  for (const config::Regex::Name& name : regex.names())
    if (const auto index = variables().writable(name.name); index && name.group < kMostCaptures)
      slot(*index) = VariableValue{found[name.group], found[name.group].data() != nullptr};
  return true;
}

std::string_view Exchange::capture(std::uint32_t number) const {
  return number < captures_.size() ? captures_[number] : std::string_view();
}

bool Exchange::redirect_internally(std::string_view new_uri, std::optional<std::string_view> new_args) {
  if (++redirects > kMostRedirects) {
    log::error(runtime().error_log(), subject(), "rewrite or internal redirection cycle while redirecting to \"{}\"",
               new_uri);
    return false;
  }
  uri = new_uri;
  if (new_args) args = *new_args;
  uri_is_original = prefix_is_lost = false;
  uri_follows_alias = false;
  proxy_host = {};
  is_internal = is_redirected = true;
  return true;
}

bool Exchange::redirect_to_named(std::string_view name) {
  const Location* const named = server->root.nested.find_named(name);
  if (!named) {
    log::error(runtime().error_log(), subject(), "could not find named location \"{}\"", name);
    return false;
  }
  if (++redirects > kMostRedirects) {
    log::error(runtime().error_log(), subject(), "rewrite or internal redirection cycle while redirect to named "
               "location \"{}\"", name);
    return false;
  }
  enter(*named);
  uri_follows_alias = false;
  proxy_host = {};
  is_internal = is_named = true;
  return true;
}

void Exchange::LogSubject::describe(std::string& text) const {
  const auto add = [&text](std::string_view label, std::string_view value, bool quoted) {
    text += ", ";
    text += label;
    text += quoted ? ": \"" : ": ";
    text += value;
    if (quoted) text += '"';
  };
  const Exchange& exchange = exchange_;
  add("client", exchange.client_address().address_string(), false);
  if (exchange.server) add("server", exchange.server->primary_name, false);
  if (!exchange.request.line.empty()) add("request", exchange.request.line, true);
  if (!exchange.upstream_for_log.empty()) add("upstream", exchange.upstream_for_log, true);
  const std::string_view host = exchange.request.fields.value(FieldId::Host);
  if (!host.empty()) add("host", host, true);
  const std::string_view referer = exchange.request.fields.value(FieldId::Referer);
  if (!referer.empty()) add("referrer", referer, true);
}

const log::ErrorLog* Exchange::LogSubject::own_log() const {
  return exchange_.location ? exchange_.conf<ErrorLogConf>().log->get() : nullptr;
}

std::uint64_t Exchange::LogSubject::connection() const { return exchange_.client_.connection().id; }

}  // namespace weir::http
