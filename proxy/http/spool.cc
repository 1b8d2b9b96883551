#include "http/spool.h"

#include <algorithm>
#include <cstring>

namespace weir::http {

bool Spool::has_room() const {
  if (in_file() == 0 && memory_octets_ < limits_.memory) return true;
  return in_file() < limits_.file;
}

net::IoError Spool::put(std::string_view octets) {
  // Order: once something is in the file, what comes later goes there too, until the file is read to its end.
  if (in_file() == 0 && (memory_octets_ + octets.size() <= limits_.memory || limits_.file == 0)) {
    remember(octets);
    return {};
  }
  if (!file_.is_open())
    if (const net::IoError error = file_.open(*limits_.folder)) return error;
  if (file_begin_ == file_end_) file_begin_ = file_end_ = 0;
  if (const net::IoError error = file_.write(file_end_, octets)) return error;
  file_end_ += octets.size();
  return {};
}

void Spool::remember(std::string_view octets) {
  memory_octets_ += octets.size();
  while (!octets.empty()) {
    if (blocks_.size() == first_ || blocks_.back().end == blocks_.back().buffer.size())
      blocks_.push_back({pool_.take(net::BufferPool::fitting(std::max<std::size_t>(octets.size(), 16384)))});
    Block& block = blocks_.back();
    const std::size_t size = std::min(octets.size(), block.buffer.size() - block.end);
    std::memcpy(block.buffer.data() + block.end, octets.data(), size);
    block.end += size;
    octets.remove_prefix(size);
  }
}

std::string_view Spool::take() {
  if (first_ < blocks_.size()) {
    Block& block = blocks_[first_++];
    memory_octets_ -= block.end - block.begin;
    return {block.buffer.data() + block.begin, block.end - block.begin};
  }
  const std::string_view loaded(loaded_.buffer.data() + loaded_.begin, loaded_.end - loaded_.begin);
  loaded_.begin = loaded_.end;
  return loaded;
}

net::IoError Spool::load() {
  if (!loaded_.buffer) loaded_.buffer = pool_.take();
  const std::size_t most = static_cast<std::size_t>(std::min<std::uint64_t>(loaded_.buffer.size(), in_file()));
  const net::IoResult got = file_.read(file_begin_, loaded_.buffer.span().first(most));
  if (got.error) return got.error;
  file_begin_ += got.bytes;
  loaded_.begin = 0;
  loaded_.end = got.bytes;
  return {};
}

void Spool::release() {
  blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(first_));
  first_ = 0;
  if (loaded_.begin == loaded_.end && in_file() == 0) loaded_.buffer.reset();
}

}  // namespace weir::http
