#include "http1/parse_error.h"

#include <utility>

namespace weir::http1 {
namespace {

struct Row {
  Reason reason;
  int status;  // the answer to a client
  std::string_view text;
  std::string_view directive = {};
};

constexpr Row kRows[] = {
    {Reason::None, 0, ""},
    {Reason::BareLf, 400, "a line that ends with LF alone"},
    {Reason::BareCr, 400, "a CR without LF"},
    {Reason::ControlOctet, 400, "a control character in a head"},
    {Reason::TooManyEmptyLines, 400, "too many empty lines before a request"},
    {Reason::BadMethod, 400, "an invalid method"},
    {Reason::BadRequestLine, 400, "an invalid request line"},
    {Reason::BadTarget, 400, "an invalid request target"},
    {Reason::TargetOctet, 400, "an invalid character in the request target"},
    {Reason::TargetFragment, 400, "a fragment in the request target"},
    {Reason::TargetUserInfo, 400, "user information in the request target"},
    {Reason::TargetScheme, 400, "an unknown scheme in the request target"},
    {Reason::TargetAuthority, 400, "an invalid host in the request target"},
    {Reason::TargetFormMethod, 400, "a request target that does not fit the method"},
    {Reason::MissingVersion, 400, "a request line without a version"},
    {Reason::BadVersion, 400, "an invalid HTTP version"},
    {Reason::UnsupportedVersion, 505, "an HTTP version that is not supported"},
    {Reason::BadStatusLine, 502, "an invalid status line"},
    {Reason::BadStatus, 502, "a status that is not between 100 and 599"},
    {Reason::RequestLineTooLong, 414, "a too long request line", "large_client_header_buffers"},
    {Reason::FieldTooLong, 431, "a too long header line", "large_client_header_buffers"},
    {Reason::HeadTooLarge, 431, "a too large header", "large_client_header_buffers"},
    {Reason::TooManyFields, 400, "too many header lines", "max_headers"},
    {Reason::TooManyConnectionOptions, 400, "too many options in Connection"},
    {Reason::SpaceBeforeField, 400, "white space before the first header line"},
    {Reason::ObsoleteFolding, 400, "a folded header line"},
    {Reason::EmptyName, 400, "a header line with an empty name"},
    {Reason::BadName, 400, "an invalid character in a header name"},
    {Reason::SpaceBeforeColon, 400, "white space between a header name and the colon"},
    {Reason::MissingColon, 400, "a header line without a colon"},
    {Reason::RepeatedField, 400, "a header that may come only once twice"},
    {Reason::MissingHost, 400, "an HTTP/1.1 request without \"Host\" header"},
    {Reason::RepeatedHost, 400, "more than one \"Host\" header"},
    {Reason::BadHost, 400, "an invalid \"Host\" header"},
    {Reason::HostDisagrees, 400, "a \"Host\" header that disagrees with the request target"},
    {Reason::BadContentLength, 400, "an invalid \"Content-Length\" header"},
    {Reason::RepeatedContentLength, 400, "more than one \"Content-Length\" header"},
    {Reason::LengthAndTransferEncoding, 400, "\"Content-Length\" and \"Transfer-Encoding\" headers at the same time"},
    {Reason::RepeatedTransferEncoding, 400, "more than one \"Transfer-Encoding\" header"},
    {Reason::BadTransferEncoding, 400, "an invalid \"Transfer-Encoding\" header"},
    {Reason::UnknownTransferCoding, 501, "an unknown \"Transfer-Encoding\""},
    {Reason::TransferEncodingInHttp10, 400, "a \"Transfer-Encoding\" header in an HTTP/1.0 message"},
    {Reason::UnknownExpectation, 417, "an unknown \"Expect\" header"},
    {Reason::BadChunkSize, 400, "an invalid chunk size"},
    {Reason::ChunkTooLarge, 400, "a too large chunk size"},
    {Reason::BadChunkExtension, 400, "an invalid chunk extension"},
    {Reason::ChunkExtensionsTooLong, 400, "too long chunk extensions"},
    {Reason::BadChunkEnd, 400, "a chunk that does not end where its size says"},
    {Reason::TrailersTooLarge, 431, "too large trailers"},
    {Reason::TooManyTrailers, 431, "too many trailers"},
};

constexpr bool is_in_order() {
  std::size_t i = 0;
  for (const Row& row : kRows)
    if (static_cast<std::size_t>(row.reason) != i++) return false;
  return i == static_cast<std::size_t>(Reason::TooManyTrailers) + 1;
}
static_assert(is_in_order(), "kRows has one row for each Reason, in the order of the enumeration");

const Row& row_of(Reason reason) {
  return kRows[static_cast<std::size_t>(reason)];
}

}  // namespace

ParseError::ParseError(Reason why, Side from)
    : reason(why), side(from), status(from == Side::Backend ? 502 : row_of(why).status) {}

std::string_view ParseError::text() const noexcept {
  return row_of(reason).text;
}

http::Refusal ParseError::kind() const noexcept {
  using http::Refusal;
  // The last reason of each kind, as they are grouped.
  constexpr std::pair<Reason, Refusal> kGroups[] = {
      {Reason::TooManyEmptyLines, Refusal::Syntax},     {Reason::UnsupportedVersion, Refusal::RequestLine},
      {Reason::BadStatus, Refusal::Syntax},             {Reason::TooManyConnectionOptions, Refusal::HeadSize},
      {Reason::RepeatedField, Refusal::Fields},         {Reason::HostDisagrees, Refusal::Host},
      {Reason::UnknownExpectation, Refusal::Framing},   {Reason::TooManyTrailers, Refusal::BodyFraming},
  };
  for (const auto& [last, kind] : kGroups)
    if (reason <= last) return kind;
  return Refusal::Syntax;
}

std::string_view ParseError::directive() const noexcept {
  const std::string_view directive = row_of(reason).directive;
  return directive.empty() || side == Side::Client ? directive : "proxy_buffer_size";
}

}  // namespace weir::http1
