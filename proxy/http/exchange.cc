#include "http/exchange.h"

#include "config/diagnostics.h"
#include "http/forwarded_for.h"
#include "shared/error_log_conf.h"

namespace weir::http {

Exchange::Exchange(RuntimeRef runtime, ClientChannel& client, net::Arena& memory)
    : Context(*runtime, memory),
      request(&memory),
      response(&memory),
      body(*this),
      started(runtime->loop().now()),
      attempts(&memory),
      runtime_(std::move(runtime)),
      client_(client) {}

Exchange::Exchange(Exchange& parent, ClientChannel& client)
    : Context(parent),
      request(&arena()),
      response(&arena()),
      body(*this),
      started(loop().now()),
      attempts(&arena()),
      runtime_(parent.runtime_),
      client_(client) {
  request = parent.request;
  host = parent.host;
  server = parent.server;
  location = &server->root;
  real_client = parent.real_client;
  method_override = Method::Get;
  body_discarded = is_subrequest = is_internal = is_redirected = true;
  uri_is_original = false;
}

net::Endpoint Exchange::local() const {
  const ConnectionInfo& connection_info = client_.connection();
  if (connection_info.local) return *connection_info.local;
  const net::Endpoint address = net::Endpoint::local_of(client_.stream().fd());
  if (!address.is_empty()) return address;
  return net::Endpoint::parse(connection_info.listen->text).value_or(net::Endpoint());
}

void Exchange::carry(const Field& field) {
  if (!carried_fields) carried_fields = make<Fields>(&arena());
  carried_fields->add(field);
}

std::string Exchange::settings_place() const {
  return config::to_text(location && location->at.line > 0 ? location->at : server->at);
}

net::Endpoint Exchange::client_behind(std::span<const Network> trusted, bool recursive, const net::Endpoint& address) {
  ForwardedFor client(trusted, recursive, address);
  client.through_all(request.fields);
  return client.address();
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

void Exchange::describe(std::string& text) const {
  const auto add = [&text](std::string_view label, std::string_view value, bool quoted) {
    text += ", ";
    text += label;
    text += quoted ? ": \"" : ": ";
    text += value;
    if (quoted) text += '"';
  };
  add("client", client_address().address_string(), false);
  if (server) add("server", server->primary_name, false);
  if (!request.line.empty()) add("request", request.line, true);
  if (const auto& [scheme, address, target] = upstream_for_log; !address.empty())
    add("upstream", std::string(scheme).append(address).append(target), true);
  const std::string_view asked = request.fields.value(FieldId::Host);
  if (!asked.empty()) add("host", asked, true);
  const std::string_view referer = request.fields.value(FieldId::Referer);
  if (!referer.empty()) add("referrer", referer, true);
}

const log::ErrorLog* Exchange::own_log() const {
  return location ? conf<ErrorLogConf>().log->get() : nullptr;
}

std::uint64_t Exchange::connection() const { return client_.connection().id; }

}  // namespace weir::http
