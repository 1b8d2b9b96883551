// The phases a request passes through, and what a handler answers.
//
// Source of the order: nginx's development guide, "HTTP phases".
#pragma once

#include <cstdint>

#include "config/settings.h"
#include "net/task.h"

namespace weir::http {

class Exchange;
struct Location;

enum class Phase : std::uint8_t {
  PostRead,       // the head was read; nothing was decided yet
  ServerRewrite,  // rewrite directives of the server block
  Rewrite,        // rewrite directives of the location
  PreAccess,      // limits
  Access,         // may this client have this?
  PreContent,     // try_files
  Content,        // make the response; the first handler that does ends the phase
  Log,            // after the last octet
};
inline constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::Log) + 1;

/// What a handler decided.
class PhaseResult {
 public:
  enum class Kind : std::uint8_t {
    Next,      // nothing to say: the next handler decides
    Allowed,   // access phase: this check is passed
    Respond,   // answer with `status`, through error_page
    Done,      // a response was sent
    Relocate,  // the URI or the location changed: choose the location anew
  };

  static constexpr PhaseResult next() { return {Kind::Next, 0}; }
  static constexpr PhaseResult allowed() { return {Kind::Allowed, 0}; }
  static constexpr PhaseResult respond(int status) { return {Kind::Respond, status}; }
  static constexpr PhaseResult done() { return {Kind::Done, 0}; }
  static constexpr PhaseResult relocate() { return {Kind::Relocate, 0}; }

  constexpr Kind kind() const { return kind_; }
  constexpr int status() const { return status_; }
  constexpr bool is_next() const { return kind_ == Kind::Next; }

 private:
  constexpr PhaseResult(Kind kind, int status) : kind_(kind), status_(status) {}
  Kind kind_;
  int status_;
};

/// One feature's work in one phase. Exactly one of `run` and `run_async` is set: a handler that never waits is a plain
/// function.
struct PhaseHandler {
  Phase phase;
  bool (*enabled)(const config::Settings&);
  PhaseResult (*run)(Exchange&) = nullptr;
  net::Task<PhaseResult> (*run_async)(Exchange&) = nullptr;
  bool decides = false;  // it never says Next: those of its phase that come after it are left out
};

}  // namespace weir::http
