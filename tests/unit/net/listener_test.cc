#include "net/listener.h"

#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <vector>

#include "fixture.h"

namespace weir::net {
namespace {

struct Collector final : AcceptHandler {
  std::vector<int> accepted;
  std::vector<Endpoint> peers;
  std::vector<int> errors;
  int without_memory = 0;  // for how many connections there is none
  ~Collector() {
    for (const int fd : accepted) ::close(fd);
  }
  void on_accept(OwnedFd fd, const Endpoint& peer) override {
    if (without_memory-- > 0) throw std::bad_alloc();
    accepted.push_back(fd.release());
    peers.push_back(peer);
  }
  void on_accept_error(int error) override { errors.push_back(error); }
};

int listen_non_blocking() {
  const int fd = listen_on_loopback();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

TEST(Listener, AcceptsAllThatConnect) {
  Loop loop;
  const int listening = listen_non_blocking();
  Collector collector;
  Listener listener(loop, listening, collector);
  ASSERT_EQ(listener.error(), 0);
  std::vector<int> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(connect_to(listening));
  const auto body = [&]() -> Task<> { co_await until(loop, [&] { return collector.accepted.size() == 100; }); };
  run(loop, body());
  EXPECT_EQ(collector.peers[0], Endpoint::local_of(clients[0]));
  int no_delay = 0;
  socklen_t length = sizeof no_delay;
  getsockopt(collector.accepted[0], IPPROTO_TCP, TCP_NODELAY, &no_delay, &length);
  EXPECT_EQ(no_delay, 1);
  EXPECT_TRUE(fcntl(collector.accepted[0], F_GETFL) & O_NONBLOCK);
  EXPECT_TRUE(fcntl(collector.accepted[0], F_GETFD) & FD_CLOEXEC);
  for (const int fd : clients) ::close(fd);
  listener.stop();
  ::close(listening);
}

TEST(Listener, ClosesAConnectionForWhichThereIsNoMemoryAndGoesOn) {
  Loop loop;
  const int listening = listen_non_blocking();
  Collector collector;
  collector.without_memory = 1;
  Listener listener(loop, listening, collector);
  const std::uint64_t before = OutOfMemory::count();
  const int refused = connect_to(listening), taken = connect_to(listening);
  const auto body = [&]() -> Task<> { co_await until(loop, [&] { return collector.accepted.size() == 1; }); };
  run(loop, body());
  char octet;
  EXPECT_EQ(::recv(refused, &octet, 1, 0), 0);
  EXPECT_EQ(collector.peers[0], Endpoint::local_of(taken));
  EXPECT_EQ(OutOfMemory::count(), before + 1);
  ::close(refused);
  ::close(taken);
  listener.stop();
  ::close(listening);
}

TEST(Listener, AcceptsAfterWhatTheSameTurnHasWokenBefore) {
  struct Waker final : ReadinessHandler {
    Loop& loop;
    std::coroutine_handle<> coroutine;
    explicit Waker(Loop& its_loop) : loop(its_loop) {}
    void on_ready(std::uint32_t) override {
      if (coroutine) loop.resume_later(std::exchange(coroutine, nullptr));
    }
  };
  struct Woken {
    Waker& waker;
    bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> who) { waker.coroutine = who; }
    void await_resume() const {}
  };
  Loop loop;
  const int listening = listen_non_blocking();
  int pair[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
  Collector collector;
  Waker waker(loop);
  ReadinessSet::Slot slot{};
  ASSERT_EQ(loop.readiness().add(pair[0], EPOLLIN, waker, slot), 0);
  Listener listener(loop, listening, collector);
  ASSERT_EQ(::write(pair[1], "x", 1), 1);
  const int client = connect_to(listening);
  std::size_t accepted_before = 99;
  const auto body = [&]() -> Task<> {
    co_await Woken{waker};
    accepted_before = collector.accepted.size();
    co_await until(loop, [&] { return collector.accepted.size() == 1; });
  };
  run(loop, body());
  EXPECT_EQ(accepted_before, 0u);
  listener.stop();
  loop.readiness().remove(pair[0], slot);
  for (const int fd : {client, listening, pair[0], pair[1]}) ::close(fd);
}

TEST(Listener, StopsAndLeavesTheSocketToOthers) {
  Loop loop;
  const int listening = listen_non_blocking();
  Collector first, second;
  auto listener = std::make_unique<Listener>(loop, listening, first);
  listener->stop();
  const int client = connect_to(listening);
  const auto body = [&]() -> Task<> {
    co_await sleep(loop, 5ms);
    EXPECT_TRUE(first.accepted.empty());
    listener.reset();
    Listener other(loop, listening, second);  // as after a reload
    co_await until(loop, [&] { return second.accepted.size() == 1; });
  };
  run(loop, body());
  ::close(client);
  ::close(listening);
}

struct OneShot final : AcceptHandler {
  std::unique_ptr<Listener> listener;
  int accepted = 0;
  void on_accept(OwnedFd, const Endpoint&) override {
    ++accepted;
    listener.reset();
  }
  void on_accept_error(int) override {}
};

TEST(Listener, MayBeDestroyedByItsHandler) {
  Loop loop;
  const int listening = listen_non_blocking();
  OneShot handler;
  handler.listener = std::make_unique<Listener>(loop, listening, handler);
  const int first = connect_to(listening);
  const int second = connect_to(listening);
  const auto body = [&]() -> Task<> {
    co_await until(loop, [&] { return handler.accepted == 1; });
    co_await sleep(loop, 5ms);
  };
  run(loop, body());
  EXPECT_EQ(handler.accepted, 1);
  ::close(first);
  ::close(second);
  ::close(listening);
}

TEST(Listener, TwoWorkersShareOneSocket) {
  Loop loop;
  const int listening = listen_non_blocking();
  Collector first, second;
  Listener one(loop, listening, first);
  const int copy = ::dup(listening);  // another descriptor for the same socket, as two epoll sets would have
  Listener two(loop, copy, second);
  std::vector<int> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(connect_to(listening));
  const auto body = [&]() -> Task<> {
    co_await until(loop, [&] { return first.accepted.size() + second.accepted.size() == 20; });
  };
  run(loop, body());
  EXPECT_TRUE(first.errors.empty() && second.errors.empty());
  one.stop();
  two.stop();
  for (const int fd : clients) ::close(fd);
  ::close(copy);
  ::close(listening);
}

// In a child process, because it uses up the descriptors: accepting pauses without spinning, tells once, and goes on
// when there are some again. Returns an exit code.
int run_out_of_descriptors() {
  Loop loop;
  const int listening = listen_non_blocking();
  Collector collector;
  Listener listener(loop, listening, collector);
  std::vector<int> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(connect_to(listening));
  std::vector<int> hoard;
  const rlimit limit{64, 64};
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return 10;
  for (int fd; (fd = ::dup(0)) >= 0;) hoard.push_back(fd);

  std::size_t turns = 0;
  loop.on_turn_end([&] { ++turns; });
  int verdict = 0;
  const auto body = [&]() -> Task<> {
    co_await sleep(loop, 350ms);
    if (!collector.accepted.empty()) verdict = 11;
    if (collector.errors != std::vector<int>{EMFILE}) verdict = 12;  // told once, not each time
    if (turns > 40) verdict = 13;                                    // four attempts, not a spin
    for (const int fd : hoard) ::close(fd);
    co_await until(loop, [&] { return collector.accepted.size() == 5; });
  };
  run(loop, body());
  for (const int fd : clients) ::close(fd);
  listener.stop();
  ::close(listening);
  return verdict;
}

TEST(Listener, PausesWhenDescriptorsRunOutAndGoesOnWhenThereAreSome) {
  const pid_t child = fork();
  if (child == 0) _exit(run_out_of_descriptors());
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace weir::net
