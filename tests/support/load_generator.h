// Keep-alive load from several threads, which notices every failure and every answer that was meant for another.
//
// Each request carries a number of its own in `X-Id` and in its target; the backend (FakeBackend::echoing) repeats
// both, so an answer that reaches the wrong client is seen.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "http_client.h"

namespace weir::test {

struct LoadOptions {
  int threads = 4;
  std::string method = "GET";
  /// `?<number>` is appended.
  std::string target = "/load";
  Fields fields = {};
  std::string body = {};
  /// Pause of each thread between two requests; keeps two cores free for the proxy.
  std::chrono::microseconds pause{500};
  /// An answer with another status is a failure.
  int expected_status = 200;
};

struct LoadResult {
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;   // no answer, a cut one, or another status
  std::uint64_t crossed = 0;  // an answer to another request
  int connections = 0;        // opened by all threads; more than threads means the proxy closed some
  milliseconds slowest{0};
  std::map<std::string, std::uint64_t> by_backend;  // by the answer's X-Backend
  std::vector<std::string> failures;                // the first few, in words
  std::string summary() const;
};

class LoadGenerator {
 public:
  /// Starts at once.
  explicit LoadGenerator(std::string address, LoadOptions options = {});
  ~LoadGenerator();

  /// Answers so far.
  std::uint64_t ok() const { return ok_; }
  /// Waits until `count` more requests were answered well; false if that takes longer than `patience`.
  bool wait_for(std::uint64_t count, milliseconds patience = kPatience) const;
  /// Ends the load and gives the totals.
  LoadResult finish();

 private:
  void run();
  void note_failure(std::string text);

  const std::string address_;
  const LoadOptions options_;
  std::atomic<std::uint64_t> ok_{0}, next_id_{1};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  LoadResult result_;
  std::vector<std::thread> threads_;
};

}  // namespace weir::test
