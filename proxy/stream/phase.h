// The phases a session passes through, and what a handler answers.
//
// Source of the order: nginx's development guide, "Stream phases".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "config/settings.h"
#include "net/task.h"

namespace weir::stream {

class Session;

enum class Phase : std::uint8_t {
  PostAccept,  // the connection was accepted: who the client really is
  PreAccess,   // limits
  Access,      // may this client have this?
  Preread,     // look at the first octets before anything is done with them
  Content,     // the session itself; the first handler that does something ends the phase
  Log,         // when it is over
};
inline constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::Log) + 1;

/// What a handler decided.
class PhaseResult {
 public:
  enum class Kind : std::uint8_t {
    Next,     // nothing to say: the next handler decides
    Allowed,  // the rest of the phase is passed over
    End,      // the session ends with `status`
  };

  static constexpr PhaseResult next() { return {Kind::Next, 0}; }
  static constexpr PhaseResult allowed() { return {Kind::Allowed, 0}; }
  static constexpr PhaseResult end(int status) { return {Kind::End, status}; }

  constexpr Kind kind() const { return kind_; }
  constexpr int status() const { return status_; }

 private:
  constexpr PhaseResult(Kind kind, int status) : kind_(kind), status_(status) {}
  Kind kind_;
  int status_;
};

/// What a look at the first octets brought.
enum class Preread : std::uint8_t {
  NeedMore,  // not enough to tell
  Done,      // known, or known not to be what was looked for
  Bad,       // the session ends with status 400; the handler has logged why
};

/// One feature's work in one phase. Exactly one of the functions is set: `run`, a plain function that never waits,
/// `run_async`, or in Preread `look`.
struct PhaseHandler {
  Phase phase;
  bool (*enabled)(const config::Settings&);
  PhaseResult (*run)(Session&) = nullptr;
  net::Task<PhaseResult> (*run_async)(Session&) = nullptr;
  /// Preread only: called with all that the client sent so far, each time there is more, until it does not answer NeedMore. The engine
  /// reads, and keeps preread_buffer_size and preread_timeout. Whoever is asked leaves the octets to those who follow. All
  /// looks come before the plain functions of the phase.
  Preread (*look)(Session&, std::string_view octets) = nullptr;
};

}  // namespace weir::stream
