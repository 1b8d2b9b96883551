// TCP ports on loopback that belong to one test process.
//
// nginx configurations cannot listen on port 0, so tests need numbers beforehand. They come from below the range the
// kernel hands out by itself, so no outgoing connection takes them, and a lock file per port keeps tests that run in
// parallel apart. A reserved port stays reserved while nothing listens on it: that is a port which refuses.
#pragma once

#include <cstdint>
#include <string>

namespace weir::test {

class Port {
 public:
  /// Reserves a free port. Throws std::runtime_error if none of the range is free.
  Port();
  ~Port();
  Port(Port&& other) noexcept;
  Port& operator=(Port&&) = delete;

  std::uint16_t number() const { return number_; }
  /// `127.0.0.1:<number>`.
  std::string address() const { return "127.0.0.1:" + std::to_string(number_); }

 private:
  int lock_ = -1;
  std::uint16_t number_ = 0;
};

}  // namespace weir::test
