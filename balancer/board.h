// The claim counters of one upstream's backends, side by side, so that a picker reads sixteen of them per cache line.
//
// Every backend has a slot (a lane of a block) for as long as it exists. A lane's word holds the number of claims
// and, in its highest bits, the reasons why the backend may not be picked; so a closed lane looks like an overloaded
// one, and finding the least loaded open lane is finding the least word.
//
// A block also has a floor: no open lane of it is loaded less. Picking among thousands looks at the floors first.
//
// Thread safety: words, weights and floors by anyone; `allocate` by one thread at a time.
#pragma once

#include <weir/balancer/backend.h>
#include <weir/balancer/queue.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace weir::balancer {

inline constexpr std::uint32_t kLanes = 64;

inline constexpr std::uint32_t kMaxCount = (1U << 24) - 1;  // floats hold these exactly
inline constexpr std::uint32_t kDraining = 1U << 26;        // open to sticky requests only
inline constexpr std::uint32_t kFull = 1U << 27;            // at its limit
inline constexpr std::uint32_t kVetoed = 1U << 28;          // a health check says that it does not work
inline constexpr std::uint32_t kResting = 1U << 29;         // marked failed
inline constexpr std::uint32_t kShut = 1U << 30;            // down
inline constexpr std::uint32_t kRetired = 1U << 31;         // not in the membership; also: lane not in use
inline constexpr std::uint32_t kOutOfService = kShut | kDraining | kRetired;  // by decision
inline constexpr std::uint32_t kClosed = kOutOfService | kFull | kVetoed | kResting;

/// Sixty-four cells in four cache lines.
struct alignas(64) Row {
  std::array<std::atomic<std::uint32_t>, kLanes> cells{};
};

/// A load is claims per unit of weight, as the bits of a float: those of positive floats order as the floats do.
using Load = std::uint32_t;
inline constexpr Load kNoLoad = 0x7f800000;  // infinity: the load of what is closed

inline Load load_of(std::uint32_t count, float weight) noexcept {
  return std::bit_cast<Load>(static_cast<float>(count) / weight);
}

class Board;

struct Block {
  Row words;
  Row weights;                          // bits of floats: the part of each weight that counts now
  Row limits;                           // most claims at a time
  Row* floors = nullptr;                // of 64 blocks, ours among them
  Board* board = nullptr;
  std::atomic<std::uint64_t> unused{};  // a bit for each lane no backend has
  std::atomic<std::uint64_t> spared{};  // a bit for each lane whose backend gets less than its share
  std::atomic<std::uint64_t> watched{};  // a bit for each lane whose backend the next check is to look at
  std::uint32_t number = 0;             // its place on the board
  bool for_backups = false;             // so that primaries share their blocks only with primaries

  std::uint32_t floor_cell() const noexcept { return number % kLanes; }
  std::atomic<Load>& floor() noexcept { return floors->cells[floor_cell()]; }
  float weight(std::uint32_t lane) const noexcept {
    return std::bit_cast<float>(weights.cells[lane].load(std::memory_order_relaxed));
  }

  std::uint32_t limit(std::uint32_t lane) const noexcept {
    return limits.cells[lane].load(std::memory_order_relaxed);
  }

  /// Whether the lane is closed for one of these reasons.
  bool is_closed(std::uint32_t lane, std::uint32_t reasons) const noexcept {
    // Acquire: whoever sees a door closed sees the snapshot that was published before it closed.
    return (words.cells[lane].load(std::memory_order_acquire) & reasons) != 0;
  }
  bool is_watched(std::uint32_t lane) const noexcept { return (watched.load() >> lane & 1) != 0; }
  /// The next check is to look at its backend, too.
  void watch(std::uint32_t lane) noexcept {
    if (!is_watched(lane)) watched.fetch_or(1ULL << lane);
  }
  void unwatch(std::uint32_t lane) noexcept { watched.fetch_and(~(1ULL << lane)); }

  /// Adds a claim unless the lane is full, or closed for a reason not in `despite`.
  bool claim(std::uint32_t lane, std::uint32_t despite) noexcept;

  /// Takes a claim back. Returns whether it was the last one of a backend that has left.
  ///
  /// From the subtraction on, the backend may be gone and the lane another's. What comes after does no harm there.
  bool give_back(std::uint32_t lane) noexcept;

  /// Changes the limit, and whether the lane is full with it.
  void set_limit(std::uint32_t lane, std::uint32_t limit) noexcept;
  /// Changes the weight; `is_whole`: no part of it is taken away.
  void set_weight(std::uint32_t lane, float weight, bool is_whole) noexcept;

  void close(std::uint32_t lane, std::uint32_t reason) noexcept {
    words.cells[lane].fetch_or(reason, std::memory_order_acq_rel);
  }
  void open(std::uint32_t lane, std::uint32_t reason) noexcept;
  void open_if_below_limit(std::uint32_t lane) noexcept;

  /// After a lane's load fell to `load`. Comes after the store that lowered it: whoever raises the floor looks at the
  /// lanes again afterwards, so one of the two sees the other.
  void lower_floor(Load load) noexcept {
    Load seen = floor().load(std::memory_order_seq_cst);
    while (load < seen && !floor().compare_exchange_weak(seen, load)) {
    }
  }
};

/// What one reader was given. Only that reader writes it.
struct alignas(64) Tally {
  std::atomic<std::uint64_t> leases{0};

  void add_one() noexcept { leases.store(leases.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
};

class Board {
 public:
  /// A board to use; it is recycled when the last pointer to it goes.
  ///
  /// Its memory never returns to the system: who gives back the last claim on a backend may look at the floor after
  /// that, when the backend and its upstream may be gone. On a board in new hands such a late look does no harm.
  static std::shared_ptr<Board> take();

  Slot allocate(bool for_backup);
  static void free(Slot slot) noexcept;

  /// Whether one of the backends that are watched is to be looked at, at `now`.
  bool check_is_due(TimePoint now) const noexcept {
    return now.time_since_epoch().count() >= next_check_.load(std::memory_order_relaxed);
  }
  /// Makes `check_is_due` true from `due` on.
  void note_check(TimePoint due) noexcept;
  /// Whether the caller is to look at them now; of several threads one is told to.
  bool begin_checks(TimePoint now) noexcept;

  Queue& queue() noexcept { return queue_; }

  /// For a new reader. Any thread.
  std::shared_ptr<Tally> make_tally();
  /// How many leases all readers were given, those that are gone too. Without this, turns would begin anew with each
  /// change. Any thread.
  std::uint64_t leases_given();

 private:
  Block& add_block(bool for_backups);

  alignas(64) std::atomic<Clock::rep> next_check_;
  alignas(64) std::vector<std::unique_ptr<Block>> blocks_;
  std::vector<std::unique_ptr<Row>> floors_;
  Queue queue_;
  std::mutex tallies_mutex_;  // guards what follows
  std::vector<std::shared_ptr<Tally>> tallies_;
  std::uint64_t given_to_former_ = 0;

  Board();
  static void recycle(Board* board);
};

}  // namespace weir::balancer
