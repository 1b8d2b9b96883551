// Setting the parameters of `listen` on a socket. Private to listen_sockets.
#pragma once

#include <string>
#include <vector>

#include "server/listen_sockets.h"

namespace weir::server {

/// Sets one integer option. Returns false with errno set if the system refuses.
bool set_option(int fd, int level, int name, int value);

/// Sets what `options` asks for on a bound socket, before or after listen(). `before`: what was set on it earlier, or
/// null for a new socket; what was given then and is not now goes back to the system's default where there is one.
/// `address`: for the texts. A refusal is appended to `warnings`: none of these is needed for listening.
void apply_options(int fd, bool is_tcp, const ListenOptions& options, const ListenOptions* before,
                   const std::string& address, std::vector<std::string>& warnings);

}  // namespace weir::server
