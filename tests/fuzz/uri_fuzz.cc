// Any octets as a path. Must hold: the normal form is one, and what is passed on to a backend lies below a denied prefix in
// no usual reading, as an independent set of models judges it.
#include <string>

#include "http/path_readings.h"
#include "http/uri.h"
#include "http1_reading.h"
#include "path_models.h"

namespace weir::http {
namespace {

constexpr std::string_view kDenied = "/a";

bool is_denied(std::string_view path) {
  return path.starts_with(kDenied) && (path.size() == kDenied.size() || path[kDenied.size()] == '/');
}

void check_normal(std::string_view normal, bool merge, net::Arena& memory) {
  MUST(normal.starts_with('/') && normal.find('\0') == normal.npos);
  MUST(!merge || normal.find("//") == normal.npos);
  for (std::size_t at = 0; at < normal.size();) {
    const std::size_t end = std::min(normal.find('/', at), normal.size());
    const std::string_view segment = normal.substr(at, end - at);
    MUST(segment != "." && segment != "..");
    at = end + 1;
  }
  const auto again = normalise_path(escape(normal, EscapeFor::Path, memory), merge, memory);
  MUST(again && *again == normal);
}

void run(std::string_view input) {
  if (input.empty() || input.size() > 200) return;
  const bool merge = (input.front() & 1) == 0;
  const std::string path = "/" + std::string(input.substr(1));
  // What a request parser lets through as a path.
  for (const char c : path)
    if (c <= 0x20 || c >= 0x7f || c == '#' || c == '?') return;

  net::BufferPool pool;
  net::Arena memory(pool);
  const auto normal = normalise_path(path, merge, memory);
  if (!normal) return;
  check_normal(*normal, merge, memory);
  if (is_denied(*normal)) return;  // a rule refuses it
  static const int kDeniedPlace = 0, kOtherPlace = 0;
  const PathVerdict verdict = judge_path(
      path, *normal, [](std::string_view text) -> const void* { return is_denied(text) ? &kDeniedPlace : &kOtherPlace; },
      memory);
  if (!verdict.refused.empty()) return;
  const std::string_view forwarded = verdict.normal_form_only ? escape(*normal, EscapeFor::Path, memory) : path;
  for (const std::string& reading : conformance::readings_of(forwarded)) MUST(!is_denied(reading));
}

}  // namespace
}  // namespace weir::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  weir::http::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
