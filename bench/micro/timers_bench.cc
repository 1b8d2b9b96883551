// What time limits cost. Each request pushes several deadlines forward, so that has to be a store or two; how many
// timers there are must make no difference.
//
//   build/bench/micro/timers_bench --benchmark_repetitions=7 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>

#include "net/timers.h"

namespace {

using namespace weir::net;
using namespace std::chrono_literals;

struct ManualDriver final : TimerDriver {
  TimePoint time{1'000'000s};
  TimePoint wake = TimePoint::max();
  TimePoint now() const override { return time; }
  void wake_at(TimePoint when) override { wake = when; }
};

struct Counting final : Timer {
  explicit Counting(Timers& timers) : Timer(timers) {}
  void on_timer() override { ++fired; }
  std::uint64_t fired = 0;
};

/// A wheel with `count` timers of a minute, as kept-alive connections have them.
struct Wheel {
  ManualDriver driver;
  Timers timers{driver};
  std::deque<Counting> all;
  explicit Wheel(std::int64_t count) {
    for (std::int64_t i = 0; i < count; ++i) all.emplace_back(timers).arm(60s);
  }
};

/// Another timer's deadline goes forward each time: what progress on a connection does.
void push_forward(benchmark::State& state) {
  Wheel wheel(state.range(0));
  std::size_t at = 0;
  for (auto _ : state) {
    wheel.driver.time += 1us;
    wheel.all[at].arm(60s);
    at = (at + 1) % wheel.all.size();
  }
}
BENCHMARK(push_forward)->Arg(1)->Arg(1000)->Arg(100000);

void arm_and_disarm(benchmark::State& state) {
  Wheel wheel(state.range(0));
  Counting timer(wheel.timers);
  for (auto _ : state) {
    timer.arm(5s);
    timer.disarm();
  }
}
BENCHMARK(arm_and_disarm)->Arg(1)->Arg(1000)->Arg(100000);

/// A tick of the wheel (8.4 ms) in which every timer was pushed forward meanwhile and none is due: the price of
/// laziness, which is paid once a second or so for each timer instead of with each push.
void tick(benchmark::State& state) {
  Wheel wheel(state.range(0));
  for (auto _ : state) {
    wheel.driver.time += 8388608ns;
    for (Counting& timer : wheel.all) timer.arm(60s);
    wheel.timers.advance(wheel.driver.time);
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(tick)->Arg(1000)->Arg(100000);

/// The same push with Asio's own timer, which takes the earlier wait back and queues a new one.
void push_asio_timer_forward(benchmark::State& state) {
  boost::asio::io_context context;
  std::deque<boost::asio::steady_timer> all;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    all.emplace_back(context, 60s);
    all.back().async_wait([](boost::system::error_code) {});
  }
  std::size_t at = 0;
  for (auto _ : state) {
    all[at].expires_after(60s);
    all[at].async_wait([](boost::system::error_code) {});
    at = (at + 1) % all.size();
    if (at % 64 == 0) context.poll();
  }
}
BENCHMARK(push_asio_timer_forward)->Arg(1)->Arg(1000)->Arg(100000);

}  // namespace
