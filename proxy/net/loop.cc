#include "net/loop.h"

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/pipe.h"
#include "net/stream.h"

namespace weir::net {

namespace asio = boost::asio;

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
  }
  // The set closes its descriptor itself.
  ~Asio() { ready.release(); }

  void wait_for_readiness() {
    ready.async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
      if (error) return;
      loop.readiness_.dispatch();
      wait_for_readiness();
    });
  }

  TimePoint now() const override { return loop.now(); }
  void wake_at(TimePoint when) override {
    timer.expires_at(when);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (!error) loop.timers_.advance(loop.now());
    });
  }

  Loop& loop;
  asio::io_context context;
  asio::executor_work_guard<Executor> work;
  asio::posix::basic_stream_descriptor<Executor> ready;
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer;
  std::atomic<bool> stopping = false;
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

void Loop::resume_later(std::coroutine_handle<> coroutine) {
  // Outside run() there is no turn that would end: ask for one.
  if (ready_.empty() && !in_turn_) post([] {});
  ready_.push_back(coroutine);
}

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
  if (!ready_.empty()) post([] {});
  now_is_fresh_ = false;
}

void Loop::run() {
  // run_one instead of run: the end of each handler is the end of a turn.
  in_turn_ = true;
  while (!asio_->stopping.load(std::memory_order_relaxed) && asio_->context.run_one() != 0) finish_turn();
  in_turn_ = false;
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
