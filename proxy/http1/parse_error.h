// Why an HTTP/1 message was refused: a reason, the status that answers it, and words for the log.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/refusal.h"

namespace weir::http1 {

/// Bounds of one head. A line is counted without its LF, leading empty lines are part of the total.
struct HeadLimits {
  std::size_t max_line = 8192;        // request or status line
  std::size_t max_field_line = 8192;  // one field line
  std::size_t max_total = 32768;      // the whole head with all line ends
  std::size_t max_fields = 100;       // fields, those left out included
};

enum class ParseStatus : std::uint8_t { Complete, Incomplete, Bad };

/// Whose message it was; an answer that cannot be understood is a 502, whatever its fault.
enum class Side : std::uint8_t { Client, Backend };

enum class Reason : std::uint8_t {
  None,
  // lines
  BareLf,
  BareCr,
  ControlOctet,
  TooManyEmptyLines,
  // request line
  BadMethod,
  BadRequestLine,
  BadTarget,
  TargetOctet,
  TargetFragment,
  TargetUserInfo,
  TargetScheme,
  TargetAuthority,
  TargetFormMethod,
  MissingVersion,
  BadVersion,
  UnsupportedVersion,
  // status line
  BadStatusLine,
  BadStatus,
  // limits
  RequestLineTooLong,
  FieldTooLong,
  HeadTooLarge,
  TooManyFields,
  TooManyConnectionOptions,
  // fields
  SpaceBeforeField,
  ObsoleteFolding,
  EmptyName,
  BadName,
  SpaceBeforeColon,
  MissingColon,
  RepeatedField,
  // routing
  MissingHost,
  RepeatedHost,
  BadHost,
  HostDisagrees,
  // framing
  BadContentLength,
  RepeatedContentLength,
  LengthAndTransferEncoding,
  RepeatedTransferEncoding,
  BadTransferEncoding,
  UnknownTransferCoding,
  TransferEncodingInHttp10,
  UnknownExpectation,
  // chunked coding
  BadChunkSize,
  ChunkTooLarge,
  BadChunkExtension,
  ChunkExtensionsTooLong,
  BadChunkEnd,
  TrailersTooLarge,
  TooManyTrailers,
};

struct ParseError {
  Reason reason = Reason::None;
  Side side = Side::Client;
  /// What to answer: 400, 414, 417, 431, 501 or 505 to a client; 502 when a backend's message was bad.
  int status = 0;

  ParseError() = default;
  ParseError(Reason why, Side from);

  explicit operator bool() const noexcept { return reason != Reason::None; }
  /// For the log, to follow "client sent" or "upstream sent": "a bare LF", "Content-Length and Transfer-Encoding".
  std::string_view text() const noexcept;
  /// What status outputs count it as.
  http::Refusal kind() const noexcept;
  /// The directive that sets the limit that was exceeded ("large_client_header_buffers", "max_headers",
  /// "proxy_buffer_size"); empty if the reason is no limit, or a fixed one.
  std::string_view directive() const noexcept;
};

}  // namespace weir::http1
