#include "server/privileges.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "child_process.h"

namespace weir::server {
namespace {

const Identity kNobody = {65534, 65534, "nobody"};

bool can_bind(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(0x7f514d00u | (getpid() & 0xff));  // 127.81.77.x: nobody else's
  const int failed = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
  close(fd);
  return failed == 0;
}

TEST(Privileges, UnknownNamesAreReportedAsNginxDoes) {
  try {
    find_identity("no-such-user", {});
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("getpwnam(\"no-such-user\") failed")) << error.what();
  }
  try {
    find_identity("root", "no-such-group");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with("getgrnam(\"no-such-group\") failed")) << error.what();
  }
}

TEST(Privileges, GroupIsTheUsersNameUnlessGiven) {
  const Identity root = find_identity("root", {});
  EXPECT_EQ(root.uid, 0u);
  EXPECT_EQ(root.gid, 0u);
  EXPECT_EQ(find_identity("root", "daemon").gid, 1u);
}

TEST(Privileges, DroppingKeepsLowPortsAndNothingElse) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  EXPECT_EQ(in_child([] {
              drop_privileges(kNobody);
              if (getuid() != kNobody.uid || geteuid() != kNobody.uid || getgid() != kNobody.gid) return 1;
              if (open("/etc/shadow", O_RDONLY) >= 0) return 2;
              if (setuid(0) == 0) return 3;
              if (!can_bind(81)) return 4;
              return kill(getppid(), 0) == 0 ? 5 : 0;  // the test runs as root, out of reach
            }),
            0);
}

TEST(Privileges, WithoutRootNothingChanges) {
  EXPECT_EQ(in_child([] {
              if (is_root() && setuid(kNobody.uid) != 0) return 1;
              const uid_t before = getuid();
              drop_privileges({0, 0, "root"});
              return getuid() == before && give_to(kNobody, 0) ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace weir::server
