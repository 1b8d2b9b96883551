#include "net/arena.h"

#include <cstdint>
#include <cstring>
#include <new>

namespace weir::net {
namespace {

// A piece larger than this gets memory of its own, so that it does not waste the rest of a block.
constexpr std::size_t kLargest = bytes_of(BufferSize::k4K) / 4;

}  // namespace

Arena::~Arena() {
  release();
}

void* Arena::do_allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t gap = -reinterpret_cast<std::uintptr_t>(next_) & (alignment - 1);
  const auto space = static_cast<std::size_t>(end_ - next_);
  if (bytes > space || gap > space - bytes) return allocate_slow(bytes, alignment);
  char* const place = next_ + gap;
  next_ = place + bytes;
  used_ += bytes;
  return place;
}

void* Arena::allocate_slow(std::size_t bytes, std::size_t alignment) {
  if (bytes + alignment > kLargest) {
    // The piece follows its header at the next address of its alignment.
    const std::size_t strictest = alignment > alignof(Large) ? alignment : alignof(Large);
    const std::size_t head = (sizeof(Large) + strictest - 1) / strictest * strictest;
    char* memory = static_cast<char*>(::operator new(head + bytes, std::align_val_t(strictest)));
    large_ = new (memory) Large{large_, head + bytes, strictest};
    used_ += bytes;
    return memory + head;
  }
  const BufferSize size = blocks_ ? BufferSize::k4K : BufferSize::k2K;
  blocks_ = new (pool_.take_block(size)) Block{blocks_, size};
  next_ = reinterpret_cast<char*>(blocks_ + 1);
  end_ = reinterpret_cast<char*>(blocks_) + bytes_of(size);
  return do_allocate(bytes, alignment);
}

void Arena::reset() noexcept {
  while (Large* piece = large_) {
    large_ = piece->next;
    ::operator delete(piece, piece->size, std::align_val_t(piece->alignment));
  }
  used_ = 0;
  if (!blocks_) return;
  while (Block* older = blocks_->next) {
    blocks_->next = older->next;
    give_back(older);
  }
  next_ = reinterpret_cast<char*>(blocks_ + 1);
  end_ = reinterpret_cast<char*>(blocks_) + bytes_of(blocks_->size);
}

void Arena::release() noexcept {
  reset();
  if (blocks_) give_back(blocks_);
  blocks_ = nullptr;
  next_ = end_ = nullptr;
}

std::string_view Arena::copy(std::string_view text) {
  if (text.empty()) return {};
  char* place = static_cast<char*>(allocate(text.size(), 1));
  std::memcpy(place, text.data(), text.size());
  return {place, text.size()};
}

}  // namespace weir::net
