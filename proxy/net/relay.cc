#include "net/relay.h"

namespace weir::net {
namespace {

// Both directions of one relay; lives in relay()'s frame.
class Relay final : private Timer {
 public:
  Relay(Stream& a, Stream& b, const RelayOptions& options)
      : Timer(a.loop().timers()), a_(a), b_(b), options_(options) {}

  // co_await it: starts both directions and goes on when both have ended.
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    moved();
    spawn(pump(a_, b_, options_.first_to_b, result.a_to_b, RelayResult::Side::A, RelayResult::Side::B));
    spawn(pump(b_, a_, options_.first_to_a, result.b_to_a, RelayResult::Side::B, RelayResult::Side::A));
    waiting_ = waiting;
    return running_ != 0;
  }
  void await_resume() const noexcept {}

  RelayResult result;

 private:
  // Long runs of ready sockets let the loop's others have their turn.
  static constexpr int kRoundsInOneGo = 16;

  Task<> pump(Stream& from, Stream& to, std::string_view first, std::uint64_t& delivered, RelayResult::Side from_side,
              RelayResult::Side to_side) {
    IoError error = co_await deliver(to, first, delivered);
    RelayResult::Side side = to_side;
    for (int round = 0; !error; ++round) {
      if (round == kRoundsInOneGo) {
        round = 0;
        co_await from.loop().yield();
      }
      side = from_side;
      if ((error = co_await from.readable()) || ended()) break;
      Buffer buffer = from.loop().buffers().take(options_.buffer);
      const IoResult got = from.try_read(buffer.span());
      if (got.error.would_block()) continue;
      if ((error = got.error)) break;
      moved();
      side = to_side;
      const IoResult sent = to.try_write(std::string_view(buffer.data(), got.bytes));
      delivered += sent.bytes;
      if (sent.bytes == got.bytes) continue;
      if (sent.error.would_block()) {
        error = co_await deliver(to, std::string_view(buffer.data() + sent.bytes, got.bytes - sent.bytes), delivered);
      } else {
        error = sent.error;
      }
    }
    if (error.is_eof()) {
      to.shutdown_send();  // if it fails, the other direction finds out
      if (!options_.half_close) end({}, RelayResult::Side::None);
    } else {
      end(error, side);
    }
    finished();
  }

  Task<IoError> deliver(Stream& to, std::string_view bytes, std::uint64_t& delivered) {
    while (!bytes.empty()) {
      const IoResult sent = to.try_write(bytes);
      bytes.remove_prefix(sent.bytes);
      delivered += sent.bytes;
      if (sent.bytes != 0) moved();
      if (bytes.empty()) break;
      if (sent.error && !sent.error.would_block()) co_return sent.error;
      if (const IoError error = co_await to.writable()) co_return error;
      if (ended()) co_return IoError{ECANCELED};
    }
    co_return IoError{};
  }

  // Something moved: both directions stay alive for another idle time.
  void moved() {
    if (options_.idle.count() > 0) arm_at(a_.loop().now() + options_.idle);
  }
  void on_timer() override { end({ETIMEDOUT}, RelayResult::Side::None); }

  bool ended() const { return ended_; }

  // Ends both directions; the first reason counts, and what the other direction sees then is only the echo.
  void end(IoError error, RelayResult::Side side) {
    if (ended_) return;
    ended_ = true;
    result.error = error;
    result.side = side;
    a_.cancel();
    b_.cancel();
  }

  void finished() {
    if (--running_ == 0 && waiting_) a_.loop().resume_later(waiting_);
  }

  Stream& a_;
  Stream& b_;
  const RelayOptions& options_;
  std::coroutine_handle<> waiting_;
  int running_ = 2;
  bool ended_ = false;
};

}  // namespace

Task<RelayResult> relay(Stream& a, Stream& b, RelayOptions options) {
  Relay both(a, b, options);
  co_await both;
  co_return both.result;
}

}  // namespace weir::net
