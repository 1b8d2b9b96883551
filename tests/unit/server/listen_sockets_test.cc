#include "server/listen_sockets.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "child_process.h"
#include "server/privileges.h"

namespace weir::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// A descriptor that closes itself.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }
  operator int() const { return fd_; }

 private:
  int fd_;
};

net::Endpoint endpoint(const std::string& text) {
  return net::Endpoint::parse(text).value();
}

/// Addresses of this test process alone: 127.82.x.y, so that a port found free stays free.
std::string own_host() {
  return "127.82." + std::to_string(getpid() / 256 % 256) + "." + std::to_string(getpid() % 256);
}

std::string free_address() {
  const Fd probe(socket(AF_INET, SOCK_STREAM, 0));
  const net::Endpoint any = endpoint(own_host() + ":0");
  EXPECT_EQ(bind(probe, any.raw(), any.length()), 0);
  return net::Endpoint::local_of(probe).to_string();
}

std::string port_of(const std::string& address) {
  return address.substr(address.rfind(':') + 1);
}

Fd connect_to(const std::string& address) {
  const net::Endpoint target = endpoint(address);
  Fd client(socket(target.family(), SOCK_STREAM, 0));
  if (connect(client, target.raw(), target.length()) != 0) return Fd(-1);
  return client;
}

int accepted_from(int fd) {
  return accept4(fd, nullptr, nullptr, SOCK_NONBLOCK);
}

/// How many connections wait on the sockets of one worker; takes them.
int drain(const ListenSockets& sockets, unsigned worker) {
  int count = 0;
  for (const ListeningSocket& socket : sockets.of_worker(worker))
    for (int fd; (fd = accepted_from(socket.fd)) >= 0; ++count) close(fd);
  return count;
}

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  getsockopt(fd, level, name, &value, &length);
  return value;
}

ListenSockets open_or_fail(const std::vector<WantedSocket>& wanted, unsigned workers = 1,
                           const ListenSockets& previous = {}) {
  ListenSockets::Opened opened = ListenSockets::open(wanted, workers, previous);
  EXPECT_THAT(opened.errors, IsEmpty());
  EXPECT_THAT(opened.warnings, IsEmpty());
  return std::move(opened.sockets);
}

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/weir-listen-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

TEST(ListenSockets, AcceptsOnWhatWasOpened) {
  const std::string address = free_address();
  const ListenSockets sockets = open_or_fail({{endpoint(address), {}}});
  ASSERT_THAT(sockets.of_worker(0), SizeIs(1));
  EXPECT_EQ(sockets.of_worker(0)[0].wanted, 0u);
  EXPECT_FALSE(sockets.of_worker(0)[0].covers_others);
  const Fd client = connect_to(address);
  EXPECT_EQ(drain(sockets, 0), 1);
  EXPECT_THAT(sockets.of_worker(1), IsEmpty());
}

TEST(ListenSockets, ListensOnIpv6Only) {
  const std::string port = port_of(free_address());
  const ListenSockets sockets = open_or_fail({{endpoint("[::]:" + port), {}}});
  EXPECT_EQ(option(sockets.of_worker(0)[0].fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
  EXPECT_EQ(connect_to("127.0.0.1:" + port), -1);
  const Fd client = connect_to("[::1]:" + port);
  EXPECT_EQ(drain(sockets, 0), 1);
}

TEST(ListenSockets, AForeignListenerIsAnErrorInNginxWords) {
  const std::string address = free_address();
  const ListenSockets foreign = open_or_fail({{endpoint(address), {}}});
  for (const unsigned workers : {1u, 2u}) {
    const auto opened = ListenSockets::open(std::vector<WantedSocket>{{endpoint(address), {}}}, workers, {});
    EXPECT_THAT(opened.errors, ElementsAre("bind() to " + address + " failed (98: Address already in use)"));
    EXPECT_THAT(opened.sockets.descriptors(), IsEmpty());
  }
}

TEST(ListenSockets, OneFailureLeavesNothingOpenAndReportsEachAddress) {
  const std::string taken = free_address(), good = free_address();
  const ListenSockets foreign = open_or_fail({{endpoint(taken), {}}});
  const std::vector<WantedSocket> wanted = {
      {endpoint(good), {}}, {endpoint(taken), {}}, {endpoint("unix:/nonexistent/socket"), {}}};
  const auto opened = ListenSockets::open(wanted, 2, {});
  EXPECT_THAT(opened.errors, ElementsAre("bind() to " + taken + " failed (98: Address already in use)",
                                         "bind() to unix:/nonexistent/socket failed (2: No such file or directory)"));
  EXPECT_EQ(connect_to(good), -1);
}

TEST(ListenSockets, EachWorkerHasItsOwnSocketAndAllGetConnections) {
  const std::string address = free_address();
  const ListenSockets sockets = open_or_fail({{endpoint(address), {}}}, 2);
  ASSERT_THAT(sockets.of_worker(0), SizeIs(1));
  ASSERT_THAT(sockets.of_worker(1), SizeIs(1));
  EXPECT_NE(sockets.of_worker(0)[0].fd, sockets.of_worker(1)[0].fd);
  std::vector<Fd> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(connect_to(address));
  const int first = drain(sockets, 0), second = drain(sockets, 1);
  EXPECT_EQ(first + second, 64);
  EXPECT_GT(first, 8);
  EXPECT_GT(second, 8);
}

TEST(ListenSockets, WhatStaysIsTheSameSocket) {
  const std::string stays = free_address(), goes = free_address(), comes = free_address();
  ListenSockets before = open_or_fail({{endpoint(stays), {}}, {endpoint(goes), {}}});
  const Fd waiting = connect_to(stays);
  const int kept = before.of_worker(0)[0].fd;
  ListenSockets after = open_or_fail({{endpoint(comes), {}}, {endpoint(stays), {}}}, 1, before);
  EXPECT_EQ(after.of_worker(0)[1].fd, kept);
  EXPECT_NE(connect_to(goes), -1) << "still open while the old set is";
  before = ListenSockets();
  EXPECT_EQ(connect_to(goes), -1);
  EXPECT_NE(connect_to(comes), -1);
  EXPECT_EQ(accepted_from(kept) >= 0, true) << "the connection that waited is still there";
}

TEST(ListenSockets, AFailedSetLeavesThePreviousOneListening) {
  const std::string stays = free_address(), taken = free_address();
  const ListenSockets foreign = open_or_fail({{endpoint(taken), {}}});
  const ListenSockets before = open_or_fail({{endpoint(stays), {}}});
  ListenOptions changed;
  changed.deferred = true;
  const auto opened =
      ListenSockets::open(std::vector<WantedSocket>{{endpoint(stays), changed}, {endpoint(taken), {}}}, 1, before);
  EXPECT_THAT(opened.errors, SizeIs(1));
  EXPECT_EQ(option(before.of_worker(0)[0].fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
  const Fd client = connect_to(stays);
  EXPECT_EQ(drain(before, 0), 1);
}

TEST(ListenSockets, WorkersMayBecomeMore) {
  const std::string address = free_address();
  ListenSockets before = open_or_fail({{endpoint(address), {}}}, 1);
  const ListenSockets after = open_or_fail({{endpoint(address), {}}}, 3, before);
  before = ListenSockets();
  EXPECT_THAT(after.descriptors(), SizeIs(3));
  std::vector<Fd> clients;
  for (int i = 0; i < 96; ++i) clients.push_back(connect_to(address));
  const int counts[] = {drain(after, 0), drain(after, 1), drain(after, 2)};
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 96);
  for (const int count : counts) EXPECT_GT(count, 8);
}

TEST(ListenSockets, WhenWorkersBecomeFewerTheOthersTakeOverTheirSockets) {
  const std::string address = free_address();
  ListenSockets before = open_or_fail({{endpoint(address), {}}}, 4);
  std::vector<Fd> clients;
  for (int i = 0; i < 64; ++i) clients.push_back(connect_to(address));
  const ListenSockets after = open_or_fail({{endpoint(address), {}}}, 2, before);
  before = ListenSockets();
  EXPECT_THAT(after.of_worker(0), SizeIs(2));
  EXPECT_THAT(after.of_worker(1), SizeIs(2));
  EXPECT_EQ(drain(after, 0) + drain(after, 1), 64);
}

TEST(ListenSockets, AWildcardServesTheAddressesOfItsPort) {
  const std::string specific = free_address(), port = port_of(specific);
  const ListenSockets sockets = open_or_fail({{endpoint(specific), {}}, {endpoint("0.0.0.0:" + port), {}}});
  EXPECT_TRUE(sockets.is_covered(0));
  EXPECT_FALSE(sockets.is_covered(1));
  ASSERT_THAT(sockets.of_worker(0), SizeIs(1));
  EXPECT_EQ(sockets.of_worker(0)[0].wanted, 1u);
  EXPECT_TRUE(sockets.of_worker(0)[0].covers_others);
  const Fd client = connect_to(specific);
  EXPECT_EQ(drain(sockets, 0), 1);
}

TEST(ListenSockets, AReloadMayExchangeAnAddressForItsWildcardAndBack) {
  const std::string specific = free_address(), port = port_of(specific);
  ListenSockets sockets = open_or_fail({{endpoint(specific), {}}});
  sockets = open_or_fail({{endpoint("0.0.0.0:" + port), {}}}, 1, sockets);
  {
    const Fd client = connect_to(specific);
    EXPECT_EQ(drain(sockets, 0), 1);
  }
  sockets = open_or_fail({{endpoint(specific), {}}}, 1, sockets);
  const Fd client = connect_to(specific);
  EXPECT_EQ(drain(sockets, 0), 1);
  EXPECT_EQ(connect_to("127.0.0.1:" + port), -1);
}

TEST(ListenSockets, SetsWhatListenSays) {
  const std::string address = free_address();
  ListenOptions options;
  options.backlog = 7;
  options.receive_buffer = 16384;
  options.send_buffer = 16384;
  options.deferred = true;
  options.fast_open = 3;
  options.keep_alive = KeepAliveProbes{true, std::chrono::seconds(30), std::chrono::seconds(5), 4};
  ListenSockets sockets = open_or_fail({{endpoint(address), options}});
  const int fd = sockets.of_worker(0)[0].fd;
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_RCVBUF), 2 * 16384);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_SNDBUF), 2 * 16384);
  EXPECT_GT(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_FASTOPEN), 3);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 30);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_TRUE(fcntl(fd, F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  tcp_info info;
  socklen_t length = sizeof info;
  ASSERT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  EXPECT_EQ(info.tcpi_sacked, 7u) << "length of the queue of a listening socket";

  // A reload that says nothing of the kind takes back what can be taken back.
  sockets = open_or_fail({{endpoint(address), {}}}, 1, sockets);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 0);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  ASSERT_EQ(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length), 0);
  EXPECT_EQ(info.tcpi_sacked, 511u);
}

TEST(UnixListenSocket, IsSharedByAllWorkersAndOpenToEverybody) {
  const Folder folder;
  const std::string address = "unix:" + folder.file("a");
  const ListenSockets sockets = open_or_fail({{endpoint(address), {}}}, 2);
  EXPECT_EQ(sockets.of_worker(0)[0].fd, sockets.of_worker(1)[0].fd);
  EXPECT_THAT(sockets.descriptors(), SizeIs(1));
  struct stat made;
  ASSERT_EQ(stat(folder.file("a").c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777, 0666u);
  const Fd client = connect_to(address);
  EXPECT_EQ(drain(sockets, 1), 1);
}

TEST(UnixListenSocket, FileGoesWithTheLastSetThatHasIt) {
  const Folder folder;
  const std::string address = "unix:" + folder.file("a");
  ListenSockets first = open_or_fail({{endpoint(address), {}}});
  ListenSockets second = open_or_fail({{endpoint(address), {}}}, 1, first);
  first = ListenSockets();
  EXPECT_NE(connect_to(address), -1);
  second = ListenSockets();
  EXPECT_FALSE(std::filesystem::exists(folder.file("a")));
}

TEST(UnixListenSocket, AFileLeftByAKilledProcessIsReplaced) {
  const Folder folder;
  const std::string address = "unix:" + folder.file("a");
  ASSERT_EQ(in_child([&address] {
              static ListenSockets sockets = open_or_fail({{endpoint(address), {}}});
              return 0;  // _exit: no destructor
            }),
            0);
  ASSERT_TRUE(std::filesystem::exists(folder.file("a")));
  const ListenSockets sockets = open_or_fail({{endpoint(address), {}}});
  EXPECT_NE(connect_to(address), -1);
}

TEST(UnixListenSocket, AFileSomebodyListensOnIsNotTouched) {
  const Folder folder;
  const std::string address = "unix:" + folder.file("a");
  const ListenSockets foreign = open_or_fail({{endpoint(address), {}}});
  EXPECT_THAT(ListenSockets::open(std::vector<WantedSocket>{{endpoint(address), {}}}, 1, {}).errors,
              ElementsAre("bind() to " + address + " failed (98: Address already in use)"));
  EXPECT_NE(connect_to(address), -1);
}

TEST(UnixListenSocket, AFileThatIsNoSocketIsNotTouched) {
  const Folder folder;
  std::ofstream(folder.file("a")) << "precious";
  const std::string address = "unix:" + folder.file("a");
  EXPECT_THAT(ListenSockets::open(std::vector<WantedSocket>{{endpoint(address), {}}}, 1, {}).errors,
              ElementsAre("bind() to " + address + " failed (98: Address already in use)"));
  EXPECT_EQ(std::filesystem::file_size(folder.file("a")), 8u);
}

TEST(UnixListenSocket, AFileMadeByASuccessorIsLeftAlone) {
  const Folder folder;
  const std::string address = "unix:" + folder.file("a");
  ListenSockets old = open_or_fail({{endpoint(address), {}}});
  std::filesystem::remove(folder.file("a"));
  const ListenSockets successor = open_or_fail({{endpoint(address), {}}});
  old = ListenSockets();
  EXPECT_NE(connect_to(address), -1);
}

// The kernel lets sockets share a port only within one user; those opened as root must be given away first.
TEST(ListenSockets, WorkersMayBecomeMoreAfterRootWasDropped) {
  if (!is_root()) GTEST_SKIP() << "needs root";
  const Identity nobody = {65534, 65534, "nobody"};
  const std::string address = free_address();
  EXPECT_EQ(in_child([&] {
              ListenSockets before = open_or_fail({{endpoint(address), {}}}, 1);
              for (const int fd : before.descriptors())
                if (!give_to(nobody, fd)) return 1;
              drop_privileges(nobody);
              return ListenSockets::open(std::vector<WantedSocket>{{endpoint(address), {}}}, 2, before).errors.empty()
                         ? 0
                         : 2;
            }),
            0);
}

}  // namespace
}  // namespace weir::server
