// Task<T>: the coroutine type of the data path.
//
// Lazy: nothing runs until it is awaited (or spawned). One awaiter. Single-threaded: it runs on the loop that resumes
// it. Frames come from FramePool. When the body ends, control passes straight to the awaiter (symmetric transfer); a
// body that ends without ever waiting returns to its awaiter by a plain return, so a long loop over such tasks uses
// no stack even in builds without tail calls (-O0, sanitizers).
//
// Parameters are values, or references to objects that an enclosing frame owns. A Task must not be destroyed while it
// is suspended in the middle of a wait: end the wait first (Stream::cancel).
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "net/frame_pool.h"
#include "net/out_of_memory.h"

namespace weir::net {

template <class T>
class Task;

namespace detail {

// What promises share: frame memory, who continues, how it ended.
class TaskPromiseBase {
 public:
  static void* operator new(std::size_t size) { return FramePool::take(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { FramePool::give(memory, size); }

  std::suspend_always initial_suspend() const noexcept { return {}; }

  struct Final {
    bool detached;
    bool await_ready() const noexcept { return detached; }  // true: the frame frees itself
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      TaskPromiseBase& promise = finished.promise();
      promise.done_ = true;
      // While `start` below is still on the stack it sees done_ and lets the awaiter go on by itself.
      return promise.starting_ ? std::coroutine_handle<>(std::noop_coroutine()) : promise.continuation_;
    }
    void await_resume() const noexcept {}
  };
  Final final_suspend() const noexcept { return {detached_}; }

  void unhandled_exception() noexcept {
    // Nobody awaits a detached one: that memory ran out has ended it, anything else is a mistake and ends the process.
    if (detached_)
      OutOfMemory::unless([] { throw; });
    else
      failure_ = std::current_exception();
  }

  // Runs the body for the first time. Returns whether it came to its end without waiting.
  template <class Promise>
  static bool start(std::coroutine_handle<Promise> task, std::coroutine_handle<> continuation) {
    TaskPromiseBase& promise = task.promise();
    promise.continuation_ = continuation;
    promise.starting_ = true;
    task.resume();
    promise.starting_ = false;
    return promise.done_;
  }

  void detach() noexcept { detached_ = true; }

 protected:
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::coroutine_handle<> continuation_;
  std::exception_ptr failure_;
  bool starting_ = false;
  bool done_ = false;
  bool detached_ = false;
};

template <class T>
class TaskPromise : public TaskPromiseBase {
 public:
  Task<T> get_return_object() noexcept;
  template <class Value>
  void return_value(Value&& value) {
    value_.emplace(std::forward<Value>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class TaskPromise<void> : public TaskPromiseBase {
 public:
  inline Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() const { rethrow(); }
};

}  // namespace detail

/// A computation that yields a `T` (a value type, or void) when awaited, or throws what its body threw.
template <class T = void>
class [[nodiscard]] Task {
  static_assert(!std::is_reference_v<T>, "a task yields a value");

 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  struct Awaiter {
    Handle task;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> awaiter) const { return !promise_type::start(task, awaiter); }
    T await_resume() const { return task.promise().take(); }
  };
  /// Starts the task; the awaiter goes on when it is finished. The result can be fetched once.
  Awaiter operator co_await() const noexcept { return {handle_}; }

  /// Gives up ownership of the frame; for `spawn`.
  Handle release() noexcept { return std::exchange(handle_, {}); }

 private:
  Handle handle_;
};

template <class T>
Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

/// What a plain function returns that usually has its answer at once, and has to wait only now and then: the value
/// itself, or a task that brings it. Spares the usual case a coroutine frame. Awaited once, like a Task.
template <class T>
class [[nodiscard]] MaybeTask {
 public:
  MaybeTask(T value) : value_(std::move(value)) {}
  MaybeTask(Task<T> task) noexcept : task_(std::move(task)) {}

  struct Awaiter {
    MaybeTask& maybe;
    typename Task<T>::Awaiter task;
    bool await_ready() const noexcept { return maybe.value_.has_value(); }
    bool await_suspend(std::coroutine_handle<> awaiter) const { return task.await_suspend(awaiter); }
    T await_resume() const { return maybe.value_ ? std::move(*maybe.value_) : task.await_resume(); }
  };
  Awaiter operator co_await() noexcept { return {*this, task_.operator co_await()}; }

  /// The value, if it is there without awaiting anything; for a plain function that has more to do with it.
  const std::optional<T>& value() const noexcept { return value_; }

 private:
  std::optional<T> value_;
  Task<T> task_;
};

/// Runs `task` until its first wait, then returns; the task goes on by itself and frees itself when it ends. It may end
/// early for want of memory (see OutOfMemory); any other exception that leaves it ends the process.
inline void spawn(Task<void> task) {
  const Task<void>::Handle handle = task.release();
  handle.promise().detach();
  handle.resume();
}

}  // namespace weir::net
