#include "server/privileges.h"

#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <stdexcept>

#include "server/process.h"

namespace weir::server {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(system_error_text(what, errno));
}

/// A name that is not there leaves errno at 0; then there is no system error to tell.
[[noreturn]] void fail_lookup(std::string_view call, const std::string& name) {
  if (errno == 0) throw std::runtime_error(fmt::format("{}(\"{}\") failed", call, name));
  fail(fmt::format("{}(\"{}\")", call, name));
}

gid_t find_group(const std::string& name) {
  errno = 0;
  const group* found = getgrnam(name.c_str());
  if (found == nullptr) fail_lookup("getgrnam", name);
  return found->gr_gid;
}

/// Reduces this thread's capabilities to CAP_NET_BIND_SERVICE, and to nothing where even that was not permitted (a
/// container may withhold it). The raw system calls, because glibc has no wrappers and one bit is no reason for
/// libcap.
void keep_only_low_ports() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capget, &header, sets) != 0) fail("capget()");
  static_assert(CAP_NET_BIND_SERVICE < 32);
  const std::uint32_t kept = sets[0].permitted & (1u << CAP_NET_BIND_SERVICE);
  sets[0] = {.effective = kept, .permitted = kept, .inheritable = 0};
  sets[1] = {};
  if (syscall(SYS_capset, &header, sets) != 0) fail("capset(CAP_NET_BIND_SERVICE)");
}

}  // namespace

Identity find_identity(const std::string& user, const std::optional<std::string>& group) {
  errno = 0;
  const passwd* found = getpwnam(user.c_str());
  if (found == nullptr) fail_lookup("getpwnam", user);
  const uid_t uid = found->pw_uid;
  return {uid, find_group(group.value_or(user)), user};
}

bool is_root() {
  return geteuid() == 0;
}

void drop_privileges(const Identity& identity) {
  if (!is_root()) return;
  if (setgid(identity.gid) != 0) fail(fmt::format("setgid({})", identity.gid));
  if (initgroups(identity.user.c_str(), identity.gid) != 0)
    fail(fmt::format("initgroups({}, {})", identity.user, identity.gid));
  if (identity.uid == 0) return;

  // Without KEEPCAPS, setuid would empty the permitted set; with it, only the effective one.
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) fail("prctl(PR_SET_KEEPCAPS, 1)");
  if (setuid(identity.uid) != 0) fail(fmt::format("setuid({})", identity.uid));
  keep_only_low_ports();
  prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // setuid turned core dumps off
}

bool give_to(const Identity& identity, int fd) {
  return !is_root() || fchown(fd, identity.uid, identity.gid) == 0;
}

}  // namespace weir::server
