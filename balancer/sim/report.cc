// A report as text.
#include <weir/balancer/simulation.h>

#include <algorithm>
#include <cstdio>

namespace weir::balancer {
namespace {

std::string padded(std::string text, std::size_t width, bool right = true) {
  if (text.size() < width) text.insert(right ? 0 : text.size(), width - text.size(), ' ');
  return text;
}

std::string milliseconds(std::chrono::microseconds time) {
  char text[32];
  std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(time.count() / 1000),
                static_cast<long long>(time.count() % 1000));
  return text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) >= ' ') out += c;
  }
  return out + '"';
}

}  // namespace

std::string SimulationReport::table() const {
  std::size_t width = 7;
  std::uint64_t all = 0;
  for (const Backend& backend : backends) {
    width = std::max(width, backend.address.size());
    all += backend.picks;
  }
  std::string text = padded("backend", width, false) +
                     "     picks   share      good    errors    resets  timeouts  most at once\n";
  for (const Backend& backend : backends) {
    const std::uint64_t tenths = all == 0 ? 0 : (backend.picks * 1000 + all / 2) / all;
    text += padded(backend.address, width, false) + padded(std::to_string(backend.picks), 10) +
            padded(std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + "%", 8);
    for (const std::uint64_t count : {backend.good, backend.errors, backend.resets, backend.timeouts}) {
      text += padded(std::to_string(count), 10);
    }
    text += padded(std::to_string(backend.most_active), 14) + "\n";
  }
  text += "\n" + std::to_string(requests) + " requests, " + std::to_string(failed) + " failed, " +
          std::to_string(misroutes) + " misroutes; p50 " + milliseconds(p50) + " ms, p99 " + milliseconds(p99) +
          " ms, longest " + milliseconds(longest) + " ms\n";
  return text;
}

std::string SimulationReport::json() const {
  std::string text = "{\"requests\":" + std::to_string(requests) + ",\"failed\":" + std::to_string(failed) +
                     ",\"misroutes\":" + std::to_string(misroutes) + ",\"p50_us\":" + std::to_string(p50.count()) +
                     ",\"p99_us\":" + std::to_string(p99.count()) + ",\"longest_us\":" + std::to_string(longest.count()) +
                     ",\"backends\":[";
  for (const Backend& backend : backends) {
    if (&backend != &backends.front()) text += ',';
    text += "{\"address\":" + quoted(backend.address) + ",\"picks\":" + std::to_string(backend.picks) +
            ",\"good\":" + std::to_string(backend.good) + ",\"errors\":" + std::to_string(backend.errors) +
            ",\"resets\":" + std::to_string(backend.resets) + ",\"timeouts\":" + std::to_string(backend.timeouts) +
            ",\"most_active\":" + std::to_string(backend.most_active) + "}";
  }
  return text + "]}\n";
}

}  // namespace weir::balancer
