// Sockets of another process, looked at from outside: what options they have.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace weir::test {

/// Whether this system lets a test look at sockets of processes that it started.
bool can_look_at_sockets();

/// The option of that socket of `process` whose peer is `peer` (`127.0.0.1:80`), as getsockopt gives it. Nothing if there is no
/// such socket.
std::optional<int> socket_option(pid_t process, const std::string& peer, int level, int option);

}  // namespace weir::test
