#include "net/loop.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "net/out_of_memory.h"
#include "net/pipe.h"
#include "net/stream.h"

namespace weir::net {

namespace asio = boost::asio;

// Of the lists of coroutines: enough for most turns, so that being resumed needs no memory.
constexpr std::size_t kUsuallyReady = 1024;

// Concrete executors throughout; the type-erased one would be paid for by every handler.
struct Loop::Asio final : TimerDriver {
  using Executor = asio::io_context::executor_type;

  explicit Asio(Loop& owner)
      // One thread runs it and any may post to it, so its locks stay (hint 1 only tells that they are rarely
      // contended).
      : loop(owner),
        context(1),
        work(context.get_executor()),
        ready(context, owner.readiness_.descriptor()),
        timer(context) {
    wait_for_readiness();
    loop.ready_.reserve(kUsuallyReady);
    loop.resuming_.reserve(kUsuallyReady);
  }
  // The set closes its descriptor itself.
  ~Asio() { ready.release(); }

  void wait_for_readiness() {
    ready.async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
      is_waiting = false;
      if (error) return;
      loop.readiness_.dispatch();
      wait_for_readiness();
    });
    is_waiting = true;
  }

  // One handler, for which it waits unless coroutines are ready. False when there will be no more. A handler that memory
  // ran out in has ended; waits that it could not renew are renewed before anything else.
  bool run_one() {
    bool goes_on = true;
    OutOfMemory::unless([&] {
      if (loop.ready_.empty())
        goes_on = context.run_one() != 0;
      else
        context.poll_one();
    });
    while (goes_on && !(is_waiting && is_timed) && !OutOfMemory::unless([this] { renew(); }))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return goes_on;
  }

  TimePoint now() const override { return loop.now(); }
  void wake_at(TimePoint when) override {
    wake = when;
    is_timed = OutOfMemory::unless([this] { wait_for_time(); });
  }
  void wait_for_time() {
    timer.expires_at(wake);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (!error) loop.timers_.advance(loop.now());
    });
    is_timed = true;
  }

  void renew() {
    if (!is_waiting) wait_for_readiness();
    if (!is_timed) wait_for_time();
  }

  Loop& loop;
  asio::io_context context;
  asio::executor_work_guard<Executor> work;
  asio::posix::basic_stream_descriptor<Executor> ready;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer;
  std::atomic<bool> stopping = false;
  bool is_waiting = false;  // for readiness
  bool is_timed = true;     // there is a wait for `wake`, if one is wanted
  TimePoint wake;
};

Loop::Loop() : pipes_(std::make_unique<PipePool>()), asio_(std::make_unique<Asio>(*this)), timers_(*asio_) {}

Loop::~Loop() = default;

asio::io_context& Loop::context() {
  return asio_->context;
}

void Loop::refresh_now() const {
  now_ = Clock::now();
  now_is_fresh_ = true;
}

void Loop::post(std::function<void()> function) {
  asio::post(asio_->context, std::move(function));
}

void Loop::on_turn_end(std::function<void()> hook) {
  turn_end_.push_back(std::move(hook));
}

void Loop::resume_later(std::coroutine_handle<> coroutine) { ready_.push_back(coroutine); }

void Loop::run_hooks() {
  for (const auto& hook : turn_end_) hook();
}

void Loop::resume_ready() {
  if (ready_.empty()) return;
  run_hooks();  // who yielded finds done what an end of a turn does
  resuming_.swap(ready_);
  for (const std::coroutine_handle<> coroutine : resuming_) coroutine.resume();
  resuming_.clear();
}

void Loop::finish_turn() {
  long_work_began_ = {};  // who waits for time comes before what the next events bring
  // Only those that were there: who yields again has to let events through first.
  resume_ready();
  run_hooks();
}

void Loop::run() {
  // run_one instead of run: the end of each handler is the end of a turn.
  while (!asio_->stopping.load(std::memory_order_relaxed) && asio_->run_one()) {
    OutOfMemory::unless([this] { finish_turn(); });
    now_is_fresh_ = false;
  }
  asio_->context.restart();
  asio_->stopping.store(false);
}

void Loop::stop() {
  asio_->stopping.store(true);
  asio_->context.stop();
}

void Loop::close_streams() {
  readiness_.for_each([](ReadinessHandler& handler) {
    if (Stream* stream = handler.as_stream()) stream->close();
  });
}

}  // namespace weir::net
