// What the fields that decide about framing and the connection say. Used for both directions.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.h"
#include "http1/parse_error.h"

namespace weir::http1 {

/// Reads a Content-Length: decimal digits only, below 2^63. False if it is anything else, also an empty or a list
/// value.
bool parse_content_length(std::string_view value, std::uint64_t& length);

/// None if `value` is exactly `chunked`; UnknownTransferCoding for a well-formed list that contains another coding;
/// else BadTransferEncoding.
Reason judge_transfer_encoding(std::string_view value);

/// Collects the options of all Connection fields. Returns None, or TooManyConnectionOptions.
Reason parse_connection(const http::Fields& fields, http::ConnectionOptions& options);

/// Whether a second field `id` makes a request or answer ambiguous. For framing, routing and authentication the RFCs
/// forbid it; the conditional fields follow nginx, since backends differ in which of two they obey.
Reason judge_repetition(http::FieldId id, Side side);

}  // namespace weir::http1
