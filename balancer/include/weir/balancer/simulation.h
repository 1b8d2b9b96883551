// What a method does with given backends: the real picker on a virtual clock. The same scenario gives the same report,
// byte for byte.
//
//   method least_conn             any of pickers()
//   seed 7
//   duration 30s
//   clients 40                    each sends its next request when it has its answer; or:
//   rate 2000                     so many requests a second, at random moments, whatever becomes of them
//   tries 2                       backends a request may try before it fails (1 unless given)
//   timeout 1s                    for one try (1s unless given)
//   key 100                       requests have so many different keys, for methods that hash
//   sticky yes                    each key is a session: it stays with the backend that answered it well (Sessions)
//   backend a time=exp(20ms)      and weight= max_conns= max_fails= fail_timeout= slow_start= backup, as nginx has them
//   backend b time=5ms answer=error
//   at 10s b answer=good time=uniform(10ms,30ms)
//   at 12s a leaves               or: joins, drains
//
// `time`: how long an answer takes: a constant, `exp(MEAN)`, `uniform(FROM,TO)`. `answer`: good, error (a 503), reset (the
// connection breaks after that time) or never. A backend with `joins=TIME` is no member before. `#` begins a comment.
#pragma once

#include <weir/balancer/member.h>
#include <weir/balancer/picker.h>

#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace weir::balancer {

/// A scenario cannot be read. The message names the line.
class ScenarioError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Scenario {
  using Duration = std::chrono::microseconds;

  enum class Answer : std::uint8_t { Good, Error, Reset, Never };
  struct Behaviour {
    enum class Kind : std::uint8_t { Constant, Exponential, Uniform } kind = Kind::Constant;
    Duration from{10'000}, to{0};  // the constant or mean; the other end
    Answer answer = Answer::Good;
  };
  struct Server {
    Member member;
    Behaviour behaviour;
    bool is_member = true;
  };
  /// From `at` on, server number `server` is like this.
  struct Change {
    Duration at;
    std::size_t server;
    Server becomes;
  };

  PickerSpec method;
  std::uint64_t seed = 1;
  Duration duration = std::chrono::seconds(10);
  std::uint32_t clients = 0;  // 0: `rate` counts
  double rate = 0;            // a second
  std::uint32_t tries = 1;
  Duration timeout = std::chrono::seconds(1);
  std::uint32_t keys = 1;
  bool sticky = false;
  std::vector<Server> servers{};
  std::vector<Change> changes{};  // sorted by time

  /// Reads a scenario. Throws ScenarioError.
  static Scenario parse(std::string_view text);
};

struct SimulationReport {
  struct Backend {
    std::string address;
    std::uint64_t picks = 0, good = 0, errors = 0, resets = 0, timeouts = 0;
    std::uint32_t most_active = 0;
  };
  std::vector<Backend> backends;
  std::uint64_t requests = 0;   // that came to an end
  std::uint64_t failed = 0;     // of these, without a good answer
  std::uint64_t misroutes = 0;  // tries at a backend that did not give good answers then, while another one did
  std::chrono::microseconds p50{0}, p99{0}, longest{0};  // of the requests that were answered well

  std::string table() const;
  std::string json() const;
};

/// Runs `scenario` to its end. Uses no clock, no thread and no randomness but its seed.
SimulationReport simulate(const Scenario& scenario);

}  // namespace weir::balancer
