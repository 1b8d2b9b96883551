// What was received from a peer and not used yet.
//
// Takes a block from the loop's pool when there is something to read and gives it back when it is empty, so an idle
// connection holds none. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "net/buffer_pool.h"
#include "net/stream.h"

namespace weir::http1 {

class InputBuffer {
 public:
  std::string_view unread() const { return {(parked_ ? parked_ : block_.data()) + begin_, std::size_t{end_} - begin_}; }
  bool is_empty() const { return begin_ == end_; }
  bool is_full() const { return block_ && end_ == block_.size(); }

  /// Marks octets as used. Their memory stays until the next `read`.
  void consume(std::size_t octets) { begin_ += static_cast<std::uint32_t>(octets); }

  /// Reads once from `stream`, after what is there. Moves what is unread to the front if that makes room, and into a
  /// larger block if it fills this one. ENOBUFS: it fills the largest block.
  /// `most`: octets at once; 0: as many as fit.
  net::IoError read(net::Stream& stream, std::size_t most = 0);

  /// Gives the block away with all that was consumed in it; what is unread moves to another.
  net::Buffer detach();

  /// Gives the block back if nothing is unread.
  void release_if_empty() {
    if (is_empty()) release();
  }
  void release() {
    block_.reset();
    parked_ = nullptr;
    begin_ = end_ = 0;
  }

  /// Moves the unread text to `place`, if it fits there, and gives the block back: for a peer that will take its time.
  /// `place` has to stay until the next `read` or `release`. Views of the text go stale.
  bool park(std::span<char> place);

  /// Moves a little unread text into a small block: for a peer that will take its time. Views of it go stale.
  void shrink();

 private:
  void hold(net::Buffer block);

  net::Buffer block_;
  char* parked_ = nullptr;  // where the text is instead
  std::uint32_t begin_ = 0, end_ = 0;
};

}  // namespace weir::http1
