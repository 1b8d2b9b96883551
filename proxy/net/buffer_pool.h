// Buffers of a few fixed sizes, kept by the loop that uses them.
//
// Last in, first out, so that the block in hand is the one still in the cache: take one when bytes are there to be
// read, give it back when they are gone, and an idle connection holds none. The pool keeps a bounded number of free
// blocks; what a flood left over goes back to the system at once (large blocks are mapped singly for that). One
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <span>
#include <utility>

namespace weir::net {

class BufferPool;

enum class BufferSize : std::uint8_t { k2K, k4K, k16K, k64K };

/// Bytes in a buffer of this size.
constexpr std::size_t bytes_of(BufferSize size) {
  constexpr std::uint32_t kBytes[] = {2048, 4096, 16384, 65536};
  return kBytes[static_cast<std::size_t>(size)];
}

/// A block on loan; goes back to its pool by itself. Empty when default-made, moved from or reset.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept
      : pool_(other.pool_), data_(std::exchange(other.data_, nullptr)), size_(other.size_) {}
  Buffer& operator=(Buffer&& other) noexcept {
    if (this != &other) {
      reset();
      pool_ = other.pool_;
      data_ = std::exchange(other.data_, nullptr);
      size_ = other.size_;
    }
    return *this;
  }
  ~Buffer() { reset(); }

  char* data() const { return data_; }
  /// 0 when empty.
  std::size_t size() const { return data_ ? bytes_of(size_) : 0; }
  std::span<char> span() const { return {data_, size()}; }
  explicit operator bool() const { return data_ != nullptr; }
  /// Where it came from; not of an empty one.
  BufferPool& pool() const { return *pool_; }
  /// Gives the block back now.
  inline void reset() noexcept;

 private:
  friend class BufferPool;
  Buffer(BufferPool& pool, char* data, BufferSize size) : pool_(&pool), data_(data), size_(size) {}

  BufferPool* pool_ = nullptr;
  char* data_ = nullptr;
  BufferSize size_ = BufferSize::k2K;
};

class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  /// Every buffer must have come back.
  ~BufferPool();

  /// A block of this size, with undefined content. Running out of memory throws std::bad_alloc.
  Buffer take(BufferSize size = BufferSize::k64K) { return Buffer(*this, take_block(size), size); }

  /// The smallest size that holds `bytes`; the largest when none does.
  static constexpr BufferSize fitting(std::size_t bytes) {
    return bytes <= 2048    ? BufferSize::k2K
           : bytes <= 4096  ? BufferSize::k4K
           : bytes <= 16384 ? BufferSize::k16K
                            : BufferSize::k64K;
  }
  /// Bytes in blocks on loan, and in free blocks.
  std::size_t lent() const { return lent_; }
  std::size_t kept() const { return kept_; }
  /// Bytes in free blocks that nobody has needed since the last call.
  std::size_t unneeded() noexcept { return std::exchange(least_kept_, kept_); }
  /// Gives all free blocks back to the system.
  void trim() noexcept;

  // For Buffer and Arena.
  char* take_block(BufferSize size) {
    List& list = lists_[static_cast<std::size_t>(size)];
    char* const block = list.first ? reinterpret_cast<char*>(list.first) : allocate(size);
    if (list.first) {
      list.first = list.first->next;
      --list.count;
      kept_ -= bytes_of(size);
    }
    lent_ += bytes_of(size);
    if (kept_ < least_kept_) least_kept_ = kept_;
    return block;
  }
  void give_block(char* data, BufferSize size) noexcept {
    List& list = lists_[static_cast<std::size_t>(size)];
    lent_ -= bytes_of(size);
    if (list.count >= limit(size)) return deallocate(data, size);
    list.first = new (data) Free{list.first};
    ++list.count;
    kept_ += bytes_of(size);
  }

 private:
  struct Free {
    Free* next;
  };
  struct List {
    Free* first = nullptr;
    std::size_t count = 0;
  };
  // How many free blocks are kept: 4 MiB of each size.
  static constexpr std::size_t limit(BufferSize size) { return (std::size_t{4} << 20) / bytes_of(size); }
  static char* allocate(BufferSize size);
  static void deallocate(char* data, BufferSize size) noexcept;

  std::array<List, 4> lists_;
  std::size_t lent_ = 0;
  std::size_t kept_ = 0;
  std::size_t least_kept_ = 0;  // since `unneeded` was asked
};

void Buffer::reset() noexcept {
  if (data_) pool_->give_block(std::exchange(data_, nullptr), size_);
}

}  // namespace weir::net
