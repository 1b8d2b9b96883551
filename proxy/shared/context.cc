#include "shared/context.h"

#include <algorithm>

namespace weir::shared {

namespace {

constexpr std::size_t kMostCaptures = 10;

}  // namespace

Context::Context(Runtime& runtime, net::Arena& arena) : base_(&runtime), arena_(arena) {
  const std::size_t slots = variables().slots();
  if (slots == 0) return;
  void* const memory = arena_.allocate(slots * sizeof(std::optional<VariableValue>), alignof(std::max_align_t));
  slots_ = {new (memory) std::optional<VariableValue>[slots], slots};
}

net::Endpoint Context::client_behind(std::span<const Network>, bool, const net::Endpoint& address) { return address; }

std::string_view Context::concat(std::span<const std::string_view> parts) {
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  if (size == 0) return {};
  char* const out = static_cast<char*>(arena_.allocate(size, 1));
  char* to = out;
  for (const std::string_view part : parts) to = std::copy(part.begin(), part.end(), to);
  return {out, size};
}

bool Context::match(const config::Regex& regex, std::string_view subject) {
  std::string_view found[kMostCaptures];
  const auto outcome = regex.search(subject, found);
  if (outcome == config::Regex::Outcome::Failed)
    log::warn(error_log(), *this, "\"{}\" could not be matched: it needs too many steps", regex.pattern());
  if (outcome != config::Regex::Outcome::Yes) return false;
  const std::size_t count = std::min(kMostCaptures, regex.groups() + 1);
  if (captures_.size() < count) {
    void* const memory = arena_.allocate(kMostCaptures * sizeof(std::string_view), alignof(std::string_view));
    captures_ = {new (memory) std::string_view[kMostCaptures], kMostCaptures};
  }
  std::fill(captures_.begin(), captures_.end(), std::string_view());
  std::copy_n(found, count, captures_.begin());
  for (const config::Regex::Name& name : regex.names())
    if (const auto index = variables().writable(name.name); index && name.group < kMostCaptures)
      slot(*index) = VariableValue{found[name.group], found[name.group].data() != nullptr};
  return true;
}

}  // namespace weir::shared
