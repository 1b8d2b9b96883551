// A name server on loopback that says what the test tells it: addresses, services, errors, or nothing at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "ports.h"

namespace weir::test {

class FakeNameServer {
 public:
  struct Service {
    std::string target;
    std::uint16_t port = 0, priority = 0, weight = 0;
  };
  /// What is known of a name. Every answer lives for a second.
  struct Zone {
    std::vector<std::string> addresses = {};  // IPv4
    std::vector<Service> services = {};
    int code = 0;         // 2: server failure, 3: no such name
    bool silent = false;  // no answer at all
  };

  FakeNameServer();
  ~FakeNameServer();

  std::string address() const { return port_.address(); }
  /// From now on `name` is this. Other names do not exist, unless `set_others` says what they are.
  void set(const std::string& name, Zone zone);
  void set_others(Zone zone);
  /// Questions about `name` so far.
  std::uint64_t questions(const std::string& name) const;

 private:
  void run();
  std::string answer(const std::string& question);

  Port port_;
  int socket_ = -1;
  int stop_event_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, Zone> zones_;
  Zone others_{.code = 3};
  std::map<std::string, std::uint64_t> questions_;
  std::thread thread_;
};

}  // namespace weir::test
