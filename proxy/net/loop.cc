#include "net/loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "net/out_of_memory.h"
#include "net/owned_fd.h"
#include "net/pipe.h"
#include "net/stream.h"

namespace weir::net {

namespace asio = boost::asio;

// How long the readiness set is asked itself after it had events. Such a wait has to end by itself, which costs next to
// nothing if it is long: the kernel sets its clock for what comes first.
constexpr std::chrono::milliseconds kPatience{100};

// Of the lists of coroutines: enough for most turns, so that being resumed needs no memory.
constexpr std::size_t kUsuallyReady = 1024;

// Calls the loop away from the readiness set, from any thread.
class Waker final : public ReadinessHandler {
 public:
  explicit Waker(ReadinessSet& set) : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    const int error = fd_.get() < 0 ? errno : set.add(fd_.get(), ReadinessSet::kLevelIn, *this, slot_);
    if (error != 0) throw std::system_error(error, std::generic_category(), "eventfd");
  }
  void call() { ::eventfd_write(fd_.get(), 1); }
  bool is_called() const { return is_called_; }
  void rest() { is_called_ = false; }

 private:
  void on_ready(std::uint32_t) override {
    eventfd_t calls;
    ::eventfd_read(fd_.get(), &calls);
    is_called_ = true;
  }

  OwnedFd fd_;
  ReadinessSet::Slot slot_ = 0;
  bool is_called_ = false;
};

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
        timer(context),
        waker(owner.readiness_) {
    wait_for_readiness();
    loop.ready_.reserve(kUsuallyReady);
    loop.resuming_.reserve(kUsuallyReady);
  }
  // The set closes its descriptor itself.
  ~Asio() { ready.release(); }

  void wait_for_readiness() {
    ready.async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
      is_waiting = false;
      waker.rest();
      if (!error) loop.readiness_.dispatch();
    });
    is_waiting = true;
  }

  // One handler, for which it waits unless coroutines are ready. False when there will be no more. Waits that have ended,
  // or could not be begun for want of memory, are begun before anything else.
  bool run_one() {
    while (!(is_waiting && is_timed) && !OutOfMemory::unless([this] { renew(); }))
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    bool goes_on = true;
    OutOfMemory::unless([&] {
      if (loop.ready_.empty())
        goes_on = context.run_one() != 0;
      else
        context.poll_one();
    });
    return goes_on;
  }

  // After a turn of the set: takes the next ones from the set itself, until it is silent or Asio has something to do.
  void stay() {
    while (!is_waiting && !waker.is_called() && !stopping.load(std::memory_order_relaxed)) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(wake - Clock::now());
      if (left.count() <= 0) return;
      const bool may_wait = loop.ready_.empty();
      const auto patience = may_wait ? std::min(kPatience, left) : std::chrono::milliseconds(0);
      const bool silent = loop.readiness_.dispatch(patience) == 0;
      loop.end_turn();
      if (silent && may_wait) return;
    }
  }

  TimePoint now() const override { return loop.now(); }
  void wake_at(TimePoint when) override {
    wake = when;
    is_timed = OutOfMemory::unless([this] { wait_for_time(); });
  }
  void wait_for_time() {
    timer.expires_at(wake);
    timer.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      wake = TimePoint::max();
      loop.timers_.advance(loop.now());
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
  Waker waker;
  std::atomic<bool> stopping = false;
  bool is_waiting = false;  // for readiness
  bool is_timed = true;     // there is a wait for `wake`, if one is wanted
  TimePoint wake = TimePoint::max();
};

Loop::Loop() : pipes_(std::make_unique<PipePool>()), asio_(std::make_unique<Asio>(*this)), timers_(*asio_) {}

Loop::~Loop() = default;

void Loop::refresh_now() const {
  now_ = Clock::now();
  now_is_fresh_ = true;
}

void Loop::post(std::function<void()> function) {
  asio::post(asio_->context, std::move(function));
  asio_->waker.call();
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

void Loop::end_turn() {
  OutOfMemory::unless([this] {
    // After a turn that brought what does not take long; and who waits for time comes before what the next events bring.
    if (!std::exchange(did_long_work_, false)) long_work_began_ = {};
    // Only those that were there: who yields again has to let events through first.
    resume_ready();
    run_hooks();
  });
  now_is_fresh_ = false;
}

void Loop::run() {
  // run_one instead of run: the end of each handler is the end of a turn.
  while (!asio_->stopping.load(std::memory_order_relaxed) && asio_->run_one()) {
    end_turn();
    asio_->stay();
  }
  asio_->context.restart();
  asio_->stopping.store(false);
}

void Loop::stop() {
  asio_->stopping.store(true);
  asio_->context.stop();
  asio_->waker.call();
}

void Loop::close_streams() {
  readiness_.for_each([](ReadinessHandler& handler) {
    if (Stream* stream = handler.as_stream()) stream->close();
  });
}

}  // namespace weir::net
