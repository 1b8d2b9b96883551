// Feeds the same octets to a parser in every way they could arrive and insists on one outcome.
#pragma once

#include <string>
#include <string_view>

#include "http1/chunked_decoder.h"
#include "http1/request_parser.h"
#include "http1/response_parser.h"

namespace weir::http1 {

/// What came of a parse, in one line: "incomplete", "bad REASON STATUS", or "ok …" with all that the head says and
/// how many octets it had. Equal lines mean equal outcomes.
using Outcome = std::string;

/// Whole; one octet at a time; and cut in two at each position. The bytes lie in a new block of exactly their size
/// for every call, and the block before is gone by then, so that a slice left behind or an octet read beyond the end
/// is found by AddressSanitizer. Fails the running test if two outcomes differ; returns the first.
Outcome parse_request(std::string_view bytes, const RequestOptions& options = {}, const HeadLimits& limits = {});
Outcome parse_response(std::string_view bytes, http::Method request = http::Method::Get,
                       const HeadLimits& limits = {}, const ResponseOptions& options = {});
/// "ok DATA trailers NAME=VALUE… left N" or as above. `DATA` is the body.
Outcome decode_chunked(std::string_view bytes, const ChunkLimits& limits = {}, Side side = Side::Client);

/// The outcome of a refusal.
std::string bad(Reason reason, int status);

}  // namespace weir::http1
