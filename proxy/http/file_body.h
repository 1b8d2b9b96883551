// Bodies of which parts can be asked for: files, and texts in memory.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "http/body.h"
#include "net/buffer_pool.h"

namespace weir::http {

/// A body of known length that can start anywhere.
class SeekableBody : public BodySource {
 public:
  /// From now on only `octets` from `from` on are handed out. What `next` gave before stays valid until `fill`.
  virtual void select(std::uint64_t from, std::uint64_t octets) = 0;
};

/// A file's content, read 64 KiB at a time. Reading blocks for as long as the disk takes, as nginx's does without aio.
/// A file that became shorter meanwhile ends the body as broken.
class FileBody final : public SeekableBody {
 public:
  /// `fd` stays open for as long as this lives; its owner closes it.
  FileBody(int fd, std::uint64_t size, net::BufferPool& pool) : fd_(fd), left_(size), pool_(pool) {}

  void select(std::uint64_t from, std::uint64_t octets) override { at_ = from, left_ = octets, held_ = {}; }
  BodyRead next() override;
  net::IoError fill() override;
  net::Task<net::IoError> wait() override { co_return net::IoError{}; }

 private:
  int fd_;
  std::uint64_t at_ = 0, left_;
  net::BufferPool& pool_;
  net::Buffer buffer_;
  std::string_view held_;
  bool failed_ = false;
};

/// Several ranges of one body, each with lines of its own before it (multipart/byteranges, RFC 9110 14.6).
class MultipartBody final : public BodySource {
 public:
  struct Part {
    std::string_view head;
    std::uint64_t from = 0, octets = 0;
  };
  /// `end`: what follows the last part. Everything given must outlive this.
  MultipartBody(SeekableBody& body, std::span<const Part> parts, std::string_view end)
      : body_(body), parts_(parts), end_(end) {}

  BodyRead next() override;
  net::IoError fill() override { return body_.fill(); }
  net::Task<net::IoError> wait() override { return body_.wait(); }

 private:
  SeekableBody& body_;
  std::span<const Part> parts_;
  std::string_view end_;
  bool in_part_ = false;
};

}  // namespace weir::http
