// What a Range field asks for (RFC 9110 14.2).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::http {

struct ByteRange {
  std::uint64_t from, end;  // end: one past the last octet
  std::uint64_t size() const { return end - from; }
};
using ByteRanges = std::vector<ByteRange>;

enum class RangeReading : std::uint8_t { Good, Malformed, Whole };

/// Whether the value of a Range field is about octets; in other units there is nothing to choose from.
bool names_byte_ranges(std::string_view field);

/// Reads `bytes=0-9,20-,-5`, for which `names_byte_ranges` is true, for a body of `size` octets, into `ranges`: in the
/// order asked for, none empty, those that lie outside left out, at most `most`. Whole: the ranges are not to be kept to, as
/// there are more or the body is empty, of which nothing could be satisfied.
RangeReading read_byte_ranges(std::string_view field, std::uint64_t size, std::uint32_t most, ByteRanges& ranges);

}  // namespace weir::http
