// How many requests of one upstream may be tried again at the same time, so that retries cannot multiply an outage.
//
// Only retries that cost backends work count: one after a connection that was refused costs nothing.
//
// Thread safety: everything may be called from any thread at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace weir::shared {

/// `retry_budget 20% min=3`.
struct RetryLimit {
  std::uint32_t percent = 20;  // of the requests under way
  std::uint32_t least = 3;     // however few are under way
  bool off = false;            // no limit

  std::uint64_t of(std::uint64_t under_way) const {
    const std::uint64_t share = under_way * percent / 100;
    return share > least ? share : least;
  }
};

class RetryBudget {
 public:
  /// A retry under way; gives its place back by itself.
  class Token {
   public:
    Token() = default;
    Token(Token&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
    Token& operator=(Token&& other) noexcept {
      std::swap(budget_, other.budget_);
      return *this;
    }
    ~Token() {
      if (budget_) budget_->taken_.fetch_sub(1, std::memory_order_relaxed);
    }
    explicit operator bool() const { return budget_ != nullptr; }

   private:
    friend class RetryBudget;
    explicit Token(const RetryBudget* budget) : budget_(budget) {}
    const RetryBudget* budget_ = nullptr;
  };

  /// A place among at most `most`; an empty token if all are taken.
  Token take(std::uint64_t most) const noexcept {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < most) return Token(this);
    taken_.fetch_sub(1, std::memory_order_relaxed);
    return Token();
  }

 private:
  mutable std::atomic<std::uint32_t> taken_{0};
};

}  // namespace weir::shared
