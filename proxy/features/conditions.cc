// conditions: If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since (RFC 9110 13).
#include "features/scopes.h"
#include "http/date.h"
#include "http/exchange.h"
#include "http/file_conf.h"
#include "http/respond.h"

namespace weir::http {

namespace {

/// Whether the list of entity tags `list` names `etag`. `weak`: weak and strong tags of the same text are equal.
bool names_tag(std::string_view list, std::string_view etag, bool weak) {
  if (list == "*") return true;
  if (etag.empty()) return false;
  if (weak && etag.starts_with("W/")) etag.remove_prefix(2);
  while (!list.empty()) {
    const std::size_t start = list.find_first_not_of(" \t,");
    if (start == list.npos) return false;
    list.remove_prefix(start);
    std::string_view tag = list;
    if (weak && tag.starts_with("W/")) tag.remove_prefix(2);
    if (tag.starts_with(etag)) {
      const std::string_view rest = tag.substr(etag.size());
      if (rest.empty() || rest.front() == ' ' || rest.front() == '\t' || rest.front() == ',') return true;
    }
    // To the comma after this tag; one inside the quotes does not count.
    const std::size_t quote = list.find('"');
    const std::size_t close = quote == list.npos ? list.npos : list.find('"', quote + 1);
    const std::size_t comma = list.find(',', close == list.npos ? 0 : close);
    if (comma == list.npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

bool is_modified(const Exchange& exchange, const Response& response, std::string_view since) {
  const IfModifiedSince mode = *exchange.conf<FileConf>().if_modified_since;
  if (mode == IfModifiedSince::Off || response.last_modified.empty()) return true;
  const std::time_t file = parse_http_date(response.last_modified);
  const std::time_t asked = parse_http_date(since);
  if (asked == file) return false;
  return mode == IfModifiedSince::Exact || asked == -1 || asked < file;
}

bool is_unmodified(const Response& response, std::string_view since) {
  const std::time_t asked = parse_http_date(since);
  return !response.last_modified.empty() && asked != -1 && parse_http_date(response.last_modified) <= asked;
}

void make_not_modified(Response& response) {
  response.status = 304;
  response.reason = {};
  response.body = nullptr;
  response.seekable = nullptr;
  response.content_type = {};
  response.content_length.reset();
  response.fields.remove(FieldId::ContentEncoding);
}

void judge(Exchange& exchange, Response& response) {
  if (!response.is_conditional || response.status != 200) return;
  const Fields& asked = exchange.request.fields;
  const std::string_view etag = response.fields.value(FieldId::ETag);

  const Field* const unmodified = asked.find(FieldId::IfUnmodifiedSince);
  const Field* const match = asked.find(FieldId::IfMatch);
  if ((match && !names_tag(match->value, etag, false)) ||
      (!match && unmodified && !is_unmodified(response, unmodified->value)))
    return make_status_page(exchange, 412);

  // If-None-Match says more than a date, so a date beside it does not count (RFC 9110 13.1.3).
  const Field* const none_match = asked.find(FieldId::IfNoneMatch);
  const Field* const modified = asked.find(FieldId::IfModifiedSince);
  if (none_match ? names_tag(none_match->value, etag, true) : modified && !is_modified(exchange, response, modified->value))
    make_not_modified(response);
}

constexpr HeaderFilter kFilters[] = {{.enabled = [](const config::Settings&) { return true; }, .run = judge}};

}  // namespace

extern const Feature conditions;
const Feature conditions{.name = "conditions", .header_filters = kFilters};

}  // namespace weir::http
