// What the parsers of request and response heads have in common: going on where the last octets ended, field lines and
// their limits, and the end. Private to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.h"
#include "http1/field_line.h"
#include "http1/framing.h"
#include "http1/line_reader.h"
#include "http1/octets.h"
#include "http1/parse_error.h"

namespace weir::http1 {

/// `Derived` has, for its base's eyes:
///   ParseStatus first_line(std::string_view bytes, Head& head);  // what comes before the fields; Complete: go on
///   bool leaves_out(const FieldLine& line, Head& head);          // whether this field, of an odd name, is dropped
///   Reason judge(Head& head);                                    // all fields are there
///
/// Thread safety: none. It holds no memory.
template <class Derived, class Head, Side Sender>
class HeadParser {
 public:
  /// Goes on with `bytes`: everything received since the head began, not only what is new. They may have moved since
  /// the last call and be longer, but must begin with the same octets; `head` must be the same and, before the first
  /// call, fresh or reset. While Incomplete the slices of `head` are kept in step by the parser itself; after
  /// Complete the owner calls `head.rebase` when the bytes move.
  ParseStatus parse(std::string_view bytes, Head& head) {
    if (state_ == State::Bad) return ParseStatus::Bad;
    if (state_ == State::Complete) return ParseStatus::Complete;
    if (bytes.empty()) return ParseStatus::Incomplete;
    if (const char* last = lines_.rebase(bytes.data()); last != nullptr && last != bytes.data())
      head.rebase(last, bytes.data());
    if (state_ != State::Fields)
      if (const ParseStatus status = self().first_line(bytes, head); status != ParseStatus::Complete) return status;
    state_ = State::Fields;
    return fields(bytes, head);
  }

  /// How many octets the complete head had, with leading empty lines and the empty line at its end.
  std::size_t consumed() const noexcept { return lines_.begin(); }

  /// Why, after Bad.
  const ParseError& error() const noexcept { return error_; }

  /// Whether any octet of a head was seen: a connection that ends between messages is no broken message.
  bool started() const noexcept { return lines_.base() != nullptr; }

 protected:
  enum class State : std::uint8_t { EmptyLines, FirstLine, Fields, Complete, Bad };

  /// Prepares for one head, whose first part is `first`. The limits are copied.
  void begin(const HeadLimits& limits, bool allow_bare_lf, State first) noexcept {
    lines_.start(limits);
    allow_bare_lf_ = allow_bare_lf;
    field_count_ = 0;
    state_ = first;
    error_ = {};
  }

  /// Bad, or Incomplete if there is no reason.
  ParseStatus fail(Reason reason) noexcept {
    if (reason == Reason::None) return ParseStatus::Incomplete;
    state_ = State::Bad;
    error_ = ParseError(reason, Sender);
    return ParseStatus::Bad;
  }

  LineReader lines_;
  State state_ = State::Bad;
  bool allow_bare_lf_ = false;

 private:
  static constexpr std::size_t kUsualFields = 16;

  /// What follows the empty line at the end, if this is one.
  const char* empty_line_end(const char* at, const char* end, Reason& reason) const {
    const bool may_be = at != end && (*at == '\r' || *at == '\n');
    return may_be ? line_end(at, end, allow_bare_lf_, reason) : nullptr;
  }

  Derived& self() noexcept { return static_cast<Derived&>(*this); }

  ParseStatus fields(std::string_view bytes, Head& head) {
    const std::size_t max_line = lines_.limits().max_field_line;
    const char* const end = bytes.data() + bytes.size();
    if (head.fields.empty()) head.fields.reserve(kUsualFields);
    FieldLine line;
    for (;;) {
      if (!lines_.may_be_complete(bytes)) return fail(lines_.unfinished(bytes, max_line));
      Reason reason = Reason::None;
      const char* const at = bytes.data() + lines_.begin();
      if (const char* const body = empty_line_end(at, end, reason)) {
        if (reason = lines_.accept(body, max_line); reason != Reason::None) return fail(reason);
        if (reason = self().judge(head); reason != Reason::None) return fail(reason);
        state_ = State::Complete;
        return ParseStatus::Complete;
      }

      const char* const next = read_field_line(at, end, allow_bare_lf_, line, reason);
      if (next == nullptr) {
        if (reason == Reason::ObsoleteFolding && field_count_ == 0) reason = Reason::SpaceBeforeField;
        return fail(lines_.reject(bytes, max_line, reason));
      }
      if (reason = lines_.accept(next, max_line); reason != Reason::None) return fail(reason);
      if (field_count_++ == lines_.limits().max_fields) return fail(Reason::TooManyFields);
      if (line.name_classes != kPlainName && self().leaves_out(line, head)) continue;
      const http::FieldId id = http::field_id(line.name);
      if (id != http::FieldId::Other && head.fields.contains(id))
        if (reason = judge_repetition(id, Sender); reason != Reason::None) return fail(reason);
      head.fields.add({line.name, line.value, id, true, line.is_plain});
    }
  }

  std::uint32_t field_count_ = 0;
  ParseError error_;
};

}  // namespace weir::http1
