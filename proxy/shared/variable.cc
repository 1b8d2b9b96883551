#include "shared/variable.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/directive.h"
#include "shared/context.h"
#include "shared/lower.h"

namespace weir::shared {

namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

void VariableTable::add(std::span<const VariableSpec> specs) {
  for (const VariableSpec& spec : specs) {
    if (spec.name.ends_with("_*")) {
      families_.push_back({spec.name.substr(0, spec.name.size() - 1), spec.get});
      continue;
    }
    names_.emplace(std::string(spec.name), static_cast<Index>(entries_.size()));
    const std::uint32_t cache = spec.cached ? slot("cache of " + std::string(spec.name)) : kNoCache;
    entries_.push_back({spec.get, {}, nullptr, cache, spec.set});
  }
}

VariableSetter VariableTable::setter(std::string_view name) const {
  const auto known = names_.find(lower(name));
  return known == names_.end() ? nullptr : entries_[known->second].set;
}

bool VariableTable::define(std::string name, VariableGetter getter, std::shared_ptr<const void> owned, bool cached) {
  name = lower(name);
  Entry entry{getter, {}, std::move(owned), kNoCache, nullptr};
  if (cached) entry.cache = slot("cache of " + name);
  if (const auto known = names_.find(name); known != names_.end()) {
    const Entry& before = entries_[known->second];
    if (before.get != nullptr && before.data == nullptr) return false;  // a built-in one
    entries_[known->second] = std::move(entry);
    return true;
  }
  names_.emplace(std::move(name), static_cast<Index>(entries_.size()));
  entries_.push_back(std::move(entry));
  return true;
}

std::optional<VariableTable::Index> VariableTable::find(std::string_view given) {
  const std::string name = lower(given);
  if (const auto known = names_.find(name); known != names_.end()) return known->second;
  for (const VariableSpec& family : families_) {
    if (!name.starts_with(family.name) || name.size() == family.name.size()) continue;
    const auto index = static_cast<Index>(entries_.size());
    entries_.push_back({family.get, name.substr(family.name.size()), nullptr, kNoCache, nullptr});
    names_.emplace(name, index);
    return index;
  }
  return std::nullopt;
}

VariableTable::Index VariableTable::find_or_expect(std::string_view name) {
  if (const auto known = find(name)) return *known;
  const auto index = static_cast<Index>(entries_.size());
  entries_.push_back({});
  names_.emplace(lower(name), index);
  expected_.emplace_back(index, reading_at_);
  return index;
}

std::vector<VariableTable::Missing> VariableTable::missing() const {
  std::vector<Missing> all;
  for (const auto& [index, at] : expected_) {
    if (entries_[index].get != nullptr) continue;
    const auto named = std::find_if(names_.begin(), names_.end(), [i = index](const auto& each) { return each.second == i; });
    all.push_back({named->first, at});
  }
  return all;
}

VariableValue VariableTable::get(Index index, Context& context) const {
  const Entry& entry = entries_[index];
  if (entry.data != nullptr) return get_defined(index, context);
  if (entry.cache == kNoCache) return entry.get(context, {entry.suffix, nullptr});
  auto& cached = context.slot(entry.cache);
  if (!cached) cached = entry.get(context, {entry.suffix, nullptr});
  return *cached;
}

// What a configuration defines may ask for other variables.
VariableValue VariableTable::get_defined(Index index, Context& context) const {
  static thread_local unsigned depth = 0;
  static thread_local bool is_cycle = false;  // found below: until all of it has returned nothing more is asked
  const Entry& entry = entries_[index];
  if (entry.cache != kNoCache && context.slot(entry.cache)) return *context.slot(entry.cache);
  if (depth >= kDeepest && !std::exchange(is_cycle, true))
    log::error(context.error_log(), context.subject(), "cycle while evaluating a variable");
  if (is_cycle) return VariableValue::not_found();
  ++depth;
  const VariableValue value = entry.get(context, {entry.suffix, entry.data.get()});
  if (--depth == 0) is_cycle = false;
  if (entry.cache != kNoCache) context.slot(entry.cache) = value;
  return value;
}

namespace {

struct WritableSlot {
  std::uint32_t slot;
};

VariableValue read_slot(Context& context, const VariableArg& arg) {
  const auto& value = context.slot(static_cast<const WritableSlot*>(arg.data)->slot);
  return value ? *value : VariableValue::not_found();
}

}  // namespace

std::optional<std::uint32_t> VariableTable::define_writable(std::string_view given) {
  const std::string name = lower(given);
  const std::uint32_t index = slot(name);
  if (const auto known = names_.find(name); known != names_.end() && entries_[known->second].get == read_slot)
    return index;
  if (!define(name, read_slot, std::make_shared<WritableSlot>(WritableSlot{index}), false)) return std::nullopt;
  return index;
}

std::optional<std::uint32_t> VariableTable::writable(std::string_view name) const {
  const auto found = slots_.find(lower(name));
  if (found == slots_.end()) return std::nullopt;
  return found->second;
}

std::uint32_t VariableTable::slot(std::string_view name) {
  const auto found = slots_.find(name);
  if (found != slots_.end()) return found->second;
  return slots_.emplace(std::string(name), slots()).first->second;
}

Template Template::literal(std::string text) {
  Template result;
  result.source_ = text;
  result.literal_ = std::move(text);
  return result;
}

Template Template::compile(std::string_view text, VariableTable& variables) {
  Template result;
  result.source_ = std::string(text);
  std::string run;
  const auto flush = [&] {
    if (!run.empty()) result.parts_.push_back({Part::Kind::Text, 0, std::move(run)});
    run.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] != '$') {
      run += text[at++];
      continue;
    }
    ++at;
    if (at < text.size() && text[at] >= '1' && text[at] <= '9') {
      flush();
      result.parts_.push_back({Part::Kind::Capture, static_cast<std::uint32_t>(text[at] - '0'), {}});
      ++at;
      continue;
    }
    const bool braced = at < text.size() && text[at] == '{';
    const std::size_t start = at + (braced ? 1 : 0);
    std::size_t end = start;
    while (end < text.size() && is_name_character(text[end])) ++end;
    if (braced && (end >= text.size() || text[end] != '}'))
      throw config::ValueError(fmt::format("the closing bracket in \"{}\" variable is missing", text.substr(start)));
    if (end == start) throw config::ValueError("invalid variable name");
    const std::string_view name = text.substr(start, end - start);
    flush();
    result.parts_.push_back({Part::Kind::Variable, variables.find_or_expect(name), {}});
    at = end + (braced ? 1 : 0);
  }
  if (result.parts_.empty())
    result.literal_ = std::move(run);
  else
    flush();
  return result;
}

std::string_view Template::evaluate(Context& context, CaptureWriter write_capture) const {
  if (parts_.empty()) return literal_;
  const auto value_of = [&context, write_capture](const Part& part) -> std::string_view {
    switch (part.kind) {
      case Part::Kind::Text: return part.text;
      case Part::Kind::Variable: return context.variables().get(part.index, context).text;
      case Part::Kind::Capture: {
        const std::string_view text = context.capture(part.index);
        return write_capture ? write_capture(text, context.arena()) : text;
      }
    }
    return {};
  };
  if (parts_.size() == 1) return value_of(parts_[0]);

  constexpr std::size_t kMostParts = 32;
  std::string_view values[kMostParts];
  if (parts_.size() > kMostParts) {
    std::string_view joined;
    for (const Part& part : parts_) joined = context.concat({joined, value_of(part)});
    return joined;
  }
  for (std::size_t i = 0; i < parts_.size(); ++i) values[i] = value_of(parts_[i]);
  return context.concat({values, parts_.size()});
}

}  // namespace weir::shared
