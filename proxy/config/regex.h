// Regular expressions: PCRE2, as in nginx.
//
// Thread safety: a compiled Regex is immutable; all threads may match at once (scratch memory is per thread).
// Matching is bounded: a pattern that backtracks without end gives up, so that one URI cannot hold a worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

class Regex {
 public:
  enum class Case : std::uint8_t { Sensitive, Insensitive };
  enum class Outcome : std::uint8_t {
    No,
    Yes,
    Failed,  // a limit was reached, or the subject is not UTF-8 where the pattern demands it: neither yes nor no
  };

  /// A named group, such as `(?<user>…)`.
  struct Name {
    std::string name;
    std::size_t group = 0;
  };

  /// Matches nothing; what `compile` returns replaces it.
  Regex() = default;

  /// Compiles `pattern`. Throws ValueError, `pcre2_compile() failed: … in "PATTERN" at "REST"`, if it is not valid.
  static Regex compile(std::string_view pattern, Case sensitivity = Case::Sensitive);

  /// Searches `subject` for the pattern.
  ///
  /// `captures`: filled on Yes with the whole match and then the groups, as slices of `subject`; groups that took no
  /// part, and elements beyond the last group, become empty views with a null `data()`. May be shorter than the
  /// number of groups, or empty.
  Outcome search(std::string_view subject, std::span<std::string_view> captures = {}) const;

  /// Whether the pattern is found; Failed counts as no.
  bool matches(std::string_view subject) const { return search(subject) == Outcome::Yes; }

  /// Number of groups, the whole match not counted.
  std::size_t groups() const;
  std::span<const Name> names() const;
  const std::string& pattern() const;
  explicit operator bool() const { return compiled_ != nullptr; }

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace weir::config
