// Names to addresses, asked of given name servers by UDP (TCP for answers that are too long), remembered for their TTL.
//
// One loop's. Whoever asks for a name while it is being looked up waits for the same lookup. Each lookup uses sockets of
// its own, connected to the server, with random ids: an answer must guess port, id and question.
#pragma once

#include <chrono>
#include <coroutine>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/dns_message.h"
#include "net/endpoint.h"
#include "net/stream.h"
#include "net/task.h"
#include "net/timers.h"

namespace weir::net {

/// What is known of a name. Shared and never changed.
struct Resolution {
  std::vector<Endpoint> addresses;      // port 0; never empty if `code` is 0 (unless services were asked for)
  std::vector<dns::Service> services;
  int code = 0;                         // 0, an RCODE, ETIMEDOUT, or ECANCELED
  TimePoint expires{};
  /// `3: Host not found` and its like.
  std::string failure() const;
};
using ResolutionPtr = std::shared_ptr<const Resolution>;

class Resolver : public std::enable_shared_from_this<Resolver> {
  struct Pending;

 public:
  struct Options {
    std::vector<Endpoint> servers;  // asked in turn
    bool ipv4 = true, ipv6 = true;
    std::chrono::seconds valid{0};  // how long answers are remembered; 0: as they say
    std::chrono::milliseconds resend{5'000};  // to the next server when there is no answer
  };
  Resolver(Loop& loop, Options options);
  ~Resolver();

  /// The answer if it is remembered.
  ResolutionPtr cached(std::string_view name);

  /// `co_await` it; `name` is a host name in any case, or for services `_http._tcp.example.com`.
  /// Gives up after `timeout`, and at `cancel()`.
  class [[nodiscard]] Lookup : private Timer {
   public:
    Lookup(Resolver& resolver, std::string_view name, bool services, std::chrono::milliseconds timeout);
    ~Lookup() override { leave(); }
    bool await_ready();
    bool await_suspend(std::coroutine_handle<> coroutine);
    ResolutionPtr await_resume() { return std::move(result_); }
    /// Ends the wait with ECANCELED, through the loop.
    void cancel() { give_up(ECANCELED); }

   private:
    friend class Resolver;
    void on_timer() override { give_up(ETIMEDOUT); }
    void give_up(int code);
    void finish(ResolutionPtr result);
    void leave();

    Resolver& resolver_;
    const std::string key_;
    const std::chrono::milliseconds timeout_;
    std::coroutine_handle<> coroutine_;
    ResolutionPtr result_;
    Pending* pending_ = nullptr;
    Lookup* next_ = nullptr;
    const bool services_;
  };
  Lookup resolve(std::string_view name, std::chrono::milliseconds timeout) { return {*this, name, false, timeout}; }
  Lookup resolve_services(std::string_view name, std::chrono::milliseconds timeout) {
    return {*this, name, true, timeout};
  }

 private:
  /// A lookup under way; owned by its coroutine.
  struct Pending {
    std::string key;
    bool services;
    Lookup* waiting = nullptr;
    Stream* stream = nullptr;  // where it waits
    bool abandoned = false;    // nobody waits any more
  };

  static Task<void> look_up(std::shared_ptr<Resolver> self, std::string key, bool services);
  Task<Resolution> follow(Pending& pending);
  Task<dns::Answer> ask_servers(Pending& pending, std::string_view name);
  Task<dns::Answer> ask(Pending& pending, const Endpoint& server, std::string_view name);
  Task<dns::Answer> ask_by_tcp(Pending& pending, const Endpoint& server, std::string_view name, dns::Type type);
  void remember(const std::string& key, ResolutionPtr result);

  Loop& loop_;
  const Options options_;
  std::size_t next_server_ = 0;
  std::unordered_map<std::string, ResolutionPtr> known_;
  std::unordered_map<std::string, Pending*> pending_;
};

}  // namespace weir::net
