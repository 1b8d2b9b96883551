#include "http1/framed_writer.h"

#include <algorithm>

namespace weir::http1 {

using http::SendStatus;

SendStatus FramedWriter::send(net::Stream& stream, std::span<const std::string_view> pieces, bool last) {
  Parts parts;
  std::size_t count = 0;
  const auto add = [&](std::string_view text) {
    if (!text.empty()) parts[count++] = {const_cast<char*>(text.data()), text.size()};
  };
  add(std::exchange(head_, {}));
  std::size_t octets = 0;
  for (const std::string_view piece : pieces) octets += piece.size();
  if (chunked_ && octets != 0) add({chunk_line_, write_chunk_size(octets, chunk_line_)});
  for (const std::string_view piece : pieces) add(piece);
  if (chunked_ && octets != 0) add(kChunkEnd);
  if (chunked_ && last) add(last_chunk_);

  left_ = std::span(parts.data(), count);
  const SendStatus status = push(stream);
  if (status != SendStatus::Blocked) {
    left_ = {};
    return status;
  }
  if (!notes_) notes_ = static_cast<Parts*>(memory_->allocate(sizeof(Parts), alignof(Parts)));
  std::ranges::copy(left_, notes_->data());
  left_ = std::span(notes_->data(), left_.size());
  return status;
}

SendStatus FramedWriter::push(net::Stream& stream) {
  while (!left_.empty()) {
    const net::IoResult result = stream.try_write(std::span<const iovec>(left_));
    sent_ += result.bytes;
    std::size_t gone = result.bytes;
    while (gone != 0 && gone >= left_.front().iov_len) {
      gone -= left_.front().iov_len;
      left_ = left_.subspan(1);
    }
    if (gone != 0) {
      left_.front().iov_base = static_cast<char*>(left_.front().iov_base) + gone;
      left_.front().iov_len -= gone;
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
