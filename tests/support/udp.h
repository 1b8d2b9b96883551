// Datagrams for tests: a client, and a backend that answers by its script. Plain sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "wait.h"

namespace weir::test {

/// One UDP socket. Throws SocketError when it cannot be made.
class UdpSocket {
 public:
  /// On `address`, such as `127.0.0.1:0`; port 0 chooses one.
  explicit UdpSocket(const std::string& address = "127.0.0.1:0");
  UdpSocket(UdpSocket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~UdpSocket();

  /// `127.0.0.1:<port>`.
  std::string address() const;
  std::uint16_t port() const;

  /// The only peer from now on.
  void connect(const std::string& address);
  void send(std::string_view octets);
  void send_to(std::string_view octets, const std::string& address);
  /// The next datagram; nothing if none comes in time. `from`: its sender.
  std::optional<std::string> receive(milliseconds patience = kPatience, std::string* from = nullptr);
  /// Sends one and receives one; `-` if nothing came.
  std::string ask(std::string_view octets, milliseconds patience = kPatience) {
    send(octets);
    return receive(patience).value_or("-");
  }

 private:
  int fd_ = -1;
};

/// A client of `address`.
UdpSocket udp_client(const std::string& address);

/// Answers each datagram on a thread of its own.
class UdpBackend {
 public:
  /// What is sent back for one datagram: any number of datagrams. `from`: the address of its sender.
  using Script = std::function<std::vector<std::string>(const std::string& octets, const std::string& from)>;

  explicit UdpBackend(Script script, const std::string& address = "127.0.0.1:0");
  /// Repeats what it gets, after `name` and a colon.
  static std::unique_ptr<UdpBackend> echoing(const std::string& name, const std::string& address = "127.0.0.1:0");
  ~UdpBackend();

  std::string address() const { return address_; }
  /// How many datagrams came, and from how many sockets.
  std::size_t count() const;
  std::size_t senders() const;
  std::vector<std::string> received() const;

 private:
  void run();

  UdpSocket socket_;
  const std::string address_;
  const Script script_;
  mutable std::mutex mutex_;
  std::vector<std::string> received_;
  std::vector<std::string> senders_;  // each once
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace weir::test
