// A name server: every name has one IPv4 address, 127.0.0.1, and no IPv6 address.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "ports.h"

namespace weir::test {

/// Thread safety: it has a thread of its own; `questions` may be called at any time.
class FakeDns {
 public:
  FakeDns();
  ~FakeDns();

  /// `127.0.0.1:<port>`, for `resolver`.
  std::string address() const { return port_.address(); }
  unsigned questions() const { return questions_; }

 private:
  void serve();

  Port port_;
  int socket_ = -1;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> questions_{0};
  std::thread thread_;
};

}  // namespace weir::test
