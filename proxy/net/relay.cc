#include "net/relay.h"

#include <algorithm>
#include <new>

#include "net/pace.h"
#include "net/pipe.h"

namespace weir::net {
namespace {

using Side = RelayResult::Side;

// Long runs of ready sockets let the loop's others have their turn.
constexpr int kRoundsInOneGo = 16;
// A pipe costs two calls more than a copy of little; below this much at a time it does not pay.
constexpr std::size_t kBulk = 32 * 1024;
// Less than a pipe holds: what is a power of two, with a head before it, would leave a few octets for a turn and a packet
// of their own. So would a full pipe, as TCP sends it in packets of almost 64 KiB.
constexpr std::size_t kMostSpliced = 240 * 1024;

// Both directions of one relay; lives in relay()'s frame.
class Relay final : private Timer {
 public:
  Relay(Stream& a, Stream& b, const RelayOptions& options)
      : Timer(a.loop().timers()),
        a_(a),
        b_(b),
        options_(options),
        can_splice_(options.splice && a.is_plain() && b.is_plain()) {}

  // co_await it: starts both directions and goes on when both have ended.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    moved();
    // Both frames are there before either begins: after that there is no way back.
    Task<> from_a = pump({a_, b_, Side::A, Side::B, options_.a_to_b ? *options_.a_to_b : a_to_b_}, options_.first_to_b,
                         options_.a_rate);
    Task<> from_b = pump({b_, a_, Side::B, Side::A, options_.b_to_a ? *options_.b_to_a : b_to_a_}, options_.first_to_a,
                         options_.b_rate);
    spawn(std::move(from_a));
    spawn(std::move(from_b));
    waiting_ = waiting;
    return running_ != 0;
  }
  void await_resume() {
    result.a_to_b = (options_.a_to_b ? *options_.a_to_b : a_to_b_).delivered;
    result.b_to_a = (options_.b_to_a ? *options_.b_to_a : b_to_a_).delivered;
  }

  RelayResult result;

 private:
  struct Way {
    Stream& from;
    Stream& to;
    Side from_side, to_side;
    RelayCount& count;
  };
  // How a step of a direction ended, and on whose side.
  struct Outcome {
    IoError error;
    Side side = Side::None;
    bool on_send = false;
  };

  Task<> pump(Way way, std::string_view first, std::uint64_t rate) {
    Outcome outcome;
    try {
      Pace pace(rate, a_.loop().now());
      bool is_bulk = false;  // what came last was much at once, so what comes next is expected to be
      const auto uses_pipe = [&] { return is_bulk && can_splice_ && way.from.can_splice_from() && !pace.is_limited(); };
      // What ended before a wait begins does not end the wait: the other direction may be over before this one begins.
      if (!ended()) outcome = {co_await deliver(way, first), way.to_side, true};
      for (int round = 0; !outcome.error; ++round) {
        if (round == kRoundsInOneGo) {
          round = 0;
          co_await way.from.loop().yield();
        }
        if (ended()) break;
        outcome = {co_await way.from.readable(), way.from_side, false};
        if (outcome.error || ended()) break;
        std::size_t most = kMostSpliced;
        if (pace.is_limited() && (most = pace.allowance(way.count.read, way.from.loop().now())) == 0) {
          co_await sleep(way.from.loop(), pace.delay());
          if (ended()) break;
          moved();  // it is not idle but held back
          continue;
        }
        if (!uses_pipe()) outcome = co_await copy(way, most, is_bulk);
        if (uses_pipe() && !outcome.error) outcome = co_await splice(way, is_bulk);
      }
      if (outcome.error.is_eof()) outcome = co_await pass_end_on(way);
    } catch (const std::bad_alloc&) {
      outcome = {{ENOMEM}, way.from_side};
    }
    finish(outcome);
  }

  void finish(const Outcome& outcome) {
    if (!outcome.error.is_eof())
      end(outcome);
    else if (!options_.half_close)
      end({});
    if (--running_ == 0 && waiting_) a_.loop().resume_later(waiting_);
  }

  MaybeTask<Outcome> pass_end_on(const Way& way) {
    if (result.first_end == Side::None) result.first_end = way.from_side;
    // If it fails, the other direction finds out.
    if (!way.to.shutdown_send().would_block()) return Outcome{{IoError::kEof}};
    return push_end(way);
  }

  /// What TLS says at the end needs room, as octets do.
  Task<Outcome> push_end(const Way& way) {
    do {
      if (const IoError error = co_await way.to.writable()) co_return Outcome{error, way.to_side, true};
      if (ended()) co_return Outcome{{ECANCELED}};
    } while (way.to.shutdown_send().would_block());
    co_return Outcome{{IoError::kEof}};
  }

  void note_read(const Way& way, std::size_t bytes) {
    if (way.from_side == Side::B && way.count.read == 0 && options_.observer) options_.observer->on_first_from_b();
    way.count.read += bytes;
    moved();
  }

  // One read, and all of it sent on. `is_bulk`: the read filled a large buffer, so there may be much more.
  MaybeTask<Outcome> copy(const Way& way, std::size_t most, bool& is_bulk) {
    Buffer buffer = way.from.loop().buffers().take(options_.buffer);
    const std::span<char> room = buffer.span().first(std::min(most, buffer.size()));
    const IoResult got = way.from.try_read(room);
    if (got.error.would_block()) return Outcome{};
    if (got.error) return Outcome{got.error, way.from_side};
    note_read(way, got.bytes);
    is_bulk = got.bytes == buffer.size() && got.bytes >= bytes_of(BufferSize::k16K);
    const IoResult sent = way.to.try_write(std::string_view(buffer.data(), got.bytes));
    way.count.delivered += sent.bytes;
    if (sent.bytes == got.bytes) return Outcome{};
    if (sent.error && !sent.error.would_block()) return Outcome{sent.error, way.to_side, true};
    return deliver_rest(way, std::move(buffer), sent.bytes, got.bytes);
  }

  Task<Outcome> deliver_rest(const Way& way, Buffer buffer, std::size_t from, std::size_t to) {
    const std::string_view rest(buffer.data() + from, to - from);
    co_return Outcome{co_await deliver(way, rest), way.to_side, true};
  }

  Task<IoError> deliver(const Way& way, std::string_view bytes) {
    while (!bytes.empty()) {
      const IoResult sent = way.to.try_write(bytes);
      bytes.remove_prefix(sent.bytes);
      way.count.delivered += sent.bytes;
      if (sent.bytes != 0) moved();
      if (bytes.empty()) break;
      if (sent.error && !sent.error.would_block()) co_return sent.error;
      if (const IoError error = co_await way.to.writable()) co_return error;
      if (ended()) co_return IoError{ECANCELED};
    }
    co_return IoError{};
  }

  // Through a pipe, until it brings little at a time; the pipe is empty then. `is_bulk`: whether it brought much in all.
  Task<Outcome> splice(const Way& way, bool& is_bulk) {
    std::optional<Pipe> pipe = way.from.loop().pipes().take();
    if (!pipe) {
      can_splice_ = false;
      co_return Outcome{};
    }
    std::size_t brought = 0;
    for (int round = 1;; ++round) {
      if (round % kRoundsInOneGo == 0) co_await way.from.loop().yield();
      if (ended()) co_return Outcome{{ECANCELED}};
      const IoResult got = pipe->fill(way.from, kMostSpliced);
      if (got.bytes != 0) note_read(way, got.bytes);
      brought += got.bytes;
      if (brought != 0) is_bulk = brought >= kBulk;
      const IoError failed = co_await drain(way, *pipe);
      if (failed) co_return Outcome{failed, way.to_side, true};
      if (got.error.is_eof()) is_bulk = false;  // for a read to judge
      else if (got.error && !got.error.would_block()) co_return Outcome{got.error, way.from_side};
      if (got.bytes < kBulk) co_return Outcome{};
    }
  }

  Task<IoError> drain(const Way& way, Pipe& pipe) {
    while (!pipe.is_empty()) {
      const IoResult sent = pipe.drain(way.to);
      way.count.delivered += sent.bytes;
      if (sent.bytes != 0) moved();
      if (pipe.is_empty()) break;
      if (sent.error && !sent.error.would_block()) co_return sent.error;
      if (const IoError error = co_await way.to.writable()) co_return error;
      if (ended()) co_return IoError{ECANCELED};
    }
    co_return IoError{};
  }

  // Something moved: both directions stay alive for another idle time.
  void moved() {
    if (options_.idle.count() > 0) arm_at(a_.loop().now() + options_.idle);
  }
  void on_timer() override { end({{ETIMEDOUT}}); }

  bool ended() const { return ended_; }

  // Ends both directions; the first reason counts, and what the other direction sees then is only the echo.
  void end(const Outcome& outcome) {
    if (ended_) return;
    ended_ = true;
    disarm();
    result.error = outcome.error;
    result.side = outcome.error.timed_out() || outcome.error.canceled() ? Side::None : outcome.side;
    result.on_send = outcome.on_send;
    a_.cancel();
    b_.cancel();
  }

  Stream& a_;
  Stream& b_;
  const RelayOptions& options_;
  std::coroutine_handle<> waiting_;
  RelayCount a_to_b_, b_to_a_;  // unless the caller has places for them
  int running_ = 2;
  bool ended_ = false;
  bool can_splice_;
};

}  // namespace

Task<RelayResult> relay(Stream& a, Stream& b, RelayOptions options) {
  Relay both(a, b, options);
  co_await both;
  co_return both.result;
}

}  // namespace weir::net
