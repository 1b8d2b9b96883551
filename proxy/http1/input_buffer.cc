#include "http1/input_buffer.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace weir::http1 {

/// Takes `block` in place of the present one; what is unread moves to its beginning.
void InputBuffer::hold(net::Buffer block) {
  const std::string_view text = unread();
  if (!text.empty()) std::memcpy(block.data(), text.data(), text.size());
  block_ = std::move(block);
  parked_ = nullptr;
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(text.size());
}

net::IoError InputBuffer::read(net::Stream& stream, std::size_t most) {
  if (is_empty() && stream.is_open() && !stream.input_pending()) {  // no block is needed to find nothing
    release();
    return {EAGAIN};
  }
  if (is_empty()) {
    begin_ = end_ = 0;
    parked_ = nullptr;
    if (!block_) block_ = stream.loop().buffers().take();
  } else if (parked_ || (end_ == block_.size() && block_.size() < net::bytes_of(net::BufferSize::k64K))) {
    hold(stream.loop().buffers().take());
  } else if (end_ == block_.size()) {
    if (begin_ == 0) return {ENOBUFS};
    std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t room = block_.size() - end_;
  const net::IoResult result = stream.try_read({block_.data() + end_, most == 0 ? room : std::min(room, most)});
  end_ += static_cast<std::uint32_t>(result.bytes);
  if (result.bytes != 0) return {};
  if (is_empty()) release();
  return result.error;
}

net::Buffer InputBuffer::detach() {
  net::Buffer old = std::move(block_);
  const std::size_t size = end_ - begin_;
  if (size != 0) {
    block_ = old.pool().take();
    std::memcpy(block_.data(), old.data() + begin_, size);
  }
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(size);
  return old;
}

bool InputBuffer::park(std::span<char> place) {
  const std::string_view text = unread();
  if (text.size() > place.size()) return false;
  std::memmove(place.data(), text.data(), text.size());
  block_.reset();
  parked_ = place.data();
  begin_ = 0;
  end_ = static_cast<std::uint32_t>(text.size());
  return true;
}

void InputBuffer::shrink() {
  if (parked_) return;
  const std::size_t size = end_ - begin_;
  if (size == 0) return release();
  const net::BufferSize fit = net::BufferPool::fitting(size + size / 2);
  if (net::bytes_of(fit) < block_.size()) hold(block_.pool().take(fit));
}

}  // namespace weir::http1
