// From an exchange to octets for its client.
#pragma once

#include <string_view>

#include "http/exchange.h"
#include "net/task.h"

namespace weir::http {

/// Serves one exchange from its head to its last octet, and logs it.
net::Task<void> serve(Exchange& exchange);

/// Serves a subrequest: as `serve`, but from a given URI on, and without a line in the access log.
net::Task<void> serve_subrequest(Exchange& exchange);

/// Serves an exchange whose head was refused: an error response and the log, nothing else.
net::Task<void> serve_refusal(Exchange& exchange, int status);

/// Sends `exchange.response`: header filters, head, body. Ends when the client has it (true), is gone, or got only a part.
net::MaybeTask<bool> send_response(Exchange& exchange);

/// Makes `exchange.response` a short page of our own for `status` (nothing for 204, 304 and their like).
void make_status_page(Exchange& exchange, int status);

/// Makes `exchange.response` a text of the configuration with a content type.
void make_text(Exchange& exchange, int status, std::string_view text, std::string_view content_type);

/// Makes `exchange.response` a redirection. `target`: a URL, or a path of this server, which is completed as
/// `absolute_redirect`, `port_in_redirect` and `server_name_in_redirect` say.
void make_redirect(Exchange& exchange, int status, std::string_view target);

/// `target` as make_redirect completes it.
std::string_view absolute_location(Exchange& exchange, std::string_view target);

}  // namespace weir::http
