// Where a head parser is in its bytes, and the bounds it must keep. Private to the parsers.
//
// A line is first parsed at a venture, in one pass, as if it were complete; it nearly always is. Only if that fails
// is its end searched, to tell "not complete yet" from "wrong": so the verdict on a line never depends on how many of
// its octets had arrived, and an unfinished line is searched on from where the last search stopped.
#pragma once

#include <cstddef>
#include <string_view>

#include "http1/parse_error.h"

namespace weir::http1 {

class LineReader {
 public:
  void start(const HeadLimits& limits) noexcept {
    limits_ = limits;
    if (limits_.max_total == 0) limits_.max_total = 1;
    base_ = nullptr;
    begin_ = searched_ = 0;
  }

  /// The head's bytes begin at `base` in this call; returns where they began in the last one.
  const char* rebase(const char* base) noexcept {
    const char* const last = base_;
    base_ = base;
    return last;
  }

  const char* base() const noexcept { return base_; }
  std::size_t begin() const noexcept { return begin_; }
  const HeadLimits& limits() const noexcept { return limits_; }

  /// Whether it is worth parsing the line at `begin`: false if an earlier search found no LF and there is none yet.
  /// Then `unfinished` says what to do.
  bool may_be_complete(std::string_view bytes) noexcept { return searched_ == begin_ || has_end(bytes); }

  /// The line was parsed and ends before `next`. Returns None and moves to the next line, or the limit it exceeds.
  Reason accept(const char* next, std::size_t max_line) noexcept {
    const auto lf = static_cast<std::size_t>(next - base_) - 1;
    const Reason reason = exceeded(lf, max_line);
    if (reason == Reason::None) begin_ = searched_ = lf + 1;
    return reason;
  }

  /// The line at `begin` could not be parsed because of `reason`. Returns the reason to give up, or None: more octets
  /// are needed.
  Reason reject(std::string_view bytes, std::size_t max_line, Reason reason) noexcept;

  /// The line at `begin` has no LF yet. Returns the limit it exceeds already, or None.
  Reason unfinished(std::string_view bytes, std::size_t max_line) noexcept {
    searched_ = bytes.size();
    return exceeded(bytes.size(), max_line);
  }

 private:
  /// Whether the line at `begin` has a LF; searches on from where the last search stopped.
  bool has_end(std::string_view bytes) noexcept;
  /// Which limit is broken if the line's LF is at `lf` or beyond. If two are, the one that is broken first, so that a
  /// head that arrives slowly breaks the same one.
  Reason exceeded(std::size_t lf, std::size_t max_line) const noexcept {
    if (lf - begin_ <= max_line && lf < limits_.max_total) return Reason::None;
    const bool line_first = max_line < limits_.max_total && begin_ + max_line < limits_.max_total;
    return line_first ? Reason::FieldTooLong : Reason::HeadTooLarge;
  }

  HeadLimits limits_;
  const char* base_ = nullptr;
  std::size_t begin_ = 0;     // of the line to be parsed next; at the end, the head's length
  std::size_t searched_ = 0;  // there is no LF in [begin_, searched_)
};

}  // namespace weir::http1
