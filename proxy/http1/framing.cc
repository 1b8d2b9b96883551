#include "http1/framing.h"

#include "http1/octets.h"

namespace weir::http1 {
namespace {

using http::FieldId;

/// Comparing every field with every nominated name must stay cheap.
constexpr std::size_t kMaxNominated = 32;

/// Takes the next element of a comma-separated list off `list`, without the white space around it.
std::string_view next_element(std::string_view& list) {
  const std::size_t comma = list.find(',');
  const std::string_view element = list.substr(0, comma);
  list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  return trim_blanks(element);
}

}  // namespace

bool parse_content_length(std::string_view value, std::uint64_t& length) {
  constexpr std::uint64_t kMax = (std::uint64_t{1} << 63) - 1;
  if (value.empty()) return false;
  std::uint64_t sum = 0;
  for (const char c : value) {
    if (!is_digit(c)) return false;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (sum > (kMax - digit) / 10) return false;
    sum = sum * 10 + digit;
  }
  length = sum;
  return true;
}

Reason judge_transfer_encoding(std::string_view value) {
  if (http::equal_caseless(value, "chunked")) return Reason::None;
  bool other_coding = false;
  int chunked = 0;
  if (value.empty()) return Reason::BadTransferEncoding;
  while (!value.empty()) {
    const bool more = value.find(',') != std::string_view::npos;
    const std::string_view coding = next_element(value);
    if (!is_token(coding) || (more && value.empty())) return Reason::BadTransferEncoding;
    if (http::equal_caseless(coding, "chunked"))
      ++chunked;
    else
      other_coding = true;
  }
  return other_coding && chunked <= 1 ? Reason::UnknownTransferCoding : Reason::BadTransferEncoding;
}

Reason parse_connection(const http::Fields& fields, http::ConnectionOptions& options) {
  if (!fields.contains(FieldId::Connection)) return Reason::None;
  for (const http::Field& field : fields) {
    if (field.id != FieldId::Connection) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::string_view option = next_element(list);
      if (option.empty()) continue;
      if (http::equal_caseless(option, "keep-alive")) {
        options.keep_alive = true;
      } else if (http::equal_caseless(option, "close")) {
        options.close = true;
      } else if (http::equal_caseless(option, "upgrade")) {
        options.upgrade = true;
      } else if (!is_token(option)) {
        options.malformed = true;
      } else if (options.nominated.size() == kMaxNominated) {
        return Reason::TooManyConnectionOptions;
      } else {
        options.nominated.push_back(option);
      }
    }
  }
  return Reason::None;
}

Reason judge_repetition(FieldId id, Side side) {
  switch (id) {
    case FieldId::ContentLength:
      return Reason::RepeatedContentLength;
    case FieldId::TransferEncoding:
      return Reason::RepeatedTransferEncoding;
    case FieldId::Host:
      return side == Side::Client ? Reason::RepeatedHost : Reason::None;
    case FieldId::Expect:
    case FieldId::Authorization:
    case FieldId::IfMatch:
    case FieldId::IfNoneMatch:
    case FieldId::IfModifiedSince:
    case FieldId::IfUnmodifiedSince:
    case FieldId::IfRange:
    case FieldId::ContentRange:
      return side == Side::Client ? Reason::RepeatedField : Reason::None;
    default:
      return Reason::None;
  }
}

}  // namespace weir::http1
