#include "http/location.h"

#include <fmt/format.h>

#include "config/values.h"
#include "http/exchange.h"

namespace weir::http {

void Chain::build(std::span<const Feature* const> features, const config::Settings& settings) {
  for (const Feature* feature : features) {
    for (const PhaseHandler& handler : feature->handlers) {
      auto& phase = phases_[static_cast<std::size_t>(handler.phase)];
      const bool is_decided = !phase.empty() && phase.back().decides;
      if (!is_decided && handler.enabled(settings)) phase.push_back(handler);
    }
    for (const HeaderFilter& filter : feature->header_filters)
      if (filter.enabled(settings)) header_filters_.push_back(filter);
  }
}

Location& LocationTable::add(std::unique_ptr<Location> location) {
  Location& added = *location;
  const auto insert = [&](auto& table) {
    if (!table.emplace(added.name, &added).second)
      throw config::ValueError(fmt::format("duplicate location \"{}\"", added.name));
  };
  switch (added.match) {
    case Location::Match::Exact: insert(exact_); break;
    case Location::Match::Prefix:
    case Location::Match::FinalPrefix: insert(prefixes_); break;
    case Location::Match::Named: insert(named_); break;
    case Location::Match::Regex: regexes_.push_back(&added); break;
    default: break;
  }
  all_.push_back(std::move(location));
  return added;
}

// Prefixes are sorted, so every prefix of `uri` sorts at or before it; walking back over shared beginnings finds the
// longest. Each step shortens the searched text to what the candidate shares with it, so a table of n costs O(log n)
// for each distinct length.
const Location* LocationTable::longest_prefix(std::string_view uri) const {
  std::string_view searched = uri;
  for (;;) {
    auto next = prefixes_.upper_bound(searched);
    if (next == prefixes_.begin()) return nullptr;
    --next;
    const std::string& prefix = next->first;
    if (uri.starts_with(prefix)) return next->second;
    std::size_t shared = 0;
    while (shared < prefix.size() && shared < searched.size() && prefix[shared] == searched[shared]) ++shared;
    searched = searched.substr(0, shared);
  }
}

template <class Match>
LocationMatch LocationTable::find_with(std::string_view uri, const Location* outer, const Match& matches) const {
  if (all_.empty()) return {.location = outer};
  if (const auto exact = exact_.find(uri); exact != exact_.end())
    return {.location = exact->second, .is_final = true};

  const Location* found = longest_prefix(uri);
  if (!slash_redirects_.empty() && !(found && found->name == uri))
    if (const auto slashed = slash_redirects_.find(uri); slashed != slash_redirects_.end())
      return {.location = slashed->second, .needs_slash = true, .is_final = true};

  LocationMatch match{.location = found ? found : outer};
  if (found) {
    match = found->nested.find_with(uri, found, matches);
    if (match.is_final || found->match == Location::Match::FinalPrefix) return match;
  }
  for (const Location* candidate : regexes_) {
    if (!matches(candidate->regex)) continue;
    match = candidate->nested.find_with(uri, candidate, matches);
    match.is_final = true;
    return match;
  }
  return match;
}

LocationMatch LocationTable::find(std::string_view uri, const Location* outer, Exchange& exchange) const {
  return find_with(uri, outer, [&](const config::Regex& regex) { return exchange.match(regex, uri); });
}

const Location* LocationTable::find_without_captures(std::string_view uri, const Location* outer) const {
  return find_with(uri, outer, [&](const config::Regex& regex) { return regex.matches(uri); }).location;
}

void LocationTable::redirect_to_slash(const Location& location) {
  slash_redirects_.emplace(location.name.substr(0, location.name.size() - 1), &location);
}

const Location* LocationTable::find_named(std::string_view name) const {
  const auto found = named_.find(name);
  return found == named_.end() ? nullptr : found->second;
}

}  // namespace weir::http
