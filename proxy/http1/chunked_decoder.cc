#include "http1/chunked_decoder.h"

#include <algorithm>

#include "http1/field_line.h"
#include "http1/octets.h"

namespace weir::http1 {
namespace {

using http::FieldId;

constexpr int kMaxDigits = 16;
constexpr std::uint64_t kMaxSize = (std::uint64_t{1} << 63) - 1;

/// The value of a hexadecimal digit, or -1.
int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char folded = static_cast<char>(c | 0x20);
  return folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
}

bool may_be_trailer(const FieldLine& line) {
  if (line.name_classes != kPlainName) return false;
  const FieldId id = http::field_id(line.name);
  return id == FieldId::Other || id == FieldId::ETag;
}

}  // namespace

void ChunkedDecoder::start(Side side, const ChunkLimits& limits) noexcept {
  limits_ = limits;
  text_.clear();
  line_begin_ = 0;
  trailers_.clear();
  left_ = decoded_ = 0;
  extensions_ = trailer_count_ = 0;
  dropped_ = 0;
  digits_ = 0;
  side_ = side;
  state_ = State::FirstDigit;
  error_ = {};
}

void ChunkedDecoder::fail(Reason reason) noexcept {
  state_ = State::Bad;
  error_ = ParseError(reason, side_);
}

ChunkedDecoder::Event ChunkedDecoder::next(std::string_view& input, std::string_view& data) {
  while (state_ != State::End && state_ != State::Bad) {
    if (input.empty()) return Event::NeedInput;
    switch (state_) {
      case State::Data:
        return take_data(input, data);
      case State::Extension:
        extension(input);
        break;
      case State::TrailerStart:
        trailer_start(input);
        break;
      case State::Trailer:
        trailer(input);
        break;
      default:
        take_octet(input.front());
        input.remove_prefix(1);
    }
  }
  return state_ == State::End ? Event::End : Event::Bad;
}

ChunkedDecoder::Event ChunkedDecoder::take_data(std::string_view& input, std::string_view& data) noexcept {
  data = input.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size())));
  input.remove_prefix(data.size());
  decoded_ += data.size();
  left_ -= data.size();
  if (left_ == 0) state_ = State::DataCr;
  return Event::Data;
}

/// One octet of what separates chunks.
void ChunkedDecoder::take_octet(char octet) noexcept {
  switch (state_) {
    case State::FirstDigit:
      left_ = 0;
      digits_ = 0;
      if (hex_digit(octet) < 0)
        fail(Reason::BadChunkSize);
      else
        size_octet(octet);
      break;
    case State::Size:
      size_octet(octet);
      break;
    case State::SizeBlank:
      ++extensions_;
      after_size(octet);
      break;
    case State::SizeLf:
      expect('\n', octet, left_ == 0 ? State::TrailerStart : State::Data, Reason::BareCr);
      break;
    case State::DataCr:
      expect('\r', octet, State::DataLf, Reason::BadChunkEnd);
      break;
    case State::DataLf:
      expect('\n', octet, State::FirstDigit, Reason::BadChunkEnd);
      break;
    case State::TrailersLf:
      expect('\n', octet, State::End, Reason::BareCr);
      break;
    default:
      break;
  }
}

void ChunkedDecoder::size_octet(char octet) noexcept {
  const int digit = hex_digit(octet);
  if (digit < 0) {
    after_size(octet);
  } else if (digits_ == kMaxDigits || left_ > (kMaxSize >> 4)) {
    fail(Reason::ChunkTooLarge);
  } else {
    state_ = State::Size;
    ++digits_;
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
  }
}

/// White space is allowed only before the semicolon of an extension.
void ChunkedDecoder::after_size(char octet) noexcept {
  if (extensions_ > limits_.max_extensions) {
    fail(Reason::ChunkExtensionsTooLong);
  } else if (octet == ';') {
    state_ = State::Extension;
  } else if (is_blank(octet)) {
    state_ = State::SizeBlank;
  } else if (octet == '\r' && state_ == State::Size) {
    state_ = State::SizeLf;
  } else {
    fail(octet == '\n' ? Reason::BareLf : Reason::BadChunkSize);
  }
}

void ChunkedDecoder::extension(std::string_view& input) noexcept {
  const char* const begin = input.data();
  const char* const at = find_control(begin, begin + input.size());
  const auto length = static_cast<std::size_t>(at - begin);
  input.remove_prefix(length);
  extensions_ += length;
  if (extensions_ > limits_.max_extensions) {
    fail(Reason::ChunkExtensionsTooLong);
  } else if (!input.empty()) {
    if (input.front() == '\r') {
      input.remove_prefix(1);
      state_ = State::SizeLf;
    } else {
      fail(input.front() == '\n' ? Reason::BareLf : Reason::BadChunkExtension);
    }
  }
}

void ChunkedDecoder::expect(char wanted, char octet, State then, Reason otherwise) noexcept {
  if (octet == wanted)
    state_ = then;
  else
    fail(otherwise);
}

void ChunkedDecoder::trailer_start(std::string_view& input) noexcept {
  if (input.front() == '\r') {
    input.remove_prefix(1);
    state_ = State::TrailersLf;
  } else {
    state_ = State::Trailer;
  }
}

/// Keeps the octets of a trailer line up to its LF.
void ChunkedDecoder::trailer(std::string_view& input) {
  const char* const lf = find_lf(input.data(), input.data() + input.size());
  const std::size_t length = lf != nullptr ? static_cast<std::size_t>(lf - input.data()) + 1 : input.size();
  const std::size_t line_length = text_.size() - line_begin_ + length;
  if (text_.size() + length > limits_.trailers.max_total || line_length > limits_.trailers.max_field_line) {
    fail(Reason::TrailersTooLarge);
    return;
  }
  const char* const before = text_.data();
  text_.insert(text_.end(), input.data(), input.data() + length);
  if (text_.data() != before) trailers_.rebase(before, text_.data());
  input.remove_prefix(length);
  if (lf != nullptr) finish_trailer();
}

void ChunkedDecoder::finish_trailer() {
  FieldLine line;
  Reason reason = Reason::None;
  const char* const begin = text_.data() + line_begin_;
  if (read_field_line(begin, text_.data() + text_.size(), false, line, reason) == nullptr) {
    fail(reason);
  } else if (trailer_count_++ == limits_.trailers.max_fields) {
    fail(Reason::TooManyTrailers);
  } else {
    if (may_be_trailer(line))
      trailers_.add(line.name, line.value);
    else
      ++dropped_;
    line_begin_ = text_.size();
    state_ = State::TrailerStart;
  }
}

}  // namespace weir::http1
