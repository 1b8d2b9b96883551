// Writes a head into memory that the caller owns. What is forwarded is always written anew from the parsed form.
//
// Never writes past the space it was given, and never lets a value end its line: a field whose name is no token or
// whose value contains CR, LF or NUL (a variable may bring one) is left out and counted.
//
//   HeadWriter out(scratch);
//   out.request_line("GET", "/a", Version::Http11).field("Host", host);
//   out.fields(head.fields.all());
//   out.framing(head.framing).end();
//   if (out.overflowed()) …            // out.needed() octets would do
//
// Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "http/message.h"

namespace weir::http1 {

class HeadWriter {
 public:
  explicit HeadWriter(std::span<char> space) noexcept : begin_(space.data()), space_(space.size()) {}

  /// `target`: written as it is, so already free of spaces and control octets.
  HeadWriter& request_line(std::string_view method, std::string_view target, http::Version version) noexcept;
  /// `reason`: as received or empty; the space before it is written in both cases.
  HeadWriter& status_line(http::Version version, int status, std::string_view reason) noexcept;
  /// With the usual phrase, see http::reason_phrase.
  HeadWriter& status_line(http::Version version, int status) noexcept;

  /// A field from anywhere: checked.
  HeadWriter& field(std::string_view name, std::string_view value) noexcept;
  HeadWriter& field(std::string_view name, std::uint64_t value) noexcept;
  /// One whose name is a token, because it stands in the program or in the table of fields: only the value is checked.
  HeadWriter& own(std::string_view name, std::string_view value) noexcept;
  HeadWriter& own(std::string_view name, std::uint64_t value) noexcept;
  /// Checked as far as no parser has done so.
  HeadWriter& field(const http::Field& field) noexcept {
    return field.is_parsed                      ? line(field.name, field.value)
           : field.id != http::FieldId::Other ? own(field.name, field.value)
                                                : this->field(field.name, field.value);
  }
  /// All of `fields`. Those that lie as lines are copied as they are, neighbours in one piece.
  HeadWriter& fields(std::span<const http::Field> fields) noexcept;
  /// Content-Length or Transfer-Encoding as `framing` says; nothing for None and UntilClose.
  HeadWriter& framing(const http::Framing& framing) noexcept;
  /// Complete lines prepared elsewhere.
  HeadWriter& raw(std::string_view lines) noexcept;
  /// The empty line.
  HeadWriter& end() noexcept;

  /// Whether the space was too short. What was written then is not a head.
  bool overflowed() const noexcept { return size_ > space_; }
  /// How much space all that was asked for takes.
  std::size_t needed() const noexcept { return size_; }
  /// What was written; empty after an overflow.
  std::string_view text() const noexcept { return {begin_, overflowed() ? 0 : size_}; }
  std::size_t size() const noexcept { return overflowed() ? 0 : size_; }
  /// Fields left out because they could have broken the head.
  std::uint32_t refused() const noexcept { return refused_; }

 private:
  HeadWriter& line(std::string_view name, std::string_view value) noexcept;
  /// Appends all of `pieces` or, if they do not fit, nothing from here on.
  template <class... Pieces>
  HeadWriter& put(const Pieces&... pieces) noexcept;

  char* begin_;
  std::size_t space_;     // shrinks to what was written when something did not fit
  std::size_t size_ = 0;  // goes on counting beyond space_
  std::uint32_t refused_ = 0;
};

/// The line before a chunk's data: "1f4\r\n". `out` must hold 18 octets. Returns how many were written.
std::size_t write_chunk_size(std::uint64_t size, char* out) noexcept;

/// What ends a chunk, and what ends a chunked body without trailers.
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

}  // namespace weir::http1
