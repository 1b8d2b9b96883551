#include "net/buffer_pool.h"

#include <sys/mman.h>

#include "log/check.h"

namespace weir::net {

BufferPool::~BufferPool() {
  WEIR_CHECK(lent_ == 0);
  trim();
}

void BufferPool::trim() noexcept {
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    List& list = lists_[i];
    while (Free* block = list.first) {
      list.first = block->next;
      deallocate(reinterpret_cast<char*>(block), static_cast<BufferSize>(i));
    }
    list.count = 0;
  }
  kept_ = least_kept_ = 0;
}

// The large blocks are mapped singly: through malloc a single survivor above them would keep a whole flood's memory, and
// what lives long would leave holes where they were.
namespace {
constexpr bool is_large(BufferSize size) { return size >= BufferSize::k16K; }
}  // namespace

char* BufferPool::allocate(BufferSize size) {
  if (!is_large(size)) return static_cast<char*>(::operator new(bytes_of(size)));
  void* block = mmap(nullptr, bytes_of(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) throw std::bad_alloc();
  return static_cast<char*>(block);
}

void BufferPool::deallocate(char* data, BufferSize size) noexcept {
  if (!is_large(size)) return ::operator delete(data);
  munmap(data, bytes_of(size));
}

}  // namespace weir::net
