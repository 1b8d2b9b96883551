#include "http/date.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace weir::http {

namespace {

constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

}  // namespace

std::string http_date(std::time_t time) {
  std::tm utc;
  gmtime_r(&time, &utc);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday, kMonths[utc.tm_mon],
                     utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

std::string_view http_date_now() {
  thread_local std::time_t second = 0;
  thread_local std::string text;
  timespec now;
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second) {
    second = now.tv_sec;
    text = http_date(second);
  }
  return text;
}

std::time_t parse_http_date(std::string_view given) {
  constexpr std::size_t kLongest = 64;
  if (given.size() > kLongest) return -1;
  const std::string text(given);
  for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm utc{};
    const char* const end = strptime(text.c_str(), form, &utc);
    if (end == text.c_str() + text.size()) return std::max<std::time_t>(timegm(&utc), -1);
  }
  return -1;
}

}  // namespace weir::http
