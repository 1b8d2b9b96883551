// A datagram socket that keeps what it is sent: a syslog server.
#pragma once

#include <optional>
#include <string>

#include "ports.h"

namespace weir::test {

class DatagramServer {
 public:
  /// On a free UDP port of loopback.
  DatagramServer();
  /// On a unix socket at `path`, which is removed first.
  explicit DatagramServer(const std::string& path);
  ~DatagramServer();
  DatagramServer(const DatagramServer&) = delete;

  /// `127.0.0.1:<port>` or `unix:<path>`.
  const std::string& address() const { return address_; }
  /// The next datagram, or nothing if none comes for some seconds.
  std::optional<std::string> receive() const;
  /// Whether one is there already.
  bool has_one() const;

 private:
  std::optional<Port> port_;
  std::string address_;
  int socket_ = -1;
};

}  // namespace weir::test
