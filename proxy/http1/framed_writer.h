// Octets of one message on their way into a stream: its head, then its body as the framing says.
//
// Gathers head, chunk lines and pieces of the body into one system call. What did not fit stays noted, so the memory of
// head and pieces must stay where it is until everything left.
#pragma once

#include <array>
#include <cstdint>
#include <memory_resource>
#include <span>
#include <string_view>

#include "http/body.h"
#include "http1/head_writer.h"
#include "net/stream.h"

namespace weir::http1 {

class FramedWriter {
 public:
  /// Begins a message. `head`: leaves with the first octets of the body. `chunked`: the body is sent in chunks.
  /// `memory`: for a note of what did not fit; the message's, never given back.
  void start(std::string_view head, bool chunked, std::pmr::memory_resource& memory) {
    head_ = head;
    chunked_ = chunked;
    last_chunk_ = kLastChunk;
    sent_ = 0;
    left_ = {};
    notes_ = nullptr;
    memory_ = &memory;
  }

  /// What ends a chunked body, trailers included; stays where it is until it left.
  void set_last_chunk(std::string_view text) { last_chunk_ = text; }

  /// Adds pieces of the body and sends. `last`: the body ends here. On Blocked, await writability and `push`.
  http::SendStatus send(net::Stream& stream, std::span<const std::string_view> pieces, bool last);

  /// Sends what is left of the last `send`.
  http::SendStatus push(net::Stream& stream);

  /// Whether all that was given left, the head included.
  bool is_done() const { return head_.empty() && left_.empty(); }
  /// Octets of the message left by another way.
  void note_sent(std::uint64_t octets) { sent_ += octets; }

  /// Octets that left since `start`.
  std::uint64_t sent() const { return sent_; }
  /// Why the last `send` or `push` failed.
  net::IoError error() const { return error_; }

 private:
  // Head, chunk line, pieces, chunk end, last chunk.
  using Parts = std::array<iovec, http::BodyPieces::kMost + 4>;

  std::string_view head_;
  std::string_view last_chunk_;
  std::uint64_t sent_ = 0;
  std::span<iovec> left_;                          // did not fit
  Parts* notes_ = nullptr;                         // where that is kept; most messages need no such place
  std::pmr::memory_resource* memory_ = nullptr;
  net::IoError error_;
  char chunk_line_[20];
  bool chunked_ = false;
};

}  // namespace weir::http1
