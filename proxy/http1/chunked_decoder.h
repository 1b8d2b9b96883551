// The chunked coding (RFC 9112 7.1), decoded without copying.
//
// Strict: every line ends with CRLF; a size is 1 to 16 hexadecimal digits and below 2^63, with no sign, prefix or
// space around it; extensions are checked, counted against one limit for the whole body, and dropped. Only trailers
// are copied, into memory of the resource given to the constructor, because their lines may arrive in pieces.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <memory_resource>
#include <string_view>
#include <vector>

#include "http/message.h"
#include "http1/parse_error.h"

namespace weir::http1 {

struct ChunkLimits {
  std::size_t max_extensions = 16384;  // octets of all extensions of one body
  HeadLimits trailers{.max_line = 8192, .max_field_line = 8192, .max_total = 16384, .max_fields = 100};
};

class ChunkedDecoder {
 public:
  enum class Event : std::uint8_t {
    Data,       // `data` is a piece of the body: a slice of what was `input`
    NeedInput,  // `input` is used up
    End,        // the last chunk and the trailers are complete; `input` is what follows the body
    Bad,        // see `error`; the connection cannot be used any more
  };

  /// `memory`: for trailers only; nothing is taken from it unless some arrive.
  explicit ChunkedDecoder(std::pmr::memory_resource* memory) : text_(memory), trailers_(memory) {}
  ChunkedDecoder(const ChunkedDecoder&) = delete;
  ChunkedDecoder& operator=(const ChunkedDecoder&) = delete;

  /// Prepares for one body from `side`. Keeps memory of earlier trailers for reuse.
  void start(Side side, const ChunkLimits& limits = {}) noexcept;

  /// Takes octets from the front of `input`. After Data, call again with what is left. Call with new octets after
  /// NeedInput. End and Bad repeat themselves.
  Event next(std::string_view& input, std::string_view& data);

  /// After End: the trailer fields. Removed are those that a proxy or a backend acts on, which may not come this late
  /// (RFC 9110 6.5.1): all that FieldId knows, but ETag, and names not made of letters, digits and hyphens. The
  /// slices are of this decoder's memory, valid until `start`. Nobody is obliged to forward them.
  const http::Fields& trailers() const noexcept { return trailers_; }
  /// How many trailer fields were removed.
  std::uint32_t dropped_trailers() const noexcept { return dropped_; }

  /// Octets of body so far.
  std::uint64_t decoded() const noexcept { return decoded_; }
  bool ended() const noexcept { return state_ == State::End; }
  const ParseError& error() const noexcept { return error_; }

 private:
  enum class State : std::uint8_t {
    FirstDigit,
    Size,
    SizeBlank,  // white space after the size: an extension must follow
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    Trailer,
    TrailersLf,
    End,
    Bad,
  };

  void fail(Reason reason) noexcept;
  Event take_data(std::string_view& input, std::string_view& data) noexcept;
  void take_octet(char octet) noexcept;
  void size_octet(char octet) noexcept;
  void after_size(char octet) noexcept;
  void extension(std::string_view& input) noexcept;
  void expect(char wanted, char octet, State then, Reason otherwise) noexcept;
  void trailer_start(std::string_view& input) noexcept;
  void trailer(std::string_view& input);
  void finish_trailer();

  ChunkLimits limits_;
  std::pmr::vector<char> text_;  // trailer lines with their CRLF
  std::size_t line_begin_ = 0;   // of the trailer line that is arriving, in text_
  http::Fields trailers_;
  std::uint64_t left_ = 0;  // of the current chunk
  std::uint64_t decoded_ = 0;
  std::size_t extensions_ = 0;  // octets so far
  std::size_t trailer_count_ = 0;
  std::uint32_t dropped_ = 0;
  std::uint8_t digits_ = 0;
  Side side_ = Side::Client;
  State state_ = State::Bad;
  ParseError error_;
};

}  // namespace weir::http1
