// Giving up root after the start, but not the right to open ports below 1024 on a later reload.
//
// Weir is one process, where nginx keeps a root master; so what remains of root must fit into capabilities.
#pragma once

#include <sys/types.h>

#include <optional>
#include <span>
#include <string>

namespace weir::server {

/// Whom to become.
struct Identity {
  uid_t uid;
  gid_t gid;
  std::string user;  ///< for the supplementary groups
};

/// Looks up `user` and, if given, `group`; without `group`, the group of the same name as the user, as nginx's `user`
/// directive does.
/// Throws `std::runtime_error` in nginx's words: `getpwnam("x") failed`, `getgrnam("x") failed`.
Identity find_identity(const std::string& user, const std::optional<std::string>& group);

/// Whether this process may become someone else.
bool is_root();

/// Becomes `identity` for good and keeps only the capability to bind ports below 1024.
///
/// Call it when logs, pid file and sockets are open and before the first thread starts: capabilities belong to
/// threads, and only threads made afterwards inherit the result. Files that a reload reads again (certificate keys)
/// and log files that are reopened must be accessible to `identity`. Without root it does nothing, as nginx's `user`
/// does. Throws `std::runtime_error`, e.g. `setgid(33) failed (1: Operation not permitted)`; the process must then
/// end, for it may be half way.
void drop_privileges(const Identity& identity);

/// Gives an open file or socket to `identity`; for log files that are to be reopened and for listening sockets, which
/// the kernel lets be joined (SO_REUSEPORT) only by sockets of the same owner. Without root it does nothing. Returns
/// false, with errno set, if the system refuses.
bool give_to(const Identity& identity, int fd);

}  // namespace weir::server
