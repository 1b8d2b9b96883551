// What a pick and its release cost, beside the plainest thing that could be called least connections: a scan over
// packed counters from a rotating start. In all cases 2 × n claims are held, and a turn ends one and takes one.
//
//   build/bench/micro/picker_bench --benchmark_repetitions=7 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>
#include <weir/balancer/upstream.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace weir::balancer;

/// Which claim ends next: small, seeded, and the same for all that are compared.
class Chance {
 public:
  explicit Chance(int seed) : state_(0x9E3779B97F4A7C15ULL * static_cast<std::uint64_t>(seed + 1)) {}
  std::size_t below(std::size_t bound) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::size_t>((state_ >> 32) * bound >> 32);
  }

 private:
  std::uint64_t state_;
};

std::unique_ptr<std::atomic<std::uint32_t>[]> counters;  // of plain_scan
std::shared_ptr<Upstream> upstream;                      // of the others

void prepare_counters(const benchmark::State& state) {
  counters.reset(new std::atomic<std::uint32_t>[static_cast<std::size_t>(state.range(0))] {});
}

std::vector<Member> members(std::size_t n, std::uint32_t most_weight) {
  std::vector<Member> list;
  for (std::size_t i = 0; i < n; ++i) {
    list.push_back({.address = std::to_string(i), .weight = 1 + static_cast<std::uint32_t>(i) % most_weight});
  }
  return list;
}

void prepare(const char* method, const benchmark::State& state, std::uint32_t most_weight) {
  upstream = std::make_shared<Upstream>("bench", *find_picker(method));
  upstream->update(members(static_cast<std::size_t>(state.range(0)), most_weight));
}
void prepare_least_conn(const benchmark::State& state) {
  prepare("least_conn", state, 1);
}
void prepare_weighted(const benchmark::State& state) {
  prepare("least_conn", state, 5);
}
void prepare_round_robin(const benchmark::State& state) {
  prepare("round_robin", state, 1);
}

void plain_scan(benchmark::State& state) {
  static std::atomic<std::uint32_t> start;
  const auto n = static_cast<std::size_t>(state.range(0));
  const auto pick = [n] {
    std::size_t at = start.fetch_add(1, std::memory_order_relaxed) % n;
    std::size_t best = at;
    std::uint32_t least = ~0U;
    for (std::size_t left = n; left != 0; --left) {
      if (const std::uint32_t count = counters[at].load(std::memory_order_relaxed); count < least) {
        least = count;
        best = at;
      }
      if (++at == n) at = 0;
    }
    counters[best].fetch_add(1, std::memory_order_relaxed);
    return best;
  };
  Chance chance(state.thread_index());
  std::vector<std::size_t> claims(2 * n / static_cast<std::size_t>(state.threads()));
  for (std::size_t& claim : claims) claim = pick();
  for (auto _ : state) {
    std::size_t& claim = claims[chance.below(claims.size())];
    counters[claim].fetch_sub(1, std::memory_order_relaxed);
    claim = pick();
  }
}

/// Ends one of `held` leases and takes another.
void turn(benchmark::State& state, std::size_t held) {
  const TimePoint now = Clock::now();
  UpstreamReader reader(upstream);
  Chance chance(state.thread_index());
  std::vector<std::optional<Lease>> leases(held);
  for (std::optional<Lease>& lease : leases) lease = reader.acquire({.now = now});
  for (auto _ : state) {
    std::optional<Lease>& lease = leases[chance.below(held)];
    lease.reset();
    lease = reader.acquire({.now = now});
  }
}

void busy(benchmark::State& state) {
  turn(state, 2 * static_cast<std::size_t>(state.range(0)) / static_cast<std::size_t>(state.threads()));
}

/// One lease a thread: nearly all backends tie at each pick, the worst case for breaking ties.
void idle(benchmark::State& state) {
  turn(state, 1);
}

void sizes(benchmark::internal::Benchmark* bench) {
  for (const int n : {10, 100, 1000, 10'000}) bench->Arg(n);
  bench->Threads(1)->Threads(2);
}

BENCHMARK(plain_scan)->Setup(prepare_counters)->Apply(sizes);
BENCHMARK(busy)->Name("least_conn")->Setup(prepare_least_conn)->Apply(sizes);
BENCHMARK(busy)->Name("least_conn_weighted")->Setup(prepare_weighted)->Apply(sizes);
BENCHMARK(busy)->Name("round_robin")->Setup(prepare_round_robin)->Apply(sizes);
BENCHMARK(idle)->Name("least_conn_idle")->Setup(prepare_least_conn)->Apply(sizes);
BENCHMARK(idle)->Name("round_robin_idle")->Setup(prepare_round_robin)->Apply(sizes);

/// A membership of 10,000 of which as many change as the argument says; the others are the same objects.
void update(benchmark::State& state) {
  Upstream changing("bench", *find_picker("least_conn"));
  const Members first(members(10'000, 1));
  std::vector<Members::Pointer> list;
  for (std::size_t i = 0; i < first.size(); ++i) list.push_back(first.shared(i));
  changing.update(first);
  std::size_t next = list.size();
  for (auto _ : state) {
    for (std::int64_t i = 0; i < state.range(0); ++i, ++next)
      list[next % list.size()] = std::make_shared<const Member>(Member{.address = std::to_string(next)});
    Members now;
    now.reserve(list.size());
    for (const Members::Pointer& member : list) now.push_back(member);
    changing.update(now);
  }
}
BENCHMARK(update)->Arg(1)->Arg(100)->Unit(benchmark::kMillisecond);

/// The same if all 10,000 are said anew.
void update_said_anew(benchmark::State& state) {
  Upstream changing("bench", *find_picker("least_conn"));
  const std::vector<Member> list = members(10'000, 1);
  for (auto _ : state) changing.update(list);
}
BENCHMARK(update_said_anew)->Unit(benchmark::kMillisecond);

/// How long each of many picks takes, on two threads, while a third changes 1 % of 10,000 members again and again (1) or
/// does nothing (0). Reports percentiles; each contains the reading of the clock, which both have.
void pick_beside_updates(benchmark::State& state) {
  constexpr std::size_t kPicks = 200'000;
  for (auto _ : state) {
    const auto changing = std::make_shared<Upstream>("bench", *find_picker("least_conn"));
    std::vector<Member> list = members(10'000, 1);
    changing->update(list);
    std::atomic<int> running{2};
    std::vector<std::vector<std::uint32_t>> times(2);
    std::vector<std::thread> pickers;
    for (std::vector<std::uint32_t>& mine : times) {
      pickers.emplace_back([&] {
        UpstreamReader reader(changing);
        Chance chance(static_cast<int>(&mine - times.data()));
        std::vector<std::optional<Lease>> leases(10'000);
        mine.reserve(kPicks);
        const TimePoint now = Clock::now();
        for (std::optional<Lease>& lease : leases) lease = reader.acquire({.now = now});
        for (std::size_t i = 0; i < kPicks; ++i) {
          std::optional<Lease>& lease = leases[chance.below(leases.size())];
          lease.reset();
          const TimePoint before = Clock::now();
          lease = reader.acquire({.now = now});
          mine.push_back(static_cast<std::uint32_t>((Clock::now() - before).count()));
        }
        --running;
      });
    }
    std::size_t next = list.size(), updates = 0;
    while (running != 0) {
      if (state.range(0) == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        continue;
      }
      for (std::size_t i = 0; i < 100; ++i, ++next) list[next % list.size()].address = std::to_string(next);
      changing->update(list);
      ++updates;
    }
    for (std::thread& picker : pickers) picker.join();
    std::vector<std::uint32_t> all = times[0];
    all.insert(all.end(), times[1].begin(), times[1].end());
    std::sort(all.begin(), all.end());
    state.counters["p50_ns"] = all[all.size() / 2];
    state.counters["p99_ns"] = all[all.size() * 99 / 100];
    state.counters["p99.9_ns"] = all[all.size() * 999 / 1000];
    state.counters["updates"] = static_cast<double>(updates);
  }
}
BENCHMARK(pick_beside_updates)->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond);

/// What it costs that several threads pick from one upstream: 1, 2 and 4 of them, each with leases of its own, beside as
/// many that have an upstream each and share nothing.
void contended(benchmark::State& state) {
  turn(state, 64);
}
void alone(benchmark::State& state) {
  const auto own = std::make_shared<Upstream>("bench", *find_picker("least_conn"));
  own->update(members(static_cast<std::size_t>(state.range(0)), 1));
  const TimePoint now = Clock::now();
  UpstreamReader reader(own);
  Chance chance(state.thread_index());
  std::vector<std::optional<Lease>> leases(64);
  for (std::optional<Lease>& lease : leases) lease = reader.acquire({.now = now});
  for (auto _ : state) {
    std::optional<Lease>& lease = leases[chance.below(leases.size())];
    lease.reset();
    lease = reader.acquire({.now = now});
  }
}
void threads(benchmark::internal::Benchmark* bench) {
  for (const int n : {10, 100}) bench->Arg(n);
  bench->Threads(1)->Threads(2)->Threads(4);
}
BENCHMARK(contended)->Name("least_conn_shared")->Setup(prepare_least_conn)->Apply(threads);
BENCHMARK(alone)->Name("least_conn_unshared")->Apply(threads);

/// The other methods, with a key and random bits that change, and answers that take 5 to 30 ms.
void other_method(benchmark::State& state, const char* method) {
  const auto shared = std::make_shared<Upstream>("bench", *find_picker(method));
  shared->update(members(static_cast<std::size_t>(state.range(0)), 1));
  UpstreamReader reader(shared);
  Chance chance(1);
  const TimePoint now = Clock::now();
  std::vector<std::optional<Lease>> leases(64);
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back("client-" + std::to_string(i));
  for (auto _ : state) {
    std::optional<Lease>& lease = leases[chance.below(leases.size())];
    if (lease) lease->succeeded(now + std::chrono::milliseconds(5 + chance.below(25)));
    lease.reset();
    const std::uint64_t bits = chance.below(1U << 31) << 31 | chance.below(1U << 31);
    lease = reader.acquire({.now = now, .key = keys[bits % keys.size()], .random = bits});
  }
}
void three_sizes(benchmark::internal::Benchmark* bench) {
  for (const int n : {10, 1000, 10'000}) bench->Arg(n);
}
BENCHMARK_CAPTURE(other_method, random, "random")->Apply(three_sizes);
BENCHMARK_CAPTURE(other_method, random_two, "random two")->Apply(three_sizes);
BENCHMARK_CAPTURE(other_method, hash, "hash")->Apply(three_sizes);
BENCHMARK_CAPTURE(other_method, hash_consistent, "hash consistent")->Apply(three_sizes);
BENCHMARK_CAPTURE(other_method, hash_bounded, "hash consistent bounded")->Apply(three_sizes);
BENCHMARK_CAPTURE(other_method, least_time, "least_time header")->Apply(three_sizes);
BENCHMARK_CAPTURE(other_method, peak_ewma, "peak_ewma")->Apply(three_sizes);

}  // namespace
