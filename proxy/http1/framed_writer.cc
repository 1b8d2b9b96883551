#include "http1/framed_writer.h"

namespace weir::http1 {

using http::SendStatus;

SendStatus FramedWriter::send(net::Stream& stream, std::span<const std::string_view> pieces, bool last) {
  first_ = count_ = 0;
  add(std::exchange(head_, {}));
  std::size_t octets = 0;
  for (const std::string_view piece : pieces) octets += piece.size();
  if (chunked_ && octets != 0) add({chunk_line_, write_chunk_size(octets, chunk_line_)});
  for (const std::string_view piece : pieces) add(piece);
  if (chunked_ && octets != 0) add(kChunkEnd);
  if (chunked_ && last) add(last_chunk_);
  return push(stream);
}

SendStatus FramedWriter::push(net::Stream& stream) {
  while (first_ < count_) {
    const net::IoResult result = stream.try_write(std::span<const iovec>(parts_.data() + first_, count_ - first_));
    sent_ += result.bytes;
    std::size_t gone = result.bytes;
    while (gone != 0 && gone >= parts_[first_].iov_len) gone -= parts_[first_++].iov_len;
    if (gone != 0) {
      parts_[first_].iov_base = static_cast<char*>(parts_[first_].iov_base) + gone;
      parts_[first_].iov_len -= gone;
    }
    if (result.error.would_block()) return SendStatus::Blocked;
    if (result.error) {
      error_ = result.error;
      return SendStatus::Failed;
    }
  }
  return SendStatus::Sent;
}

}  // namespace weir::http1
