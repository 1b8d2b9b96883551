// A client with an event loop of its own, which picks on that loop while another thread changes the membership.
#include <weir/balancer/upstream.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <functional>
#include <set>
#include <string>
#include <thread>

using namespace weir::balancer;

/// As simple as a loop can be: what is to be done, in order. Real ones wait for sockets, too.
class EventLoop {
 public:
  void later(std::function<void()> work) { work_.push_back(std::move(work)); }
  void run() {
    while (!work_.empty()) {
      const auto work = std::move(work_.front());
      work_.pop_front();
      work();
    }
  }

 private:
  std::deque<std::function<void()>> work_;
};

/// Requests that each hold their lease for a few turns of the loop, as long as `rounds` lasts.
class Client {
 public:
  Client(EventLoop& loop, std::shared_ptr<Upstream> upstream) : loop_(loop), reader_(std::move(upstream)) {}

  void send(std::atomic<bool>& done) {
    std::optional<Lease> lease = reader_.acquire({.now = Clock::now()});
    if (!lease) {
      ++refused;
    } else {
      seen.insert(lease->backend().address());
      wait(std::make_shared<Lease>(std::move(*lease)), 3);
    }
    ++sent;
    if (!done || sent < 1000) loop_.later([this, &done] { send(done); });
  }

  int sent = 0, refused = 0;
  std::set<std::string> seen;

 private:
  void wait(std::shared_ptr<Lease> lease, int turns) {
    if (turns == 0) return lease->succeeded(Clock::now());
    loop_.later([this, lease, turns] { wait(lease, turns - 1); });
  }

  EventLoop& loop_;
  UpstreamReader reader_;
};

int main() {
  const auto app = std::make_shared<Upstream>("app", *find_picker("round_robin"));
  app->update({{.address = "first"}});
  std::atomic<bool> begun{false}, done{false};
  std::thread discovery([&] {
    begun.wait(false);
    for (int version = 0; version < 200; ++version) {
      app->update({{.address = "first"}, {.address = "changing-" + std::to_string(version % 7), .weight = 2}});
    }
    app->update({{.address = "last"}});
    done = true;
  });

  EventLoop loop;
  Client client(loop, app);
  loop.later([&] { client.send(done); });
  loop.later([&] {
    begun = true;
    begun.notify_one();
  });
  loop.run();
  discovery.join();
  loop.later([&] { client.send(done); });  // after the last change
  loop.run();

  const auto snapshot = app->snapshot();
  const bool ok = client.refused == 0 && client.seen.contains("first") && client.seen.contains("last") &&
                  snapshot->primaries().size() == 1 && snapshot->primaries()[0].active() == 0;
  std::printf("sent %d, refused %d, saw %zu backends\n", client.sent, client.refused, client.seen.size());
  return ok ? 0 : 1;
}
