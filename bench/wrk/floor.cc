// The least that a proxy can cost: what the kernel takes to bring a request to the backend and its answer back.
//
// A relay of bytes over edge-triggered epoll: two receives and two sends for a small request, one backend connection
// for each client, nothing parsed, logged or limited. It has no back-pressure: what a send does not take at once is
// lost, so it is for small messages only, and it says so by ending.
//
// With a certificate it ends TLS, too: what OpenSSL takes beside the kernel.
//
//   floor PORT BACKEND_PORT [CERTIFICATE KEY]
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

sockaddr_in loopback(const char* address, const char* port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  inet_pton(AF_INET, address, &result.sin_addr);
  return result;
}

[[noreturn]] void give_up(const char* what) {
  std::perror(what);
  std::exit(1);
}

SSL_CTX* load(const char* certificate, const char* key) {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    give_up("certificate");
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  return context;
}

class Relay {
 public:
  /// `tls`: null for plain clients.
  Relay(int listener, const sockaddr_in& backend, SSL_CTX* tls) : listener_(listener), backend_(backend), tls_(tls) {
    watch(listener, EPOLLIN);
  }

  void run() {
    epoll_event events[512];
    for (;;) {
      const int count = epoll_wait(epoll_, events, 512, -1);
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == listener_) accept_one();
        else pass_on(events[i].data.fd);
      }
    }
  }

 private:
  struct End {
    int peer = -1;
    SSL* tls = nullptr;
  };

  End& end(int fd) { return ends_[static_cast<std::size_t>(fd)]; }

  void watch(int fd, std::uint32_t what) {
    epoll_event event{what, {.fd = fd}};
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) give_up("epoll_ctl");
  }

  void accept_one() {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK);
    if (client < 0) return;
    const int backend = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(backend, reinterpret_cast<const sockaddr*>(&backend_), sizeof backend_) != 0) give_up("connect");
    const int on = 1;
    for (const int fd : {client, backend}) {
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      if (ends_.size() <= static_cast<std::size_t>(fd)) ends_.resize(static_cast<std::size_t>(fd) + 1);
      watch(fd, EPOLLIN | EPOLLRDHUP | EPOLLET);
    }
    end(client) = {backend, tls_ ? SSL_new(tls_) : nullptr};
    end(backend) = {client};
    if (!tls_) return;
    SSL_set_fd(end(client).tls, client);
    SSL_set_accept_state(end(client).tls);
  }

  void pass_on(int fd) {
    const int peer = end(fd).peer;
    if (peer < 0) return;  // closed earlier in this round
    const ssize_t size = receive(fd);
    if (size > 0) {
      if (!send_all(peer, static_cast<std::size_t>(size))) give_up("send");
    } else if (size == 0) {
      for (const int one : {fd, peer}) {
        SSL_free(end(one).tls);
        end(one) = {};
        close(one);
      }
    }
  }

  // As recv() does; a connection that TLS cannot go on with is at its end.
  ssize_t receive(int fd) {
    SSL* const tls = end(fd).tls;
    if (!tls) return recv(fd, buffer_, sizeof buffer_, MSG_DONTWAIT);
    const int size = SSL_read(tls, buffer_, sizeof buffer_);
    if (size > 0) return size;
    return SSL_get_error(tls, size) == SSL_ERROR_WANT_READ ? -1 : 0;
  }

  bool send_all(int fd, std::size_t size) {
    if (SSL* const tls = end(fd).tls) return SSL_write(tls, buffer_, static_cast<int>(size)) > 0;
    return send(fd, buffer_, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
  }

  int listener_;
  sockaddr_in backend_;
  SSL_CTX* tls_;
  int epoll_ = epoll_create1(0);
  std::vector<End> ends_;  // by descriptor
  char buffer_[65536];
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 3 && count != 5) return 2;
  const int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in here = loopback("127.0.0.1", arguments[1]);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&here), sizeof here) != 0) give_up("bind");
  if (listen(listener, 4096) != 0) give_up("listen");
  static Relay relay(listener, loopback("127.1.0.1", arguments[2]), count == 5 ? load(arguments[3], arguments[4]) : nullptr);
  relay.run();
}
