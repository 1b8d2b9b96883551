#include "http/error_page.h"

#include <algorithm>

#include "http/exchange.h"
#include "http/respond.h"
#include "http/status.h"

namespace weir::http {

namespace {

bool is_redirect_status(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

}  // namespace

const ErrorPage* find_error_page(const Exchange& exchange, int status) {
  const ErrorPageConf& conf = exchange.conf<ErrorPageConf>();
  if (conf.pages->empty() || exchange.last_error_page) return nullptr;
  for (const ErrorPage& page : *conf.pages)
    if (std::find(page.codes.begin(), page.codes.end(), status) != page.codes.end()) return &page;
  return nullptr;
}

PhaseResult follow_error_page(Exchange& exchange, const ErrorPage& page, int status, bool& ready) {
  ready = false;
  exchange.in_error_page = true;
  exchange.last_error_page = !*exchange.conf<ErrorPageConf>().recursive;
  exchange.error_status = page.changes_status ? page.status : wire_status(status);
  const std::string_view target = page.target.evaluate(exchange);

  if (target.starts_with('@')) {
    return exchange.redirect_to_named(target) ? PhaseResult::relocate() : PhaseResult::respond(500);
  }
  if (target.starts_with('/')) {
    const std::size_t query = target.find('?');
    if (!exchange.redirect_internally(target.substr(0, query),
                                      query == target.npos ? std::string_view() : target.substr(query + 1)))
      return PhaseResult::respond(500);
    if (exchange.request.method != Method::Head) exchange.method_override = Method::Get;
    return PhaseResult::relocate();
  }
  // A URL: the client is sent there.
  const int redirect = is_redirect_status(exchange.error_status) ? exchange.error_status : 302;
  make_redirect(exchange, redirect, target);
  ready = true;
  return PhaseResult::done();
}

}  // namespace weir::http
