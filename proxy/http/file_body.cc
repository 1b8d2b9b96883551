#include "http/file_body.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace weir::http {

BodyRead FileBody::next() {
  if (!held_.empty()) return {BodyStatus::Data, std::exchange(held_, {})};
  if (failed_) return {BodyStatus::Bad};
  return {left_ == 0 ? BodyStatus::End : BodyStatus::Empty};
}

net::IoError FileBody::fill() {
  if (!buffer_) buffer_ = pool_.take(net::BufferPool::fitting(left_));
  const std::size_t wanted = std::min<std::uint64_t>(buffer_.size(), left_);
  ssize_t got;
  do {
    got = ::pread(fd_, buffer_.data(), wanted, static_cast<off_t>(at_));
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    failed_ = true;
    return {};
  }
  held_ = {buffer_.data(), static_cast<std::size_t>(got)};
  at_ += held_.size();
  left_ -= held_.size();
  return {};
}

BodyRead MultipartBody::next() {
  if (in_part_) {
    const BodyRead read = body_.next();
    if (read.status != BodyStatus::End) return read;
    in_part_ = false;
  }
  if (parts_.empty()) {
    if (end_.empty()) return {BodyStatus::End};
    return {BodyStatus::Data, std::exchange(end_, {})};
  }
  const Part& part = parts_.front();
  parts_ = parts_.subspan(1);
  body_.select(part.from, part.octets);
  in_part_ = true;
  return {BodyStatus::Data, part.head};
}

}  // namespace weir::http
