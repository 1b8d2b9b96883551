// Arena: memory for one exchange, given back all at once.
//
// Bumps a pointer through blocks of the loop's pool, a first one of 2 KiB, which is enough for many a request that waits,
// then 4 KiB each; larger pieces come from operator new and are freed by reset(). Nothing is given back singly. One
// thread.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>

#include "net/buffer_pool.h"

namespace weir::net {

class Arena final : public std::pmr::memory_resource {
 public:
  /// Takes no memory until the first allocation.
  explicit Arena(BufferPool& pool) : pool_(pool) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() override;

  /// Forgets all that was allocated. Keeps the last block, so that the next request needs none.
  void reset() noexcept;
  /// As reset(), and keeps nothing: for a connection that goes idle.
  void release() noexcept;
  /// Bytes handed out since the last reset.
  std::size_t used() const { return used_; }
  /// All that is left of the present block.
  std::span<char> take_rest() noexcept {
    const std::span<char> rest(next_, end_);
    used_ += rest.size();
    next_ = end_;
    return rest;
  }
  /// A copy of `text` that lives until the next reset.
  std::string_view copy(std::string_view text);

 private:
  struct Block {
    Block* next;
    BufferSize size;
  };
  struct Large {
    Large* next;
    std::size_t size;
    std::size_t alignment;
  };

  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void*, std::size_t, std::size_t) override {}
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }
  void* allocate_slow(std::size_t bytes, std::size_t alignment);
  void give_back(Block* block) noexcept { pool_.give_block(reinterpret_cast<char*>(block), block->size); }

  BufferPool& pool_;
  char* next_ = nullptr;
  char* end_ = nullptr;
  Block* blocks_ = nullptr;  // newest first
  Large* large_ = nullptr;
  std::size_t used_ = 0;
};

}  // namespace weir::net
