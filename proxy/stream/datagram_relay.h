// Datagrams of one session, both ways, until it is over. For UDP what net::relay is for TCP.
#pragma once

#include <coroutine>
#include <cstdint>
#include <optional>
#include <string>

#include "net/datagram.h"
#include "net/pace.h"
#include "net/relay.h"
#include "net/timers.h"
#include "stream/datagram_client.h"
#include "stream/session.h"

namespace weir::stream {

struct DatagramRelayOptions {
  std::chrono::milliseconds idle{};         // the session ends when nothing moved for so long
  std::optional<std::uint64_t> responses;   // how many are expected for each datagram; nothing: any number
  std::uint64_t requests = 0;               // after so many of the client's its next one begins another session; 0: never
  std::uint64_t upload_rate = 0, download_rate = 0;  // octets a second; 0: no limit
  std::string header;                       // stands before the first datagram that leaves, in it
  net::RelayObserver* observer = nullptr;
};

class DatagramRelay final : private net::ReadinessHandler, private net::Timer, private DatagramClient::Receiver {
 public:
  enum class End : std::uint8_t {
    Done,      // everything that was expected came
    Idle,      // nothing moved for too long, and nothing was missing
    Silent,    // nothing moved for too long, and the backend owes something
    Failed,    // the backend does not take datagrams: `error`
    Gone,      // it was ended, or the worker does not listen there any more
  };

  /// `fd`: a socket connected to the backend, owned from now on. Counts into `session` and `record`, which outlive it.
  DatagramRelay(Session& session, AttemptRecord& record, int fd, DatagramRelayOptions options);
  DatagramRelay(const DatagramRelay&) = delete;
  ~DatagramRelay();

  /// `co_await` it: passes datagrams on until the session is over. Once.
  bool await_ready();
  void await_suspend(std::coroutine_handle<> coroutine) { waiter_ = coroutine; }
  End await_resume() const { return *end_; }

  /// Ends it before its time.
  void end() { finish(End::Gone); }

  /// After Failed.
  net::IoError error() const { return error_; }
  std::uint64_t requests() const { return requests_; }
  std::uint64_t responses() const { return responses_; }

 private:
  /// Wakes one direction that was held back by its rate.
  class Hold final : public net::Timer {
   public:
    Hold(DatagramRelay& relay, void (DatagramRelay::*go_on)())
        : net::Timer(relay.loop_.timers()), relay_(relay), go_on_(go_on) {}

   private:
    void on_timer() override { (relay_.*go_on_)(); }
    DatagramRelay& relay_;
    void (DatagramRelay::*const go_on_)();
  };
  struct Way {
    Way(DatagramRelay& relay, std::uint64_t rate, void (DatagramRelay::*go_on)())
        : pace(rate, relay.loop_.now()), hold(relay, go_on) {}
    net::Pace pace;
    Hold hold;
  };

  bool on_datagram(std::string_view octets) override;
  void on_gone() override { finish(End::Gone); }
  void on_ready(std::uint32_t events) override;
  void on_timer() override;

  void take_waiting();
  void resume_reading();
  void pass_on(std::string_view octets);
  void answer(std::string_view octets);
  bool has_all() const;
  void moved();
  void finish(End end, net::IoError error = {});

  Session& session_;
  DatagramClient& client_;
  net::Loop& loop_;
  AttemptRecord& record_;
  const int fd_;
  DatagramRelayOptions options_;
  net::ReadinessSet::Slot slot_ = 0;
  bool is_watched_ = false;
  std::optional<Way> up_, down_;  // those with a rate
  std::uint64_t requests_ = 0, responses_ = 0;
  std::optional<End> end_;
  net::IoError error_;
  std::coroutine_handle<> waiter_;
};

}  // namespace weir::stream
