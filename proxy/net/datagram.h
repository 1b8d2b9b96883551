// Datagrams: received and sent in batches, one system call for many.
//
// Nothing here waits. A datagram that the system does not take at once is dropped and counted, as a router on the way
// would do; so one slow peer keeps nobody else waiting. All of it belongs to the loop's thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "net/buffer_pool.h"
#include "net/endpoint.h"
#include "net/io_result.h"
#include "net/loop.h"

namespace weir::net {

/// How many are received or sent by one system call.
inline constexpr std::size_t kDatagramBatch = 16;

/// One that came.
struct Datagram {
  std::string_view octets;  // valid until its batch receives again
  Endpoint from;
  Endpoint to;  // the address it was sent to, without a port; empty unless the socket was asked to tell
};

/// Datagrams that were received together.
class DatagramBatch {
 public:
  /// `most`: how many at once, up to kDatagramBatch.
  explicit DatagramBatch(BufferPool& pool, std::size_t most = kDatagramBatch) : pool_(pool), most_(most) {}

  /// Receives what lies in `fd`, at most `most` of them, whole whatever their size.
  /// `wants_sender`: fill in where they come from, and went to if the socket tells (ask_destination).
  /// Error: would_block if there was none, or an errno: of an earlier datagram of ours that did not arrive, for one
  /// (ECONNREFUSED).
  IoError receive(int fd, bool wants_sender);

  std::span<const Datagram> datagrams() const { return {datagrams_.data(), count_}; }
  /// Whether nothing more lies there, as far as this batch can tell.
  bool is_last() const { return count_ < most_; }

 private:
  BufferPool& pool_;
  const std::size_t most_;
  std::array<Buffer, kDatagramBatch> blocks_;
  std::array<Datagram, kDatagramBatch> datagrams_;
  std::size_t count_ = 0;
};

/// Makes a socket tell to which of its addresses a datagram came: for one on a wildcard address. Returns 0 or an errno.
int ask_destination(int fd, int family);

/// Sends one datagram on a connected socket. Error: would_block if it does not fit now, EMSGSIZE, ECONNREFUSED, ….
IoError send_datagram(int fd, std::string_view octets);

/// Gathers datagrams to many peers, and sends them from one socket with few system calls.
class DatagramSender {
 public:
  /// `fd` stays the caller's, and open as long as this.
  DatagramSender(BufferPool& pool, int fd) : pool_(pool), fd_(fd) {}
  DatagramSender(const DatagramSender&) = delete;

  /// Keeps a copy of one until `flush`, which happens by itself when enough are there.
  /// `from`: our address to send it from; empty: the socket's.
  void add(std::string_view octets, const Endpoint& to, const Endpoint& from);
  /// Sends what was added: to be called at the end of each turn.
  void flush();

  /// How many the system did not take since the last call, and the reason for the last of them.
  struct Losses {
    std::uint64_t count = 0;
    IoError reason;
  };
  Losses take_losses();

 private:
  struct Entry {
    std::size_t begin, size;
    Endpoint to, from;
  };

  BufferPool& pool_;
  const int fd_;
  Buffer block_;  // while something is waiting
  std::size_t used_ = 0;
  std::vector<Entry> entries_;
  Losses losses_;
};

}  // namespace weir::net
