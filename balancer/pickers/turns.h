// Whose turn it is: smooth weighted round robin for any subset of a list, without a lock.
//
// nginx's smooth weighted round robin is a fixed cycle as long as nothing is left out: with weights 5, 1 and 1 it is
// a a b a c a a. So each item has a place on a round track for each unit of its weight, and its next turn is a number
// on that endless track. Who is next among some candidates is who has the least next turn; taking the turn moves only
// the taker on. An item that was left out for long has a turn in the past; it goes once and is then level with the
// others, so nobody gets a burst for having been away.
//
// Two threads cannot take the same turn, so the distribution is exact however many there are.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace weir::balancer {

class Turns {
 public:
  struct Item {
    std::size_t number;    // what the others here call it
    std::uint32_t weight;  // at least 1
  };
  struct Turn {
    std::size_t item;
    std::uint64_t at;  // on the track
  };

  enum class Order : std::uint8_t {
    AsNginx,  // the very sequence, unless it takes too long to find
    Even,     // as smooth, and found in no time
  };

  /// `items`: in the order that decides between equals; their numbers are different and less than `numbers`.
  /// `taken`: how many turns were taken before, so that a new list goes on where the old one was.
  Turns(std::span<const Item> items, std::size_t numbers, std::uint64_t taken, Order order = Order::AsNginx);

  /// Whose turn is first among the items `base + i` for each bit `i` of `candidates`, which is not 0. `base`: a multiple
  /// of 64. Of equals the first.
  Turn first(std::size_t base, std::uint64_t candidates) const noexcept {
    if ((candidates & (candidates - 1)) != 0) return first_of_many(base, candidates);
    const std::size_t item = base + static_cast<std::size_t>(std::countr_zero(candidates));
    return {item, next_[item].load(std::memory_order_relaxed)};
  }

  /// The first turn of all, or nothing if it takes a look at all items to say.
  std::optional<Turn> due() const noexcept;

  /// Takes the turn. Returns false if another thread took it before.
  bool take(Turn turn) noexcept;

 private:
  Turn first_of_many(std::size_t base, std::uint64_t candidates) const noexcept;
  /// The item's first place that comes after this turn and after `place`.
  std::uint64_t after(Turn turn, std::uint64_t place) const noexcept;
  void skip_to(std::span<const Item> items, std::uint64_t place);
  void lay_out_as_nginx(std::span<const Item> items, std::uint64_t divisor);
  void lay_out_evenly(std::span<const Item> items, std::uint64_t divisor);
  void link();

  std::uint64_t length_ = 0;            // of the track
  std::vector<std::uint32_t> strides_;  // per item: from one of its turns to the next, if that is always the same;
  std::vector<std::uint32_t> gaps_;     // else per place: from it to the next place of the same item
  std::vector<std::uint32_t> owners_;   // per place: whose it is; empty if the cycle is too long
  std::unique_ptr<std::atomic<std::uint64_t>[]> next_;
  alignas(64) std::atomic<std::uint64_t> upcoming_{0};  // the place after the latest turn taken
};

}  // namespace weir::balancer
