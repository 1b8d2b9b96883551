#include "net/stream.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "log/check.h"
#include "net/plain_calls.h"

namespace weir::net {
namespace {

constexpr int index(Direction direction) {
  return static_cast<int>(direction);
}

// Up to this many bytes copying costs less than what sendmsg() costs more than send(): a head with a small body.
constexpr std::size_t kGathered = 2048;

}  // namespace

Stream::Stream(Loop& loop, OwnedFd&& fd, Start start)
    : Timer(loop.timers()), loop_(loop), fd_(-1), flags_(start == Start::Connected ? kIn | kOut : 0) {
  const int error = loop.readiness().add(fd.get(), ReadinessSet::kEdges, *this, slot_);
  fd_ = fd.release();
  if (error == 0) {
    ++loop_.stream_count_;
    return;
  }
  ::close(fd_);
  fd_ = -error;
}

Stream::~Stream() {
  WEIR_CHECK(!waiters_[0] && !waiters_[1]);
  if (fd_ >= 0) release_descriptor();
}

void Stream::release_descriptor() {
  // The kernel takes a closed socket out of the set itself.
  loop_.readiness().remove_closing(slot_);
  plain::close(fd_);
  fd_ = -ECANCELED;
  --loop_.stream_count_;
}

IoResult Stream::try_read(std::span<char> into) {
  if (fd_ < 0) return {0, {-fd_}};
  // What has come since the flag was cleared will be told by an edge; asking the kernel would cost a call for nothing.
  if (!(flags_ & kIn)) return {0, {EAGAIN}};
  ssize_t count;
  do count = plain::recv(fd_, into.data(), into.size(), 0);
  while (count < 0 && errno == EINTR);
  if (count > 0) {
    // Short: nothing is left, and what comes later is a new edge. Not so once the peer closed: its end may have been
    // told with these bytes already, and then no edge follows.
    if (static_cast<std::size_t>(count) < into.size()) note_short_read();
    return {static_cast<std::size_t>(count), {}};
  }
  if (count == 0) return {0, {into.empty() ? 0 : IoError::kEof}};
  const IoError error{errno};
  if (error.would_block()) clear_ready(kIn);
  return {0, error};
}

int Stream::send_flags() const { return MSG_NOSIGNAL | (is_ending() ? MSG_MORE : 0); }

IoResult Stream::try_write(std::span<const iovec> parts) {
  if (fd_ < 0) return {0, {-fd_}};
  if (parts.size() == 1) return try_write({static_cast<const char*>(parts[0].iov_base), parts[0].iov_len});
  std::size_t wanted = 0;
  for (const iovec& part : parts) wanted += part.iov_len;
  if (wanted <= kGathered) {
    char together[kGathered];
    std::size_t size = 0;
    for (const iovec& part : parts) {
      std::memcpy(together + size, part.iov_base, part.iov_len);
      size += part.iov_len;
    }
    return try_write({together, size});
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());  // sendmsg does not write to it
  message.msg_iovlen = parts.size();
  ssize_t sent;
  do sent = ::sendmsg(fd_, &message, send_flags());
  while (sent < 0 && errno == EINTR);
  return wrote(sent, wanted);
}

IoResult Stream::try_write(std::string_view bytes) {
  if (fd_ < 0) return {0, {-fd_}};
  ssize_t sent;
  do sent = plain::send(fd_, bytes.data(), bytes.size(), send_flags());
  while (sent < 0 && errno == EINTR);
  return wrote(sent, bytes.size());
}

IoResult Stream::try_splice_to(int pipe, std::size_t most) {
  if (fd_ < 0) return {0, {-fd_}};
  if (!(flags_ & kIn)) return {0, {EAGAIN}};
  ssize_t count;
  do count = ::splice(fd_, nullptr, pipe, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (count < 0 && errno == EINTR);
  if (count > 0) return {static_cast<std::size_t>(count), {}};
  return {0, {count == 0 ? IoError::kEof : errno}};
}

IoResult Stream::try_splice_from(int pipe, std::size_t most) {
  if (fd_ < 0) return {0, {-fd_}};
  ssize_t sent;
  do sent = ::splice(pipe, nullptr, fd_, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
  while (sent < 0 && errno == EINTR);
  // Less than all does not mean that there is no more room: the kernel moves a few pieces at a time.
  return sent < 0 ? wrote(sent, most) : IoResult{static_cast<std::size_t>(sent), {}};
}

IoResult Stream::wrote(std::ptrdiff_t sent, std::size_t wanted) {
  if (sent < 0) {
    const IoError error{errno};
    if (error.would_block()) clear_ready(kOut);
    return {0, error};
  }
  const auto bytes = static_cast<std::size_t>(sent);
  if (bytes == wanted) return {bytes, {}};
  clear_ready(kOut);  // a short write leaves no room; the kernel reports when there is some
  return {bytes, {EAGAIN}};
}

void Stream::begin_wait(Waiter& waiter) {
  const int which = index(waiter.direction);
  WEIR_CHECK(!waiters_[which]);
  waiters_[which] = &waiter;
  // An earlier timer does no harm: it finds nothing due and goes to the next deadline. So a limit that is only pushed
  // forward costs nothing here.
  if (waiter.deadline < Timer::deadline()) arm_at(waiter.deadline);
}

// The wait is over; the caller sees to it that the coroutine goes on.
void Stream::end_wait(Waiter& waiter, IoError error) {
  waiter.error = error;
  waiter.woken = true;
  withdraw(waiter);
  if (waiter.other) waiter.other->stream->withdraw(*waiter.other);
}

void Stream::withdraw(Waiter& waiter) { waiters_[index(waiter.direction)] = nullptr; }

void Stream::on_ready(std::uint32_t events) {
  std::uint8_t now = 0;
  if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) now |= kIn;
  if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) now |= kOut;
  std::uint8_t closed = 0;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) closed |= kPeerClosed;
  if (events & (EPOLLHUP | EPOLLERR)) closed |= kBroken;
  flags_ |= now | closed;
  if (events & EPOLLPRI) flags_ |= kUrgent;

  Waiter* reader = waiters_[index(Direction::Read)];
  Waiter* writer = waiters_[index(Direction::Write)];
  if (reader && (now & wants_[index(Direction::Read)])) {
    end_wait(*reader, {});
    // At most one goes on from here: it may do anything, and the other must not be touched after that.
    writer = waiters_[index(Direction::Write)];
    if (writer && (now & wants_[index(Direction::Write)])) {
      end_wait(*writer, {});
      loop_.resume_later(writer->coroutine);
    }
    reader->coroutine.resume();
    return;
  }
  const bool for_watcher = watcher_ && !reader && (now & kIn);
  if (writer && (now & wants_[index(Direction::Write)])) {
    end_wait(*writer, {});
    if (!for_watcher) return writer->coroutine.resume();
    loop_.resume_later(writer->coroutine);
  }
  if (for_watcher) watcher_->on_event(*this);
}

void Stream::on_timer() {
  const TimePoint now = loop_.now();
  TimePoint next = TimePoint::max();
  for (const Direction direction : {Direction::Read, Direction::Write}) {
    Waiter* waiter = waiters_[index(direction)];
    if (!waiter) continue;
    if (waiter->deadline > now) {
      next = std::min(next, waiter->deadline);
      continue;
    }
    end_wait(*waiter, {ETIMEDOUT});
    loop_.resume_later(waiter->coroutine);
  }
  if (next != TimePoint::max()) arm_at(next);
  if (fd_ < 0 && watcher_) watcher_->on_event(*this);
}

void Stream::cancel() {
  for (const Direction direction : {Direction::Read, Direction::Write}) {
    Waiter* waiter = waiters_[index(direction)];
    if (!waiter) continue;
    end_wait(*waiter, {ECANCELED});
    loop_.resume_later(waiter->coroutine);
  }
}

IoError Stream::shutdown_send() {
  if (fd_ < 0) return {-fd_};
  return {::shutdown(fd_, SHUT_WR) == 0 ? 0 : errno};
}

void Stream::close() {
  if (fd_ >= 0) before_close();
  cancel();
  if (fd_ >= 0) end();
}

void Stream::abort() {
  if (fd_ < 0) return;
  const linger reset{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  cancel();
  end();
}

// The watcher may destroy the stream, or be in the middle of something: it is told by the timer.
void Stream::end() {
  release_descriptor();
  flags_ |= kPeerClosed | kBroken;
  if (watcher_) arm_at(loop_.now());
}

void Stream::watch(StreamWatcher* watcher) {
  watcher_ = watcher;
  if (watcher && fd_ < 0) arm_at(loop_.now());
}

OwnedFd Stream::release() {
  WEIR_CHECK(!waiters_[0] && !waiters_[1]);
  if (fd_ < 0) return OwnedFd(-1);
  OwnedFd fd(std::exchange(fd_, -ECANCELED));
  loop_.readiness().remove(fd.get(), slot_);
  --loop_.stream_count_;
  Timer::disarm();
  return fd;
}

IoError Stream::take_error() {
  if (fd_ < 0) return {-fd_};
  int error = 0;
  socklen_t length = sizeof error;
  if (getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length) != 0) error = errno;
  return {error};
}

namespace {

// Whether a wait would end at once, and how.
bool ends_at_once(Waiter& waiter, bool is_open, bool ready) {
  if (!is_open) waiter.error = {ECANCELED};
  return waiter.woken = !is_open || ready;
}

}  // namespace

WaitEither::WaitEither(Condition first, Condition second)
    : first_{.stream = &first.stream,
             .deadline = first.stream.deadline_after(first.timeout),
             .direction = first.direction},
      second_{.stream = &second.stream,
              .deadline = second.stream.deadline_after(second.timeout),
              .direction = second.direction} {}

bool WaitEither::await_ready() noexcept {
  const bool first = ends_at_once(first_, first_.stream->is_open(), first_.stream->is_ready(first_.direction));
  const bool second = ends_at_once(second_, second_.stream->is_open(), second_.stream->is_ready(second_.direction));
  return first || second;
}

void WaitEither::await_suspend(std::coroutine_handle<> coroutine) {
  for (Waiter* waiter : {&first_, &second_}) {
    waiter->coroutine = coroutine;
    waiter->other = waiter == &first_ ? &second_ : &first_;
    waiter->stream->begin_wait(*waiter);
  }
}

Either WaitEither::await_resume() const noexcept {
  return {first_.woken, second_.woken, first_.woken ? first_.error : second_.error};
}

}  // namespace weir::net
