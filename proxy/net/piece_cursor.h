// A place within several pieces of memory.
#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <string_view>

namespace weir::net {

/// The bytes of several pieces, in order. The pieces must stay as they are.
class PieceCursor {
 public:
  explicit PieceCursor(std::span<const iovec> parts) : parts_(parts) {
    for (const iovec& part : parts) left_ += part.iov_len;
    settle();
  }
  /// How many octets there are from here on.
  std::size_t left() const { return left_; }
  bool at_end() const { return parts_.empty(); }
  /// What is left of the first piece.
  std::string_view front() const {
    return {static_cast<const char*>(parts_.front().iov_base) + skipped_, parts_.front().iov_len - skipped_};
  }
  void skip(std::size_t count) {
    while (count != 0 && !parts_.empty()) {
      const std::size_t here = std::min(count, front().size());
      skipped_ += here;
      left_ -= here;
      count -= here;
      settle();
    }
  }
  /// Copies up to `size` octets without skipping them; returns how many.
  std::size_t copy(char* into, std::size_t size) const {
    PieceCursor ahead = *this;
    std::size_t copied = 0;
    while (copied < size && !ahead.at_end()) {
      const std::string_view piece = ahead.front().substr(0, size - copied);
      std::memcpy(into + copied, piece.data(), piece.size());
      copied += piece.size();
      ahead.skip(piece.size());
    }
    return copied;
  }
  bool is_last() const { return parts_.size() == 1; }

 private:
  void settle() {
    while (!parts_.empty() && skipped_ == parts_.front().iov_len) {
      parts_ = parts_.subspan(1);
      skipped_ = 0;
    }
  }
  std::span<const iovec> parts_;
  std::size_t skipped_ = 0;  // of the first piece
  std::size_t left_ = 0;
};

}  // namespace weir::net
