// How encrypted streams end, from either side.
#include <openssl/ssl.h>

#include <csignal>
#include <stdexcept>
#include <thread>

#include "fixture.h"
#include "net/relay.h"
#include "net/tls_stream.h"
#include "support/certificates.h"

namespace weir::net {
namespace {

/// Serves with one certificate whatever name is asked for.
class OneServer final : public TlsAcceptor {
 public:
  explicit OneServer(const test::Certificate& own) {
    TlsServerOptions options;
    options.certificates = {{own.certificate, own.key}};
    server_ = TlsServer::with(options);
  }
  std::shared_ptr<const TlsServer> choose(std::string_view) override { return server_; }
  std::vector<TlsKeyPair> certificates(TlsStream&, const TlsServer&) override { return {}; }
  OcspAsker& responders() override { throw std::logic_error("no client shows a certificate"); }

 private:
  std::shared_ptr<const TlsServer> server_;
};

/// A client on a blocking socket, by OpenSSL alone.
class Client {
 public:
  explicit Client(int fd) : context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_)) { SSL_set_fd(ssl_, fd); }
  ~Client() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  bool shake_hands() { return SSL_connect(ssl_) == 1; }
  void send(std::string_view text) {
    const int size = static_cast<int>(text.size());
    EXPECT_EQ(SSL_write(ssl_, text.data(), size), size);
  }
  /// Everything up to the end; `ended_in_order` tells whether there was a goodbye.
  std::string read_to_end() {
    std::string text;
    char buffer[20'000];
    int count;
    while ((count = SSL_read(ssl_, buffer, sizeof buffer)) > 0) text.append(buffer, static_cast<std::size_t>(count));
    ended_in_order = SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN;
    return text;
  }
  bool ended_in_order = false;

 private:
  SSL_CTX* const context_;
  SSL* const ssl_;
};

class TlsEnd : public testing::Test {
 protected:
  TlsEnd() { std::signal(SIGPIPE, SIG_IGN); }  // of the client, whose OpenSSL complains to who is gone

  // On unix sockets a record is taken whole or not at all, and the same number of them fits each time.
  struct Connection {
    Connection(Loop& loop, const std::pair<int, int>& ends)
        : stream(loop, with_flags(ends.first)), peer(ends.second), client(peer) {}
    ~Connection() { ::close(peer); }
    static OwnedFd with_flags(int fd) {
      fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
      return OwnedFd(fd);
    }
    TlsStream stream;
    const int peer;
    Client client;
  };

  Task<> shake_hands(Connection& connection) {
    std::thread client([&] { EXPECT_TRUE(connection.client.shake_hands()); });
    const TlsOutcome outcome = co_await connection.stream.accept(acceptor, 15s);
    client.join();
    EXPECT_EQ(outcome.kind, TlsOutcome::Kind::Done) << outcome.text;
  }

  const test::Certificates pki;
  const test::Certificate own = pki.make("localhost");
  OneServer acceptor{own};
  Loop loop;
};

TEST_F(TlsEnd, TheGoodbyeWaitsForRoom) {
  const auto body = [&]() -> Task<> {
    std::size_t fits = 0;
    {
      Connection first(loop, unix_pair());
      co_await shake_hands(first);
      while (first.stream.try_write("x").bytes == 1) ++fits;
    }
    Connection connection(loop, unix_pair());
    co_await shake_hands(connection);
    for (std::size_t i = 0; i < fits; ++i) EXPECT_EQ(connection.stream.try_write("x").bytes, 1u);

    const auto [ours, theirs] = unix_pair();
    Pair backend(loop, ours, theirs);
    backend.close_peer();
    bool over = false;
    const auto relaying = [&]() -> Task<> {
      const RelayResult result = co_await relay(connection.stream, *backend.stream, {.half_close = false});
      EXPECT_FALSE(result.error) << result.error.message();
      connection.stream.close();
      over = true;
    };
    spawn(relaying());
    std::string got;
    std::thread reader([&] { got = connection.client.read_to_end(); });
    co_await until(loop, [&] { return over; });
    reader.join();
    EXPECT_EQ(got, std::string(fits, 'x'));
    EXPECT_TRUE(connection.client.ended_in_order);
  };
  run(loop, body());
}

TEST_F(TlsEnd, WhoEndsWithoutAGoodbyeIsStillAnswered) {
  const auto body = [&]() -> Task<> {
    Connection connection(loop, unix_pair());
    co_await shake_hands(connection);
    connection.client.send("question");
    ::shutdown(connection.peer, SHUT_WR);
    std::string got;
    char buffer[100];
    IoResult read;
    do {
      EXPECT_FALSE(co_await connection.stream.readable(15s));
      read = connection.stream.try_read(buffer);
      got.append(buffer, read.bytes);
    } while (!read.error || read.error.would_block());
    EXPECT_EQ(got, "question");
    EXPECT_TRUE(read.error.is_eof()) << read.error.message();
    EXPECT_EQ(connection.stream.try_write("answer").bytes, 6u);
    connection.stream.close();
    EXPECT_EQ(connection.client.read_to_end(), "answer");
    EXPECT_TRUE(connection.client.ended_in_order);
  };
  run(loop, body());
}

}  // namespace
}  // namespace weir::net
