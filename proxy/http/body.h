// Octets of a message body on their way, whatever they come from.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "net/io_result.h"
#include "net/task.h"

namespace weir::net {
class Stream;
}

namespace weir::http {

enum class BodyStatus : std::uint8_t {
  Data,   // `data` has octets
  Empty,  // nothing left in memory: `fill` may bring more
  End,    // the body ended as its framing says
  Bad,    // the framing is broken, or the peer ended too early
};

enum class SendStatus : std::uint8_t {
  Sent,     // all of it left
  Blocked,  // the peer reads too slowly: wait before the next call, and keep the octets where they are
  Failed,   // the peer is gone
};

struct BodyRead {
  BodyStatus status;
  std::string_view data = {};
};

/// Something that yields a body: memory, a file, a peer.
///
/// `next` hands out what is in memory; the octets stay valid until the next call of `fill`, so a caller sends all it
/// took before it fills again: that is the whole back-pressure.
class BodySource {
 public:
  virtual ~BodySource() = default;

  /// The next octets in memory. Never waits, never calls the system.
  virtual BodyRead next() = 0;

  /// Fetches more, once, without waiting. `would_block` means: await `wait` and call again. An end that breaks the
  /// framing shows in `next`.
  virtual net::IoError fill() = 0;

  /// Waits until `fill` can bring something; ends with a time limit's error when it is over.
  virtual net::Task<net::IoError> wait() = 0;

  /// Asked when the reader takes no more for now: the stream from which more could be read meanwhile, or null if
  /// nothing can or should be. When it is readable, `read_ahead` reads; what was handed out stays valid.
  virtual net::Stream* ahead() { return nullptr; }
  virtual void read_ahead() {}

  /// Octets of a body that lie, or will arrive, in a plain stream and need no decoding, so that the kernel may move them.
  struct Raw {
    net::Stream* stream = nullptr;  // null: there are none
    std::uint64_t octets = 0;
  };
  /// What is left of the body in that form. Asked after `next` said Empty.
  virtual Raw raw() { return {}; }
  /// So many of them were moved.
  virtual void raw_moved(std::uint64_t) {}
};

/// Pieces of a body collected for one system call.
class BodyPieces {
 public:
  static constexpr std::size_t kMost = 24;

  bool is_full() const { return count_ == kMost; }
  bool is_empty() const { return count_ == 0; }
  void add(std::string_view piece) { pieces_[count_++] = piece, octets_ += piece.size(); }
  void clear() { count_ = 0, octets_ = 0; }
  std::span<const std::string_view> all() const { return {pieces_.data(), count_}; }
  std::uint64_t octets() const { return octets_; }

 private:
  std::array<std::string_view, kMost> pieces_;
  std::size_t count_ = 0;
  std::uint64_t octets_ = 0;
};

/// Takes from `source` what is in memory, until `pieces` is full. Returns why it stopped (Data: full).
inline BodyStatus collect(BodySource& source, BodyPieces& pieces) {
  while (!pieces.is_full()) {
    const BodyRead read = source.next();
    if (read.status != BodyStatus::Data) return read.status;
    pieces.add(read.data);
  }
  return BodyStatus::Data;
}

/// A body in memory, such as an error page.
class MemoryBody final : public BodySource {
 public:
  explicit MemoryBody(std::string_view text) : text_(text) {}
  BodyRead next() override {
    if (text_.empty()) return {BodyStatus::End};
    return {BodyStatus::Data, std::exchange(text_, {})};
  }
  net::IoError fill() override { return {}; }
  net::Task<net::IoError> wait() override { co_return net::IoError{}; }

 private:
  std::string_view text_;
};

}  // namespace weir::http
