// Many streams that open, close and die in the middle of batches: events of the dead must reach nobody.
#include <random>
#include <vector>

#include "fixture.h"

namespace weir::net {
namespace {

struct Echo {
  Loop& loop;
  int alive = 0;
  long bytes = 0;

  Task<> serve(int fd) {
    Stream stream(loop, fd);
    ++alive;
    char buffer[64];
    for (;;) {
      const IoResult got = stream.try_read(buffer);
      if (got.error.would_block()) {
        if (co_await stream.readable(10s)) break;
        continue;
      }
      if (got.error) break;
      bytes += static_cast<long>(got.bytes);
      if (buffer[0] == 'q') break;  // hang up, perhaps with bytes unread
      if (stream.try_write(std::string_view(buffer, got.bytes)).error) break;
    }
    --alive;
  }
};

TEST(StreamChurn, ThousandsOfShortLivesLeaveNothingBehind) {
  Loop loop;
  const std::size_t before = loop.readiness().size();
  Echo echo{loop};
  const auto body = [&]() -> Task<> {
    std::mt19937 random(99);
    std::vector<int> peers;
    for (int step = 0; step < 20'000; ++step) {
      const unsigned dice = random() % 10;
      if (peers.size() < 50 || (dice < 2 && peers.size() < 400)) {
        const auto [ours, theirs] = unix_pair();
        fcntl(ours, F_SETFL, O_NONBLOCK);
        spawn(echo.serve(ours));
        peers.push_back(theirs);
      } else {
        const std::size_t which = random() % peers.size();
        if (dice < 6) static_cast<void>(::send(peers[which], "ping", 4, MSG_NOSIGNAL | MSG_DONTWAIT));
        if (dice >= 6 && dice < 8) static_cast<void>(::send(peers[which], "q", 1, MSG_NOSIGNAL | MSG_DONTWAIT));
        if (dice >= 8) {
          ::close(peers[which]);
          peers[which] = peers.back();
          peers.pop_back();
        }
      }
      if (random() % 64 == 0) co_await sleep(loop, 1ms);
    }
    for (const int peer : peers) ::close(peer);
    co_await until(loop, [&] { return echo.alive == 0; });
  };
  run(loop, body());
  EXPECT_EQ(loop.stream_count(), 0u);
  EXPECT_EQ(loop.readiness().size(), before);
  EXPECT_GT(echo.bytes, 1000);
}

// Destroys all others at its first event: their events are in the same batch.
struct Destroyer final : StreamWatcher {
  std::vector<std::unique_ptr<Stream>>* all = nullptr;
  int calls = 0;
  void on_event(Stream&) override {
    ++calls;
    all->clear();
  }
};

TEST(StreamChurn, EventsOfOneBatchForStreamsThatJustDiedReachNobody) {
  Loop loop;
  const auto body = [&]() -> Task<> {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::unique_ptr<Stream>> all;
      std::vector<int> peers;
      Destroyer destroyer;
      destroyer.all = &all;
      for (int i = 0; i < 200; ++i) {
        const auto [ours, theirs] = unix_pair();
        fcntl(ours, F_SETFL, O_NONBLOCK);
        all.push_back(std::make_unique<Stream>(loop, ours));
        all.back()->watch(&destroyer);
        peers.push_back(theirs);
      }
      for (const int peer : peers) EXPECT_EQ(::send(peer, "x", 1, MSG_NOSIGNAL), 1);
      co_await until(loop, [&] { return destroyer.calls != 0; });
      co_await sleep(loop, 1ms);
      EXPECT_EQ(destroyer.calls, 1);
      for (const int peer : peers) ::close(peer);
    }
  };
  run(loop, body());
}

// As Destroyer, and puts a fresh stream, which takes over slot and descriptor number, in the place of each.
struct Replacer final : StreamWatcher {
  Loop* loop = nullptr;
  std::vector<std::unique_ptr<Stream>>* all = nullptr;
  std::vector<int>* peers = nullptr;
  StreamWatcher* successor = nullptr;
  bool done = false;
  void on_event(Stream&) override {
    if (std::exchange(done, true)) return;
    const std::size_t count = all->size();
    all->clear();
    for (std::size_t i = 0; i < count; ++i) {
      const auto [ours, theirs] = unix_pair();
      fcntl(ours, F_SETFL, O_NONBLOCK);
      all->push_back(std::make_unique<Stream>(*loop, ours));
      all->back()->watch(successor);
      peers->push_back(theirs);
    }
  }
};

struct Forbidden final : StreamWatcher {
  int calls = 0;
  void on_event(Stream&) override { ++calls; }
};

TEST(StreamChurn, ASuccessorInTheSameSlotDoesNotGetItsPredecessorsEvents) {
  Loop loop;
  const auto body = [&]() -> Task<> {
    for (int round = 0; round < 20; ++round) {
      std::vector<std::unique_ptr<Stream>> all;
      std::vector<int> peers;
      Forbidden forbidden;
      Replacer replacer;
      replacer.loop = &loop;
      replacer.all = &all;
      replacer.peers = &peers;
      replacer.successor = &forbidden;
      for (int i = 0; i < 100; ++i) {
        const auto [ours, theirs] = unix_pair();
        fcntl(ours, F_SETFL, O_NONBLOCK);
        all.push_back(std::make_unique<Stream>(loop, ours));
        all.back()->watch(&replacer);
        peers.push_back(theirs);
      }
      for (int i = 0; i < 100; ++i) EXPECT_EQ(::send(peers[static_cast<std::size_t>(i)], "x", 1, MSG_NOSIGNAL), 1);
      co_await until(loop, [&] { return replacer.done; });
      co_await sleep(loop, 2ms);
      EXPECT_EQ(forbidden.calls, 0);
      all.clear();
      for (const int peer : peers) ::close(peer);
    }
  };
  run(loop, body());
}

}  // namespace
}  // namespace weir::net
