// Backends in processes of their own that write down what they executed, and a load that judges every answer.
#pragma once

#include <atomic>
#include <csignal>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "support/child_process.h"
#include "support/http_client.h"
#include "support/ports.h"
#include "support/temp_dir.h"

namespace weir::test {

/// A `weir_fault_backend`. The journal outlives each of its processes.
class FaultBackend {
 public:
  explicit FaultBackend(std::string name, milliseconds delay = milliseconds(5));

  const std::string& name() const { return name_; }
  std::string address() const { return port_.address(); }
  /// Starts a process on the same port and waits until it listens; it serves `serve_after` later.
  void start(milliseconds serve_after = milliseconds(0));
  /// kill -9.
  void kill() { child_.kill(); }
  void freeze() const { child_.signal(SIGSTOP); }
  void thaw() const { child_.signal(SIGCONT); }
  /// SIGTERM, and waits for the end: connections in use are finished.
  bool end_gracefully();
  /// How often each request was executed: `POST 17` and a number.
  std::map<std::string, int> executed() const;

 private:
  const std::string name_;
  const milliseconds delay_;
  Port port_;
  TempDir dir_{"backend"};
  ChildProcess child_;
};

/// What one run of a load came to.
struct Verdict {
  std::uint64_t ok = 0;
  std::uint64_t gets_failed = 0;   // no answer, an error, or one that was cut
  std::uint64_t posts_failed = 0;  // the same; some could not be saved
  std::uint64_t posts_lost = 0;    // of these: no backend executed them
  std::uint64_t posts_doubled = 0; // executed more than once
  std::uint64_t crossed = 0;       // the answer of another request, or octets that nobody sent
  int slow_clients = 0;            // clients that ever waited longer than a second
  milliseconds slowest{0};
  std::map<int, std::uint64_t> statuses;
  std::vector<std::string> failures;  // the first few, in words
  std::string summary() const;
};

struct FaultLoadOptions {
  int clients = 24;
  /// Every so many requests one is a POST; 0: none.
  int post_every = 4;
  Fields fields = {};          // X-Size, X-Pause, X-Framing for the backends
  milliseconds pause{2};       // of each client between two requests
};

/// Clients that ask one after the other, each on its kept-alive connection.
class FaultLoad {
 public:
  FaultLoad(std::string address, FaultLoadOptions options = {});
  ~FaultLoad();

  std::uint64_t answered() const { return ok_; }
  /// Waits until `count` more requests were answered well.
  bool wait_for(std::uint64_t count, milliseconds patience = kPatience) const;
  /// The same, of one backend.
  bool wait_for(const FaultBackend& backend, std::uint64_t count, milliseconds patience = kPatience);
  /// Ends the load and judges it by the journals of `backends`.
  Verdict finish(const std::vector<const FaultBackend*>& backends);

 private:
  void run();
  void stop();
  void note(const std::string& what, bool is_post, const std::string& key);
  std::uint64_t answered_by(const std::string& backend);

  const std::string address_;
  const FaultLoadOptions options_;
  std::atomic<std::uint64_t> ok_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  Verdict verdict_;
  std::map<std::string, std::uint64_t> by_backend_;
  std::set<std::string> failed_posts_;
  std::vector<std::thread> threads_;
};

/// How long one fault is kept up: a moment, or WEIR_FAULT_SECONDS of it.
milliseconds fault_time();

}  // namespace weir::test
