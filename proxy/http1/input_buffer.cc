#include "http1/input_buffer.h"

#include <algorithm>
#include <utility>

namespace weir::http1 {

net::IoError InputBuffer::read(net::Stream& stream, std::size_t most) {
  if (parked_) {
    const std::string_view text = unread();
    block_ = pool_->take();
    std::memcpy(block_.data(), text.data(), text.size());
    parked_ = nullptr;
    begin_ = 0;
    end_ = text.size();
  }
  if (is_empty()) {
    begin_ = end_ = 0;
    if (!block_) block_ = pool_->take();
  } else if (end_ == block_.size()) {
    if (block_.size() < net::bytes_of(net::BufferSize::k64K)) {
      net::Buffer larger = pool_->take();
      std::memcpy(larger.data(), block_.data() + begin_, end_ - begin_);
      block_ = std::move(larger);
    } else if (begin_ > 0) {
      std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
    } else {
      return {ENOBUFS};
    }
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t room = block_.size() - end_;
  const net::IoResult result = stream.try_read({block_.data() + end_, most == 0 ? room : std::min(room, most)});
  end_ += result.bytes;
  if (result.bytes != 0) return {};
  if (is_empty()) release();
  return result.error;
}

net::Buffer InputBuffer::detach() {
  net::Buffer old = std::move(block_);
  const std::size_t size = end_ - begin_;
  if (size != 0) {
    block_ = pool_->take();
    std::memcpy(block_.data(), old.data() + begin_, size);
  }
  begin_ = 0;
  end_ = size;
  return old;
}

void InputBuffer::park(std::span<char> place) {
  const std::string_view text = unread();
  if (text.size() > place.size()) return shrink();
  std::memmove(place.data(), text.data(), text.size());
  block_.reset();
  parked_ = place.data();
  begin_ = 0;
  end_ = text.size();
}

void InputBuffer::shrink() {
  if (parked_) return;
  const std::size_t size = end_ - begin_;
  const net::BufferSize fit = net::BufferPool::fitting(size + size / 2);
  if (size == 0) return release();
  if (net::bytes_of(fit) >= block_.size()) return;
  net::Buffer smaller = pool_->take(fit);
  std::memcpy(smaller.data(), block_.data() + begin_, size);
  block_ = std::move(smaller);
  begin_ = 0;
  end_ = size;
}

}  // namespace weir::http1
