// server_name: the names of a virtual server (shared/server_names.h).
#include "features/scopes.h"

namespace weir::http {

void add_server_names(const config::Call& call);
void add_server_names(const config::Call& call) {
  ServerBlock& server = *Loader::of(call).server;
  if (server.primary_name.empty() && server.names.empty()) server.primary_name = primary_name(call.args[0]);
  for (const std::string& text : call.args) server.names.push_back(parse_server_name(call, text));
}

}  // namespace weir::http
