#include "net/connect.h"

#include <netinet/tcp.h>
#include <sys/un.h>

#include <thread>
#include <vector>

#include "fixture.h"
#include "net/send.h"

namespace weir::net {
namespace {

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  getsockopt(fd, level, name, &value, &length);
  return value;
}

class ConnectTest : public testing::Test {
 protected:
  ~ConnectTest() override { ::close(listening); }
  Loop loop;
  const int listening = listen_on_loopback();
  const Endpoint address = Endpoint::local_of(listening);
};

TEST_F(ConnectTest, GivesAStreamThatWorks) {
  const auto body = [&]() -> Task<> {
    const ConnectResult result = co_await connect(loop, address, 5s);
    EXPECT_FALSE(result.error) << result.error.message();
    if (!result.stream) co_return;
    EXPECT_EQ(option(result.stream->fd(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(result.stream->fd(), SOL_SOCKET, SO_KEEPALIVE), 0);
    const int peer = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_EQ(result.stream->try_write("hello").bytes, 5u);
    char buffer[16];
    EXPECT_EQ(::recv(peer, buffer, sizeof buffer, 0), 5);
    EXPECT_FALSE(result.stream->peer_closed());
    EXPECT_EQ(::send(peer, "world", 5, 0), 5);
    EXPECT_FALSE(co_await result.stream->readable(5s));
    EXPECT_EQ(result.stream->try_read(buffer).bytes, 5u);
    ::close(peer);
  };
  run(loop, body());
}

TEST_F(ConnectTest, SaysWhatIsToBeSaidFirst) {
  const auto body = [&]() -> Task<> {
    const std::string first(1 << 20, 'x');  // more than fits at once
    ConnectOptions options;
    options.first = first;
    std::string received;
    std::thread peer([&] {
      const int fd = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
      char buffer[65536];
      while (received.size() < first.size() + 4) {
        const ssize_t count = ::recv(fd, buffer, sizeof buffer, 0);
        if (count <= 0) break;
        received.append(buffer, static_cast<std::size_t>(count));
      }
      ::close(fd);
    });
    const ConnectResult result = co_await connect(loop, address, 5s, options);
    EXPECT_FALSE(result.error) << result.error.message();
    if (result.stream) {
      const IoError failed = co_await send_all(*result.stream, "next", 5s);
      EXPECT_FALSE(failed) << failed.message();
    }
    peer.join();
    EXPECT_TRUE(received == first + "next");
  };
  run(loop, body());
}

TEST_F(ConnectTest, AppliesItsOptions) {
  const auto body = [&]() -> Task<> {
    ConnectOptions options;
    options.bind = Endpoint::parse("127.0.0.2:0");
    options.keepalive = true;
    options.no_delay = false;
    options.receive_buffer = 65536;
    const ConnectResult result = co_await connect(loop, address, 5s, options);
    EXPECT_TRUE(result.stream != nullptr);
    if (!result.stream) co_return;
    EXPECT_EQ(Endpoint::local_of(result.stream->fd()).address_string(), "127.0.0.2");
    EXPECT_EQ(option(result.stream->fd(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(result.stream->fd(), IPPROTO_TCP, TCP_NODELAY), 0);
    EXPECT_EQ(option(result.stream->fd(), SOL_SOCKET, SO_RCVBUF), 2 * 65536);
  };
  run(loop, body());
}

TEST_F(ConnectTest, TellsOfARefusal) {
  const int closed = listen_on_loopback();
  const Endpoint nobody = Endpoint::local_of(closed);
  ::close(closed);
  const auto body = [&]() -> Task<> {
    const ConnectResult result = co_await connect(loop, nobody, 5s);
    EXPECT_EQ(result.error.code, ECONNREFUSED);
    EXPECT_EQ(result.error.message(), "111: Connection refused");
    EXPECT_EQ(result.stream, nullptr);
  };
  run(loop, body());
  EXPECT_EQ(loop.stream_count(), 0u);
}

TEST_F(ConnectTest, TellsOfAnAddressThatIsNotOurs) {
  const auto body = [&]() -> Task<> {
    ConnectOptions options;
    options.bind = Endpoint::parse("192.0.2.1:0");
    EXPECT_EQ((co_await connect(loop, address, 5s, options)).error.code, EADDRNOTAVAIL);
  };
  run(loop, body());
}

TEST_F(ConnectTest, GivesUpAtItsTimeLimit) {
  // A full accept queue on loopback drops further SYNs, so the connection stays under way.
  const int full = listen_on_loopback(0);
  const Endpoint stuck = Endpoint::local_of(full);
  const auto body = [&]() -> Task<> {
    std::vector<std::unique_ptr<Stream>> held;
    for (int i = 0; i < 10; ++i) {
      const TimePoint begin = Clock::now();
      ConnectResult result = co_await connect(loop, stuck, 60ms);
      if (result.error) {
        EXPECT_TRUE(result.error.timed_out()) << result.error.message();
        EXPECT_GE(Clock::now() - begin, 59ms);
        co_return;
      }
      held.push_back(std::move(result.stream));
    }
    ADD_FAILURE() << "the queue never filled";
  };
  run(loop, body());
  ::close(full);
}

TEST_F(ConnectTest, ReachesUnixSocketsAndTellsOfMissingOnes) {
  const std::string path = testing::TempDir() + "weir-connect-" + std::to_string(getpid());
  const Endpoint endpoint = Endpoint::parse("unix:" + path).value();
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto body = [&]() -> Task<> {
    EXPECT_EQ((co_await connect(loop, endpoint, 5s)).error.code, ENOENT);
    EXPECT_EQ(::bind(server, endpoint.raw(), endpoint.length()), 0);
    EXPECT_EQ(::listen(server, 5), 0);
    const ConnectResult result = co_await connect(loop, endpoint, 5s);
    EXPECT_FALSE(result.error);
    EXPECT_EQ(result.stream ? Endpoint::peer_of(result.stream->fd()).to_string() : "", "unix:" + path);
  };
  run(loop, body());
  ::close(server);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace weir::net
