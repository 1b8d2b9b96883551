// Pipe: octets that go from one socket to another without passing through the process (splice(2)).
//
// Worth it for bulk: on the machines it was measured on it breaks even at some 64 KiB and halves the cost of a MiB. What
// is in the pipe belongs to one transfer; a pipe that ends empty goes back to the loop's PipePool. One thread.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "net/io_result.h"
#include "net/stream.h"

namespace weir::net {

class PipePool;

class Pipe {
 public:
  Pipe(Pipe&& other) noexcept
      : pool_(other.pool_),
        read_(std::exchange(other.read_, -1)),
        write_(std::exchange(other.write_, -1)),
        held_(std::exchange(other.held_, 0)) {}
  Pipe& operator=(Pipe&&) = delete;
  ~Pipe();

  /// Moves at most `most` octets from `stream`, which must be plain, into the pipe. Error: is_eof, which only reading makes
  /// sure of, an errno, or would_block: the stream has nothing, or the pipe, if it is not empty, has no room.
  IoResult fill(Stream& stream, std::size_t most);

  /// Moves what is in the pipe into `stream`, which must be plain. Error: would_block when some is left, or an errno.
  IoResult drain(Stream& stream);

  std::size_t held() const { return held_; }
  bool is_empty() const { return held_ == 0; }

 private:
  friend class PipePool;
  Pipe(PipePool& pool, int read, int write) : pool_(&pool), read_(read), write_(write) {}

  PipePool* pool_;
  int read_, write_;
  std::size_t held_ = 0;
};

/// The pipes of a loop that wait for the next transfer: the last few used.
class PipePool {
 public:
  PipePool() { kept_.reserve(kMostKept); }  // so that keeping one needs no memory
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  /// A pipe, or nothing if the system gives none of a useful size: copy then.
  std::optional<Pipe> take();
  /// Closes those that wait, for somebody who needs descriptors more. Returns false if none did.
  bool close_kept();

 private:
  friend class Pipe;
  static constexpr std::size_t kMostKept = 64;
  static constexpr int kSize = 256 << 10;  // bytes, which a slow reader holds in the kernel; more gains little
  static constexpr int kLeastSize = 65536;

  std::vector<std::pair<int, int>> kept_;  // read end, write end
};

}  // namespace weir::net
