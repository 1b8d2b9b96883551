// Responses that Weir makes itself: error pages, texts, redirections.
#include <fmt/format.h>

#include "http/core_conf.h"
#include "http/respond.h"
#include "http/status.h"

namespace weir::http {

namespace {

void set_memory_body(Exchange& exchange, std::string_view text) {
  exchange.response.content_length = text.size();
  exchange.response.body = text.empty() ? nullptr : exchange.make<MemoryBody>(text);
}

/// As nginx's pages have it, which for two statuses is not what its status line says.
std::string_view page_heading(int status) {
  if (status == 302) return "302 Found";
  if (status == 401) return "401 Authorization Required";
  return status_line_text(status);
}

}  // namespace

void make_status_page(Exchange& exchange, int status) {
  Response& response = exchange.response;
  const std::string_view refusal = refusal_text(status);
  status = wire_status(status);
  response.clear();
  response.status = status;
  if (exchange.carried_fields) exchange.carried_fields->remove(FieldId::ContentType);
  if (has_no_body(status)) return;
  response.content_type = "text/html";
  const std::string_view heading = page_heading(status);
  const std::string_view title = refusal.empty() ? heading : exchange.concat({"400 ", refusal});
  const std::string_view reason = refusal.empty() ? refusal : exchange.concat({"<center>", refusal, "</center>\r\n"});
  const std::string_view name = *exchange.conf<CoreConf>().server_tokens == ServerTokens::Off ? "weir" : kServerToken;
  set_memory_body(exchange, exchange.concat({"<html>\r\n<head><title>", title, "</title></head>\r\n<body>\r\n<center><h1>",
                                             heading, "</h1></center>\r\n", reason, "<hr><center>", name,
                                             "</center>\r\n</body>\r\n</html>\r\n"}));
}

void make_text(Exchange& exchange, int status, std::string_view text, std::string_view content_type) {
  Response& response = exchange.response;
  response.clear();
  response.status = status;
  if (has_no_body(status)) return;
  response.content_type = content_type;
  set_memory_body(exchange, text);
}

std::string_view absolute_location(Exchange& exchange, std::string_view target) {
  const CoreConf& core = exchange.conf<CoreConf>();
  if (!target.starts_with('/') || !*core.absolute_redirect) return target;
  const net::Endpoint local = exchange.local();
  std::string_view host = *core.server_name_in_redirect ? std::string_view(exchange.server->primary_name) : exchange.host;
  if (host.empty()) {  // the client named none
    host = exchange.keep(local.address_string());
    if (local.family() == AF_INET6) host = exchange.concat({"[", host, "]"});
  }
  const std::uint16_t port = local.port();
  const bool encrypted = exchange.client().stream().tls() != nullptr;
  const std::string_view scheme = encrypted ? "https://" : "http://";
  if (!*core.port_in_redirect || port == (encrypted ? 443 : 80) || port == 0)
    return exchange.concat({scheme, host, target});
  char digits[8];
  const auto end = fmt::format_to(digits, ":{}", port);
  return exchange.concat({scheme, host, {digits, static_cast<std::size_t>(end - digits)}, target});
}

void make_redirect(Exchange& exchange, int status, std::string_view target) {
  const std::string_view location = absolute_location(exchange, target);
  exchange.error_status = 0;  // an error page that sends the client elsewhere does so with this status
  make_status_page(exchange, status);
  exchange.response.location = location;
}

}  // namespace weir::http
