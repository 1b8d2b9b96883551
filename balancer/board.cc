#include "board.h"

#include <limits>
#include <mutex>

namespace weir::balancer {
namespace {

constexpr Clock::rep kNever = std::numeric_limits<Clock::rep>::max();

/// Boards nobody uses. Never destroyed: a lease may end after everything else has.
struct Shelf {
  std::mutex mutex;
  std::vector<std::unique_ptr<Board>> boards;
};

Shelf& shelf() {
  static Shelf& the_shelf = *new Shelf;
  return the_shelf;
}

}  // namespace

bool Block::claim(std::uint32_t lane, std::uint32_t despite) noexcept {
  std::atomic<std::uint32_t>& word = words.cells[lane];
  const std::uint32_t most = limit(lane);
  std::uint32_t seen = word.load(std::memory_order_relaxed);
  for (;;) {
    if ((seen & kClosed & ~despite) != 0) return false;
    const bool is_full = (seen & kMaxCount) >= most;
    std::uint32_t next = is_full ? seen : seen + 1;
    if ((next & kMaxCount) >= most) next |= kFull;
    if (word.compare_exchange_weak(seen, next, std::memory_order_acq_rel, std::memory_order_relaxed)) return !is_full;
  }
}

bool Block::give_back(std::uint32_t lane) noexcept {
  const float lane_weight = weight(lane);
  const std::uint32_t before = words.cells[lane].fetch_sub(1, std::memory_order_seq_cst);
  if ((before & kRetired) != 0) return (before & kMaxCount) == 1;  // nobody can claim it any more: this happens once
  if ((before & kClosed) == 0) {
    lower_floor(load_of((before & kMaxCount) - 1, lane_weight));
  } else if ((before & kFull) != 0) {
    open_if_below_limit(lane);
  }
  // Also where it was not full: those who were called for the room that came before this may not have taken it yet.
  board->queue().call_one();
  return false;
}

void Block::set_limit(std::uint32_t lane, std::uint32_t limit) noexcept {
  limits.cells[lane].store(limit, std::memory_order_seq_cst);
  open_if_below_limit(lane);
  std::atomic<std::uint32_t>& word = words.cells[lane];
  std::uint32_t seen = word.load(std::memory_order_relaxed);
  while ((seen & kMaxCount) >= limit && (seen & kFull) == 0 && !word.compare_exchange_weak(seen, seen | kFull)) {
  }
}

void Block::set_weight(std::uint32_t lane, float weight, bool is_whole) noexcept {
  const std::uint64_t bit = 1ULL << lane;
  if (!is_whole) spared.fetch_or(bit);
  weights.cells[lane].store(std::bit_cast<std::uint32_t>(weight), std::memory_order_seq_cst);
  lower_floor(load_of(words.cells[lane].load() & kMaxCount, weight));
  if (is_whole && (spared.load(std::memory_order_relaxed) & bit) != 0) spared.fetch_and(~bit);
}

void Block::open_if_below_limit(std::uint32_t lane) noexcept {
  std::atomic<std::uint32_t>& word = words.cells[lane];
  std::uint32_t seen = word.load(std::memory_order_relaxed);
  while ((seen & kFull) != 0 && (seen & kMaxCount) < limit(lane)) {
    if (!word.compare_exchange_weak(seen, seen & ~kFull)) continue;
    return lower_floor(load_of(seen & kMaxCount, weight(lane)));
  }
}

void Block::open(std::uint32_t lane, std::uint32_t reason) noexcept {
  const std::uint32_t seen = words.cells[lane].fetch_and(~reason);
  if ((seen & reason) == 0) return;
  lower_floor(load_of(seen & kMaxCount, weight(lane)));
  board->queue().call_all();
}

Board::Board() : next_check_(kNever) {}

std::shared_ptr<Board> Board::take() {
  Shelf& boards = shelf();
  std::unique_ptr<Board> board;
  {
    const std::lock_guard lock(boards.mutex);
    if (!boards.boards.empty()) {
      board = std::move(boards.boards.back());
      boards.boards.pop_back();
    }
  }
  if (board == nullptr) board.reset(new Board);
  return std::shared_ptr<Board>(board.release(), &Board::recycle);
}

void Board::recycle(Board* board) {
  board->next_check_.store(kNever, std::memory_order_relaxed);
  board->tallies_.clear();
  board->given_to_former_ = 0;
  Shelf& boards = shelf();
  const std::lock_guard lock(boards.mutex);
  boards.boards.emplace_back(board);
}

Slot Board::allocate(bool for_backup) {
  for (const std::unique_ptr<Block>& block : blocks_) {
    // Acquire: what the lane's last owner did to it is done.
    const std::uint64_t unused = block->unused.load(std::memory_order_acquire);
    if (block->for_backups != for_backup || unused == 0) continue;
    const auto lane = static_cast<std::uint32_t>(std::countr_zero(unused));
    block->unused.fetch_and(~(1ULL << lane), std::memory_order_acq_rel);
    return {block.get(), lane};
  }
  Block& block = add_block(for_backup);
  block.unused.fetch_and(~1ULL, std::memory_order_relaxed);
  return {&block, 0};
}

Block& Board::add_block(bool for_backups) {
  const std::size_t number = blocks_.size();
  if (number / kLanes == floors_.size()) floors_.push_back(std::make_unique<Row>());
  auto block = std::make_unique<Block>();
  for (std::atomic<std::uint32_t>& word : block->words.cells) word.store(kRetired, std::memory_order_relaxed);
  for (std::atomic<std::uint32_t>& weight : block->weights.cells) {
    weight.store(std::bit_cast<std::uint32_t>(1.0F), std::memory_order_relaxed);
  }
  block->floors = floors_[number / kLanes].get();
  block->board = this;
  block->unused.store(~0ULL, std::memory_order_relaxed);
  block->number = static_cast<std::uint32_t>(number);
  block->for_backups = for_backups;
  blocks_.push_back(std::move(block));
  return *blocks_.back();
}

void Board::free(Slot slot) noexcept {
  slot.block->set_weight(slot.lane, 1, true);
  slot.block->unwatch(slot.lane);
  slot.block->words.cells[slot.lane].store(kRetired, std::memory_order_relaxed);
  slot.block->unused.fetch_or(1ULL << slot.lane, std::memory_order_release);
}

void Board::note_check(TimePoint due) noexcept {
  const Clock::rep at = due.time_since_epoch().count();
  Clock::rep seen = next_check_.load(std::memory_order_relaxed);
  while (at < seen && !next_check_.compare_exchange_weak(seen, at)) {
  }
}

std::shared_ptr<Tally> Board::make_tally() {
  const std::lock_guard lock(tallies_mutex_);
  return tallies_.emplace_back(std::make_shared<Tally>());
}

std::uint64_t Board::leases_given() {
  const std::lock_guard lock(tallies_mutex_);
  std::uint64_t given = 0;
  std::erase_if(tallies_, [&](const std::shared_ptr<Tally>& tally) {
    const bool is_former = tally.use_count() == 1;
    (is_former ? given_to_former_ : given) += tally->leases.load(std::memory_order_relaxed);
    return is_former;
  });
  return given + given_to_former_;
}

bool Board::begin_checks(TimePoint now) noexcept {
  Clock::rep seen = next_check_.load(std::memory_order_relaxed);
  return now.time_since_epoch().count() >= seen && next_check_.compare_exchange_strong(seen, kNever);
}

}  // namespace weir::balancer
