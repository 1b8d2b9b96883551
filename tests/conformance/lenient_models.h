// How recipients that are less strict than RFC 9112 read the requests on a connection.
//
// What Weir sends to a backend must mean the same to all of them: a model that takes the octets at all has to see the
// requests that the strict model sees (RELIABILITY: "nothing forwarded is ambiguous"). Each model stands for a
// leniency that was behind a published request smuggling fault. Shares no code with the proxy: it is its judge.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::conformance {

struct LenientModel {
  const char* name = "";
  bool bare_lf = false;            // LF ends a line
  bool bare_cr = false;            // CR ends a line, whatever follows
  bool folding = false;            // a line that begins with white space goes on with the one before
  bool blank_before_colon = false; // white space between a name and the colon does not count
  bool underscore = false;         // `_` in a name is `-`, as in CGI variables
  bool trims_names = false;        // octets that are no token octets do not count at the ends of names
  bool skips_bad_lines = false;    // a line without colon is passed over
  bool nul_ends = false;           // NUL ends a name or a value
  bool prefix_numbers = false;     // `5;x`, `+5`, `5, 6` and ` 5` are 5; so in chunk sizes
  bool small_sizes = false;        // chunk sizes are kept in 32 bits
  bool hex_prefix = false;         // chunk sizes may begin with 0x
  bool odd_codings = false;        // any Transfer-Encoding that contains "chunked" is chunked
  bool ignores_codings = false;    // Transfer-Encoding says nothing: Content-Length or no body
  bool coding_in_10 = false;       // HTTP/1.0 may be chunked
  bool empty_lines = false;        // any number of empty lines before a request
  bool lf_in_chunks = false;       // LF ends the lines of the chunked framing
  bool skips_chunk_end = false;    // two octets after a chunk's data are passed over unread
  enum class Both { Refuse, Length, Coding } both = Both::Refuse;  // Content-Length beside Transfer-Encoding
  enum class Repeated { Refuse, First, Last } repeated = Repeated::Refuse;  // of Content-Length and of Host
};

/// The strict one first.
std::span<const LenientModel> lenient_models();

struct SeenRequest {
  std::string method, target, version;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;

  /// The first value of `name` (in lower case); empty if there is none.
  std::string field(std::string_view name) const;
};

struct SeenRequests {
  std::vector<SeenRequest> requests;  // the complete ones
  std::string rest;                   // octets of one that is not complete
  std::string fault;                  // why the model refuses to go on; empty: it does not
};

/// Reads the octets of one connection as `model` does.
SeenRequests read_as(const LenientModel& model, std::string_view octets);

/// What is ambiguous in the octets of one connection: a model that accepts them all but sees other requests than the
/// strict one. Nothing if all agree. Octets that the strict model refuses are ambiguous.
std::optional<std::string> ambiguity_of(std::string_view octets);

}  // namespace weir::conformance
