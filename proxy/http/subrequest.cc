#include "http/subrequest.h"

#include "http/respond.h"

namespace weir::http {

Subrequest::Subrequest(Exchange& parent, std::string_view uri)
    : parent_(parent), channel_(parent.client()), exchange_(parent, channel_) {
  exchange_.uri = uri;
}

net::Task<void> Subrequest::run() {
  co_await serve_subrequest(exchange_);
  if (exchange_.client_gone) parent_.client_gone = true;
}

}  // namespace weir::http
