// What variables and rules see of the thing being served: an exchange of http, a session of stream.
//
// Its memory is an arena; texts that it hands out live as long as it does. It belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "config/regex.h"
#include "config/settings.h"
#include "log/error_log.h"
#include "net/arena.h"
#include "net/endpoint.h"
#include "shared/cidr.h"
#include "shared/runtime.h"
#include "shared/variable.h"

namespace weir::net {
class Stream;
struct ProxyHeader;
}

namespace weir::shared {

/// Something to be done when a context ends, whichever way. Made in its memory; its destructor is not called.
class AtEnd {
 public:
  virtual void run() noexcept = 0;
  AtEnd* next = nullptr;  // the context's

 protected:
  ~AtEnd() = default;
};

/// As a log::Subject it says what a line of the error log is about.
class Context : public log::Subject {
 public:
  Context(const Context&) = delete;

  /// Calls `work` when this ends, the latest first.
  void at_end(AtEnd& work) { work.next = at_end_, at_end_ = &work; }

  net::Loop& loop() { return base_->loop(); }
  net::Arena& arena() { return arena_; }
  Runtime& base_runtime() { return *base_; }
  const VariableTable& variables() const { return base_->variables(); }
  const log::ErrorLog& error_log() const { return base_->error_log(); }
  /// To be given to log::error and its like.
  const log::Subject& subject() const { return *this; }

  /// The settings in force.
  virtual const config::Settings& settings() const = 0;
  /// The client as rules and logs see it: who connected, or whom a trusted proxy named.
  virtual const net::Endpoint& client_address() const = 0;
  /// Who connected, whoever that speaks for; and what was said of the client before its own octets (null: nothing).
  virtual const net::Endpoint& peer() const = 0;
  virtual const net::ProxyHeader* proxy_header() const = 0;
  /// The client's connection; null: there is none, datagrams come.
  virtual net::Stream* transport() = 0;
  /// Who speaks through `address` if that is one of the `trusted` proxies, as far as those in front said so.
  virtual net::Endpoint client_behind(std::span<const Network> trusted, bool recursive, const net::Endpoint& address);

  /// A copy of `text` in the context's memory.
  std::string_view keep(std::string_view text) { return arena_.copy(text); }
  /// All `parts`, one after the other, in the context's memory.
  std::string_view concat(std::span<const std::string_view> parts);
  std::string_view concat(std::initializer_list<std::string_view> parts) {
    return concat(std::span<const std::string_view>(parts.begin(), parts.size()));
  }
  /// Constructs a T in the context's memory; it is destroyed with that only if it is trivial.
  template <class T, class... Args>
  T* make(Args&&... arguments) {
    return new (arena_.allocate(sizeof(T), alignof(T))) T(std::forward<Args>(arguments)...);
  }

  /// Matches `subject`; on success its captures become `$1`… and named ones are set.
  bool match(const config::Regex& regex, std::string_view subject);
  std::string_view capture(std::uint32_t number) const {
    return number < captures_.size() ? captures_[number] : std::string_view();
  }
  /// A writable variable's value.
  std::optional<VariableValue>& slot(std::uint32_t index) { return slots_[index]; }

  std::uint8_t limit_conn_outcome = 0;  // of that feature; 0: not asked yet

 protected:
  Context(Runtime& runtime, net::Arena& arena);
  /// A part of `parent`, with its variables.
  explicit Context(Context& parent) : base_(parent.base_), arena_(parent.arena_), slots_(parent.slots_) {}
  ~Context() {
    for (AtEnd* work = at_end_; work; work = work->next) work->run();
  }

 private:
  const RefTo<Runtime> base_;  // here, so that it is there for what is done at the end
  net::Arena& arena_;
  std::span<std::optional<VariableValue>> slots_;
  std::span<std::string_view> captures_;
  AtEnd* at_end_ = nullptr;
};

}  // namespace weir::shared
