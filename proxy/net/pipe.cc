#include "net/pipe.h"

#include <fcntl.h>
#include <unistd.h>

namespace weir::net {

Pipe::~Pipe() {
  if (read_ < 0) return;
  if (held_ == 0 && pool_->kept_.size() < PipePool::kMostKept) {
    pool_->kept_.emplace_back(read_, write_);
    return;
  }
  ::close(read_);
  ::close(write_);
}

IoResult Pipe::fill(Stream& stream, std::size_t most) {
  const IoResult result = stream.try_splice_to(write_, most);
  // A pipe of many small pieces is full before it holds what it could: then it is not the stream that is dry.
  if (result.error.would_block() && held_ == 0 && stream.can_splice_from()) stream.note_dry();
  held_ += result.bytes;
  return result;
}

IoResult Pipe::drain(Stream& stream) {
  IoResult all;
  while (held_ != 0) {
    const IoResult result = stream.try_splice_from(read_, held_);
    held_ -= result.bytes;
    all.bytes += result.bytes;
    all.error = result.error;
    if (result.error) break;
  }
  return all;
}

PipePool::~PipePool() { close_kept(); }

bool PipePool::close_kept() {
  for (const auto& [read, write] : kept_) {
    ::close(read);
    ::close(write);
  }
  const bool were_any = !kept_.empty();
  kept_.clear();
  return were_any;
}

std::optional<Pipe> PipePool::take() {
  if (!kept_.empty()) {
    const auto [read, write] = kept_.back();
    kept_.pop_back();
    return Pipe(*this, read, write);
  }
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) return std::nullopt;
  // May be refused where a user has many pipes; its size is then what the system gave.
  ::fcntl(ends[1], F_SETPIPE_SZ, kSize);
  Pipe pipe(*this, ends[0], ends[1]);
  if (::fcntl(ends[1], F_GETPIPE_SZ) >= kLeastSize) return pipe;
  pipe.held_ = 1;  // too small to be kept
  return std::nullopt;
}

}  // namespace weir::net
