// Octets on their way from a fast sender to a slow reader: first in, first out; in memory up to a limit, then in a
// temporary file.
//
// One worker. What was taken stays valid until `release`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "http/temp_file.h"
#include "net/buffer_pool.h"

namespace weir::http {

class Spool {
 public:
  struct Limits {
    std::uint64_t memory = 0;
    std::uint64_t file = 0;  // 0: no file
    const std::string* folder = nullptr;
  };
  Spool(net::BufferPool& pool, const Limits& limits) : pool_(pool), limits_(limits) {}

  bool is_empty() const { return memory_octets_ == 0 && file_begin_ == file_end_; }
  /// Whether `put` would take something.
  bool has_room() const;

  /// Takes all of `octets` (it may exceed a limit by them). Fails only as the file does.
  net::IoError put(std::string_view octets);

  /// The next octets in memory, or nothing: then `load` brings what lies in the file.
  std::string_view take();
  /// Reads a piece of the file into memory.
  net::IoError load();
  /// What was taken is not needed any more.
  void release();

  /// Octets that lie in the file.
  std::uint64_t in_file() const { return file_end_ - file_begin_; }

 private:
  struct Block {
    net::Buffer buffer;
    std::size_t begin = 0, end = 0;
  };
  void remember(std::string_view octets);

  net::BufferPool& pool_;
  const Limits limits_;
  std::vector<Block> blocks_;     // in order; those before first_ are taken
  std::size_t first_ = 0;
  std::uint64_t memory_octets_ = 0;
  TempFile file_;
  std::uint64_t file_begin_ = 0, file_end_ = 0;
  Block loaded_;
};

}  // namespace weir::http
