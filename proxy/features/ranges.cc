// ranges: Range and If-Range (RFC 9110 14).
#include <fmt/format.h>

#include <limits>
#include <optional>
#include <vector>

#include "features/scopes.h"
#include "http/date.h"
#include "http/exchange.h"
#include "http/file_body.h"
#include "http/file_conf.h"
#include "http/respond.h"

namespace weir::http {

namespace {

struct Range {
  std::uint64_t from, end;  // end: one past the last octet
  std::uint64_t size() const { return end - from; }
};

constexpr std::string_view kUnit = "bytes=";

void skip_blanks(std::string_view& text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
}

/// Takes a number from the beginning of `text`. Too large ones become the largest.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  std::uint64_t value = 0;
  while (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    const auto digit = static_cast<std::uint64_t>(text.front() - '0');
    value = value > (kMost - digit) / 10 ? kMost : value * 10 + digit;
    text.remove_prefix(1);
  }
  return value;
}

enum class Reading { Good, Malformed, TooMany };

/// Reads `0-9,20-,-5` for a body of `size` octets. Ranges that lie outside are left out.
Reading read_ranges(std::string_view text, std::uint64_t size, std::uint32_t most, std::vector<Range>& ranges) {
  for (std::uint32_t count = 1;; ++count) {
    skip_blanks(text);
    Range range{0, size};
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      const auto suffix = take_number(text);
      if (!suffix) return Reading::Malformed;
      range.from = *suffix >= size ? 0 : size - *suffix;
    } else {
      const auto from = take_number(text);
      if (!from) return Reading::Malformed;
      range.from = *from;
      skip_blanks(text);
      if (!text.starts_with('-')) return Reading::Malformed;
      text.remove_prefix(1);
      skip_blanks(text);
      if (const auto last = take_number(text)) {
        if (*last < *from) return Reading::Malformed;
        if (*last < size) range.end = *last + 1;
      }
    }
    skip_blanks(text);
    if (!text.empty() && text.front() != ',') return Reading::Malformed;
    if (range.from < range.end) {
      if (count > most) return Reading::TooMany;
      ranges.push_back(range);
    }
    if (text.empty()) return Reading::Good;
    text.remove_prefix(1);
  }
}

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

void serve_one(Exchange& exchange, Response& response, const Range& range, std::uint64_t size) {
  response.fields.add({"Content-Range", print(exchange, "bytes {}-{}/{}", range.from, range.end - 1, size),
                       FieldId::ContentRange});
  response.content_length = range.size();
  response.seekable->select(range.from, range.size());
}

void serve_several(Exchange& exchange, Response& response, std::span<const Range> ranges, std::uint64_t size) {
  const std::string_view boundary = print(exchange, "{:020}", exchange.runtime().worker().random());
  std::string_view type;
  if (!response.content_type.empty()) type = exchange.concat({"Content-Type: ", response.content_type, "\r\n"});
  auto* const parts = static_cast<MultipartBody::Part*>(
      exchange.arena().allocate(ranges.size() * sizeof(MultipartBody::Part), alignof(MultipartBody::Part)));
  const std::string_view end = print(exchange, "\r\n--{}--\r\n", boundary);
  std::uint64_t length = end.size();
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const Range& range = ranges[i];
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
  const Field* const asked = exchange.request.fields.find(FieldId::Range);
  const bool is_range = asked && asked->value.size() > kUnit.size() && asked->value.starts_with("bytes") &&
                        equal_caseless(asked->value.substr(0, kUnit.size()), kUnit);
  if (is_range && same_version(exchange, response)) {
    std::vector<Range> ranges;
    const Reading reading = read_ranges(asked->value.substr(kUnit.size()), size, most, ranges);
    if (reading == Reading::Malformed || (reading == Reading::Good && ranges.empty())) return refuse(exchange, size);
    std::uint64_t sum = 0;
    for (const Range& range : ranges) sum += range.size();
    // Ranges that overlap so much that they are more than the whole are a way to ask for too much: the whole it is.
    if (reading == Reading::Good && sum <= size && response.seekable) {
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
