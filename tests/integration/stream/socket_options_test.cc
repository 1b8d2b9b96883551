// Options of the sockets that sessions are passed through.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "stream_world.h"
#include "support/foreign_socket.h"
#include "support/udp.h"

namespace weir::test {
namespace {

class SocketOptions : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_look_at_sockets()) GTEST_SKIP() << "this system does not let a test look at the sockets of its child";
  }
};

/// How large a buffer the system makes of a wish.
int granted(int option, int wish) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  ::setsockopt(fd, SOL_SOCKET, option, &wish, sizeof wish);
  int value = 0;
  socklen_t size = sizeof value;
  ::getsockopt(fd, SOL_SOCKET, option, &value, &size);
  ::close(fd);
  return value;
}

TEST_F(SocketOptions, OfConnectionsToBackendsAreThoseOfTheServer) {
  FakeBackend tuned = echo("tuned"), plain = echo("plain");
  WeirProcess weir(R"(
      proxy_socket_rcvbuf 12k;
      server { listen %listen%; proxy_pass %tuned%; proxy_socket_sndbuf 20k; proxy_socket_keepalive on; }
      server { listen %listen2%; proxy_pass %plain%; proxy_socket_rcvbuf 0; })",
                   {{"tuned", tuned.address()}, {"plain", plain.address()}}, in_stream());
  RawClient client(weir.address()), other(weir.address("listen2"));
  ASSERT_EQ(client.read_bytes(6), "tuned:");
  ASSERT_EQ(other.read_bytes(6), "plain:");
  const auto option = [&](const FakeBackend& backend, int which) {
    return socket_option(weir.pid(), backend.address(), SOL_SOCKET, which).value_or(-1);
  };
  EXPECT_EQ(option(tuned, SO_RCVBUF), granted(SO_RCVBUF, 12 * 1024));
  EXPECT_EQ(option(tuned, SO_SNDBUF), granted(SO_SNDBUF, 20 * 1024));
  EXPECT_EQ(option(tuned, SO_KEEPALIVE), 1);
  EXPECT_NE(option(plain, SO_RCVBUF), granted(SO_RCVBUF, 12 * 1024));
  EXPECT_NE(option(plain, SO_SNDBUF), granted(SO_SNDBUF, 20 * 1024));
  EXPECT_EQ(option(plain, SO_KEEPALIVE), 0);
}

TEST_F(SocketOptions, OfDatagramsToBackendsAreThoseOfTheServer) {
  const auto app = UdpBackend::echoing("app");
  WeirProcess weir("server { listen %listen% udp; proxy_pass %app%; proxy_socket_rcvbuf 12k; proxy_socket_sndbuf 20k; }",
                   {{"app", app->address()}}, in_stream());
  UdpSocket client = udp_client(weir.address());
  ASSERT_EQ(client.ask("x"), "app:x");
  EXPECT_EQ(socket_option(weir.pid(), app->address(), SOL_SOCKET, SO_RCVBUF), granted(SO_RCVBUF, 12 * 1024));
  EXPECT_EQ(socket_option(weir.pid(), app->address(), SOL_SOCKET, SO_SNDBUF), granted(SO_SNDBUF, 20 * 1024));
}

TEST_F(SocketOptions, SmallPacketsWaitForEachOtherWithTcpNodelayOffOnly) {
  FakeBackend quick = echo("quick"), patient = echo("patient");
  WeirProcess weir(R"(
      server { listen %listen%; proxy_pass %quick%; }
      server { listen %listen2%; proxy_pass %patient%; tcp_nodelay off; })",
                   {{"quick", quick.address()}, {"patient", patient.address()}}, in_stream());
  RawClient client(weir.address()), other(weir.address("listen2"));
  ASSERT_EQ(client.read_bytes(6), "quick:");
  ASSERT_EQ(other.read_bytes(8), "patient:");
  const auto nodelay = [&](const std::string& peer) {
    return socket_option(weir.pid(), peer, IPPROTO_TCP, TCP_NODELAY).value_or(-1);
  };
  EXPECT_EQ(nodelay(client.socket().local_address()), 1);
  EXPECT_EQ(nodelay(quick.address()), 1);
  EXPECT_EQ(nodelay(other.socket().local_address()), 0);
  EXPECT_EQ(nodelay(patient.address()), 0);
  // And all octets arrive nevertheless.
  for (const char octet : std::string("octets")) other.send(std::string(1, octet));
  EXPECT_EQ(other.read_bytes(6), "octets");
}

}  // namespace
}  // namespace weir::test
