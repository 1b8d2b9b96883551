// ranges: Range and If-Range (RFC 9110 14).
#include <fmt/format.h>

#include "features/scopes.h"
#include "http/byte_ranges.h"
#include "http/date.h"
#include "http/exchange.h"
#include "http/file_body.h"
#include "http/file_conf.h"
#include "http/respond.h"

namespace weir::http {

namespace {

/// Whether If-Range lets the range through: the client has parts of this very version.
bool same_version(const Exchange& exchange, const Response& response) {
  const Field* const condition = exchange.request.fields.find(FieldId::IfRange);
  if (!condition) return true;
  if (condition->value.ends_with('"')) {
    const std::string_view etag = response.fields.value(FieldId::ETag);
    return !etag.empty() && !etag.starts_with("W/") && etag == condition->value;
  }
  const std::time_t date = parse_http_date(condition->value);
  return date != -1 && !response.last_modified.empty() && parse_http_date(response.last_modified) == date;
}

template <class... Args>
std::string_view print(Exchange& exchange, fmt::format_string<Args...> form, Args&&... args) {
  return exchange.keep(fmt::format(form, std::forward<Args>(args)...));
}

void serve_one(Exchange& exchange, Response& response, const ByteRange& range, std::uint64_t size) {
  response.fields.add({"Content-Range", print(exchange, "bytes {}-{}/{}", range.from, range.end - 1, size),
                       FieldId::ContentRange});
  response.content_length = range.size();
  response.seekable->select(range.from, range.size());
}

void serve_several(Exchange& exchange, Response& response, std::span<const ByteRange> ranges, std::uint64_t size) {
  const std::string_view boundary = print(exchange, "{:020}", exchange.runtime().worker().random());
  std::string_view type;
  if (!response.content_type.empty()) type = exchange.concat({"Content-Type: ", response.content_type, "\r\n"});
  auto* const parts = static_cast<MultipartBody::Part*>(
      exchange.arena().allocate(ranges.size() * sizeof(MultipartBody::Part), alignof(MultipartBody::Part)));
  const std::string_view end = print(exchange, "\r\n--{}--\r\n", boundary);
  std::uint64_t length = end.size();
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const ByteRange& range = ranges[i];
    const std::string_view head = print(exchange, "\r\n--{}\r\n{}Content-Range: bytes {}-{}/{}\r\n\r\n", boundary, type,
                                        range.from, range.end - 1, size);
    new (&parts[i]) MultipartBody::Part{head, range.from, range.size()};
    length += head.size() + range.size();
  }
  response.content_type = exchange.concat({"multipart/byteranges; boundary=", boundary});
  response.content_length = length;
  response.body = exchange.make<MultipartBody>(*response.seekable,
                                               std::span<const MultipartBody::Part>(parts, ranges.size()), end);
}

void refuse(Exchange& exchange, std::uint64_t size) {
  Fields kept = exchange.response.fields;  // `add_header` and `expires` were for the request, not for its status
  kept.remove(FieldId::ETag);
  make_status_page(exchange, 416);
  for (const Field& field : kept) exchange.response.fields.add(field);
  exchange.response.fields.add({"Content-Range", print(exchange, "bytes */{}", size), FieldId::ContentRange});
}

void choose(Exchange& exchange, Response& response) {
  if (!response.is_conditional || response.status != 200 || !response.content_length) return;
  const std::uint32_t most = *exchange.conf<FileConf>().max_ranges;
  if (most == 0) return;
  const std::uint64_t size = *response.content_length;
  const std::string_view asked = exchange.request.fields.value(FieldId::Range);
  if (names_byte_ranges(asked) && same_version(exchange, response)) {
    ByteRanges ranges;
    const RangeReading reading = read_byte_ranges(asked, size, most, ranges);
    if (reading == RangeReading::Malformed || (reading == RangeReading::Good && ranges.empty()))
      return refuse(exchange, size);
    std::uint64_t sum = 0;
    for (const ByteRange& range : ranges) sum += range.size();
    // Ranges that overlap so much that they are more than the whole are a way to ask for too much: the whole it is.
    if (reading == RangeReading::Good && sum <= size && response.seekable) {
      response.status = 206;
      response.reason = {};
      if (ranges.size() == 1) return serve_one(exchange, response, ranges[0], size);
      return serve_several(exchange, response, ranges, size);
    }
  }
  response.fields.add({"Accept-Ranges", "bytes", FieldId::AcceptRanges});
}

constexpr HeaderFilter kFilters[] = {{.enabled = [](const config::Settings&) { return true; }, .run = choose}};

}  // namespace

extern const Feature ranges;
const Feature ranges{.name = "ranges", .header_filters = kFilters};

}  // namespace weir::http
