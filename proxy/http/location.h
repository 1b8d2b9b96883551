// Locations: which settings and handlers a URI gets.
//
// Built while loading, immutable afterwards.
// Source: nginx's documentation of `location` for the order of matching.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/regex.h"
#include "config/settings.h"
#include "config/statement.h"
#include "http/feature.h"
#include "http/message.h"
#include "http/phase.h"

namespace weir::http {

struct Location;

/// The handlers that are switched on in one location (or server), by phase, in order.
class Chain {
 public:
  void build(std::span<const Feature* const> features, const config::Settings& settings);
  std::span<const PhaseHandler> handlers(Phase phase) const { return phases_[static_cast<std::size_t>(phase)]; }
  std::span<const HeaderFilter> header_filters() const { return header_filters_; }

 private:
  std::array<std::vector<PhaseHandler>, kPhases> phases_;
  std::vector<HeaderFilter> header_filters_;
};

/// What was found for a URI.
struct LocationMatch {
  const Location* location = nullptr;
  /// `= /x/` and its like redirect `/x` to `/x/` when a proxied prefix ends in a slash.
  bool needs_slash = false;
  /// An exact or regular-expression location decided: enclosing tables try no regular expressions of their own.
  bool is_final = false;
};

/// The locations of one server or of one enclosing location.
class LocationTable {
 public:
  /// Adds a location; throws config::ValueError for a duplicate.
  Location& add(std::unique_ptr<Location> location);

  /// The location of `uri` (normalised, without arguments), or `outer` if none here matches.
  /// Captures of a regular expression go to `exchange`.
  LocationMatch find(std::string_view uri, const Location* outer, Exchange& exchange) const;

  /// As `find`, for questions about what would be chosen: no captures are taken.
  const Location* find_without_captures(std::string_view uri, const Location* outer) const;

  const Location* find_named(std::string_view name) const;

  /// From now on `/x` is redirected to `/x/` if `location` is the prefix `/x/` and nothing is configured for `/x`.
  void redirect_to_slash(const Location& location);

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& location : all_) visit(*location);
  }

 private:
  const Location* longest_prefix(std::string_view uri) const;
  template <class Match>
  LocationMatch find_with(std::string_view uri, const Location* outer, const Match& matches) const;

  std::vector<std::unique_ptr<Location>> all_;  // in the order of the file
  std::map<std::string, Location*, std::less<>> exact_;
  std::map<std::string, Location*, std::less<>> prefixes_;
  std::map<std::string, Location*, std::less<>> named_;
  std::map<std::string, const Location*, std::less<>> slash_redirects_;  // by the URI that lacks the slash
  std::vector<Location*> regexes_;
};

struct Location {
  enum class Match : std::uint8_t { Server, Prefix, FinalPrefix, Exact, Regex, Named, If, LimitExcept };

  Match match = Match::Server;
  std::string name;  // as configured: a prefix, a pattern, `@name`
  config::Regex regex;
  config::Settings settings;
  LocationTable nested;
  Chain chain;
  config::Position at;
  /// `/x` is redirected to this location `/x/`, unless something is configured for `/x`.
  bool redirects_to_slash = false;
  /// `if` and `limit_except` blocks: locations that rewrite and access handlers may switch to.
  std::vector<std::unique_ptr<Location>> blocks;
  /// Of limit_except: the block that requests with other methods get.
  const Location* limited = nullptr;
  std::vector<Method> unlimited_methods;
};

}  // namespace weir::http
