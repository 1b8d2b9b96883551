// How long a change of the registry takes to reach those who pick, and what knowing many members costs.
//
//   discovery_bench            everything, against a ZooKeeper of its own on loopback
//   discovery_bench NAME…      of: sync10k sync100k vanish drain cached traffic reloads
//
// The cases that measure memory run in processes of their own, which this program starts as itself.
#include <weir/discovery/zookeeper_source.h>

#include "session/c_client.h"
#include "session/zookeeper_client.h"

#include "support/fake_backend.h"
#include "support/load_generator.h"
#include "support/weir_process.h"
#include "support/zookeeper_nodes.h"
#include "support/zookeeper_server.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <zookeeper/zookeeper.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <mutex>
#include <thread>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;
using test::wait_until;

constexpr const char* kPath = "/weir/group";

double ms(Clock::duration duration) { return std::chrono::duration<double, std::milli>(duration).count(); }

double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[std::min(values.size() - 1, static_cast<std::size_t>(share * static_cast<double>(values.size())))];
}

double resident_mb() {
  std::ifstream file("/proc/self/statm");
  long size = 0, resident = 0;
  file >> size >> resident;
  return static_cast<double>(resident) * 4096 / (1 << 20);
}

std::string name_of(int number) {
  return fmt::format("127.{}.{}.{}:8080,w=100", 1 + number / 62500, number / 250 % 250, 1 + number % 250);
}

// A session that writes many nodes at once.
class Writer {
 public:
  explicit Writer(const std::string& server, std::chrono::milliseconds timeout = 10s)
      : client_(ZooKeeperClient::make(parse_servers(std::vector<std::string>{server}), timeout, {})) {}
  ~Writer() {
    client_.reset();
    CClient::wait_until_closed(5s);
  }
  Code multi(std::vector<Operation> operations) {
    const auto promise = std::make_shared<std::promise<Code>>();
    auto answer = promise->get_future();
    wait_until([&] {
      bool is_asked = false;
      client_->run([&](Ensemble& ensemble) {
        if (ensemble.session() == nullptr) return;
        is_asked = true;
        ensemble.session()->multi(operations, [promise](Code code) { promise->set_value(code); });
      });
      return is_asked;
    });
    return answer.get();
  }
  void fill(int from, int to, bool is_ephemeral, const std::string& suffix = {}, const std::string& where = kPath) {
    for (const std::string& path : {std::string("/weir"), where, where + "/members"}) multi({Operation::create(path)});
    for (int begin = from; begin < to; begin += 500) {
      std::vector<Operation> operations;
      for (int i = begin; i < std::min(begin + 500, to); ++i) {
        const std::string path = fmt::format("{}/members/{}{}", where, name_of(i), suffix);
        operations.push_back(is_ephemeral ? Operation::create_ephemeral(path) : Operation::create(path));
      }
      if (const Code code = multi(std::move(operations)); code != Code::Ok) fmt::print(stderr, "fill: {}\n", to_string(code));
    }
  }

 private:
  std::shared_ptr<ZooKeeperClient> client_;
};

// A source, and when it announced what.
class Watcher {
 public:
  explicit Watcher(const std::string& server, const char* path = kPath) : source_({.servers = {server}, .path = path}, {}) {}
  ~Watcher() { source_.stop(); }
  void start() {
    source_.start([this](balancer::Members members) {
      const std::lock_guard lock(mutex_);
      count_ = members.size();
      fewest_ = std::min(fewest_, count_);
      changed_at_ = Clock::now();
      changed_.notify_all();
    });
  }
  Clock::time_point when_there_are(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 60s, [&] { return count_ == count; });
    return changed_at_;
  }
  std::size_t fewest() const {
    const std::lock_guard lock(mutex_);
    return fewest_;
  }
  SourceStatus status() const { return source_.status(); }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0, fewest_ = SIZE_MAX;
  Clock::time_point changed_at_{};
  ZooKeeperSource source_;
};

// The least that follows a directory: the C client alone asks for its names, with a watch, whenever that has fired, and
// nobody looks at the answer.
class BareFollower {
 public:
  BareFollower(const std::string& server, std::string path) : path_(std::move(path)) {
    zoo_set_debug_level(ZOO_LOG_LEVEL_ERROR);
    zk_ = zookeeper_init(server.c_str(), &on_event, 10'000, nullptr, this, 0);
    wait_until([this] { return listings_ != 0; });
  }
  ~BareFollower() { zookeeper_close(zk_); }

 private:
  static void on_event(zhandle_t* zk, int type, int state, const char*, void* context) {
    const bool is_connected = type == ZOO_SESSION_EVENT && state == ZOO_CONNECTED_STATE;
    if (!is_connected && type != ZOO_CHILD_EVENT) return;
    zoo_awget_children2(zk, static_cast<BareFollower*>(context)->path_.c_str(), &on_event, context, &on_listing, context);
  }
  static void on_listing(int code, const String_vector*, const Stat*, const void* context) {
    if (code == ZOK) ++static_cast<BareFollower*>(const_cast<void*>(context))->listings_;
  }

  const std::string path_;
  std::atomic<int> listings_{0};
  zhandle_t* zk_ = nullptr;
};

// What the threads of a process have worked that follow a registry: the discovery's own, and the C client's, which were
// started by it and so are called the same.
double worked_ms(pid_t pid) {
  double sum = 0;
  for (const auto& thread : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid))) {
    std::string name;
    std::getline(std::ifstream(thread.path() / "comm") >> std::ws, name);
    double nanoseconds = 0;
    std::ifstream(thread.path() / "schedstat") >> nanoseconds;
    if (name == "weir-zookeeper") sum += nanoseconds / 1e6;
  }
  return sum;
}

// --- in processes of their own

int run_fill(const std::string& server, int count) {
  Writer(server).fill(0, count, false);
  return 0;
}

// Known to the proxy, and no traffic for addresses at which nobody is.
constexpr const char* kPathOfOthers = "/weir/others";
constexpr const char* kPathOfBare = "/weir/bare";

int run_fill_draining(const std::string& server, int count) {
  Writer writer(server);
  for (const char* path : {kPath, kPathOfOthers, kPathOfBare}) writer.fill(0, count, false, ",s=drain", path);
  return 0;
}

int run_sync(const std::string& server, int count) {
  const double before = resident_mb();
  const auto began = Clock::now();
  Watcher watcher(server);
  watcher.start();
  const auto synced = watcher.when_there_are(static_cast<std::size_t>(count));
  std::this_thread::sleep_for(200ms);
  fmt::print("{:.1f} {:.1f}\n", ms(synced - began), resident_mb() - before);
  return 0;
}

std::string run_self(const std::string& what, const std::string& server, int count) {
  return test::run_program({"/proc/self/exe", what, server, std::to_string(count)}, 300s).output;
}

// --- the cases

void sync(const std::string& title, int count, int rounds) {
  test::ZooKeeperServer server;
  run_self("fill", server.address(), count);
  std::vector<double> times, memory;
  for (int i = 0; i < rounds; ++i) {
    double time = 0, megabytes = 0;
    std::sscanf(run_self("sync", server.address(), count).c_str(), "%lf %lf", &time, &megabytes);
    times.push_back(time);
    memory.push_back(megabytes);
  }
  fmt::print("{}: cold sync, with connecting: median {:.0f} ms, worst {:.0f} ms; memory added {:.0f} MB ({} rounds)\n", title,
             quantile(times, 0.5), quantile(times, 1), quantile(memory, 0.5), rounds);
  Watcher watcher(server.address());
  watcher.start();
  watcher.when_there_are(static_cast<std::size_t>(count));
  Writer writer(server.address());
  std::vector<double> changes;
  constexpr int kChanges = 30;
  const double worked_before = worked_ms(getpid());
  for (int i = 0; i < kChanges; ++i) {
    std::this_thread::sleep_for(count > 10'000 ? 1500ms : 300ms);
    const std::string path = fmt::format("{}/members/{}", kPath, name_of(count + i));
    const auto began = Clock::now();
    writer.multi({Operation::create(path)});
    changes.push_back(ms(watcher.when_there_are(static_cast<std::size_t>(count + i + 1)) - began));
  }
  fmt::print("{}: one member more, from asking ZooKeeper to the new membership: p50 {:.1f} ms, p99 {:.1f} ms (30); "
             "each takes {:.1f} ms of the threads that follow it\n", title,
             quantile(changes, 0.5), quantile(changes, 0.99), (worked_ms(getpid()) - worked_before) / kChanges);
}

void vanish() {
  test::ZooKeeperServer server;
  run_self("fill", server.address(), 9'000);
  std::vector<double> times;
  std::size_t lost = 0;
  for (int i = 0; i < 5; ++i) {
    auto members = std::make_unique<Writer>(server.address());
    members->fill(9'000, 10'000, true);
    Watcher watcher(server.address());
    watcher.start();
    watcher.when_there_are(10'000);
    const auto began = Clock::now();
    members.reset();
    wait_until([&] { return watcher.status().held == 1'000; }, 60s);
    times.push_back(ms(Clock::now() - began));
    lost = std::max(lost, 10'000 - watcher.fewest());
  }
  fmt::print("vanish: 1000 of 10000 ephemerals end with their session; from closing it until all are known to be held: "
             "median {:.0f} ms, worst {:.0f} ms; members lost: {} (5)\n", quantile(times, 0.5), quantile(times, 1), lost);
}

void drain() {
  test::ZooKeeperServer server;
  std::atomic<Clock::rep> last{0};
  auto leaving = test::FakeBackend::handling([&](test::BackendConnection& connection, const test::HttpRequest& request) {
    last = Clock::now().time_since_epoch().count();
    connection.answer({.body = "leaving " + request.method + " " + request.target,
                       .fields = {{"X-Id", request.field("X-Id")}, {"X-Backend", "leaving"}}});
  });
  auto staying = test::FakeBackend::echoing("staying");
  test::ZooKeeperNodes nodes(server.address());
  const std::string up = fmt::format("{}/members/{}", kPath, leaving.address()), draining = up + ",s=drain";
  nodes.create_ephemeral(fmt::format("{}/members/{}", kPath, staying.address()));
  nodes.create_ephemeral(up);
  test::WeirProcess weir("upstream group { zk_cluster %zk%; } server { location / { proxy_pass http://group; } }",
                         {{"zk", server.address()}});
  test::LoadGenerator load(weir.address(), {.threads = 4, .pause = std::chrono::microseconds(200)});
  std::vector<double> times;
  for (int i = 0; i < 100; ++i) {
    const auto before = last.load();
    wait_until([&] { return last.load() != before; });
    const auto began = Clock::now();
    nodes.rename(up, draining);
    std::this_thread::sleep_for(300ms);
    times.push_back(std::max(0.0, ms(Clock::time_point(Clock::duration(last.load())) - began)));
    nodes.rename(draining, up);
  }
  const auto result = load.finish();
  fmt::print("drain: from asking ZooKeeper to the last new request at the backend: p50 {:.1f} ms, p99 {:.1f} ms (100); "
             "{} requests, {} failed\n", quantile(times, 0.5), quantile(times, 0.99), result.ok, result.failed);
}

void cached() {
  test::ZooKeeperServer server;
  auto backend = test::FakeBackend::answering({.status = 200, .body = "ok"}, "0.0.0.0:8080");
  run_self("fill", server.address(), 10'000);
  test::TempDir dir("cache");
  const test::Values values{{"zk", server.address()}, {"cache", (dir.path() / "group").string()}};
  constexpr const char* kConfig =
      "upstream group { zk_cluster %zk%; zk_cache %cache%; } server { location / { proxy_pass http://group; } }";
  {
    test::WeirProcess weir(kConfig, values);
    wait_until([&] { return weir.get("/").status == 200; });
  }
  server.kill();
  std::vector<double> times;
  for (int i = 0; i < 10; ++i) {
    const auto began = Clock::now();
    test::WeirProcess weir(kConfig, values);
    if (weir.get("/").status != 200) fmt::print(stderr, "cached: not served\n");
    times.push_back(ms(Clock::now() - began));
  }
  fmt::print("cached: ZooKeeper down, 10000 members in the cache; from exec to the first answer (with a test's polling): "
             "median {:.0f} ms, worst {:.0f} ms (10)\n", quantile(times, 0.5), quantile(times, 1));
}

// What clients of a proxy wait, request by request.
class Latencies {
 public:
  explicit Latencies(const std::string& address) {
    for (std::size_t i = 0; i < kThreads; ++i) threads_[i] = std::thread([this, i, address] { run(taken_[i], address); });
  }
  ~Latencies() { end(); }
  void end() {
    is_over_ = true;
    for (std::thread& thread : threads_)
      if (thread.joinable()) thread.join();
  }
  /// In ms, of the requests that were sent in one of `windows`. After `end`.
  std::vector<double> in(const std::vector<std::pair<TimePoint, TimePoint>>& windows) const {
    std::vector<double> times;
    for (const auto& taken : taken_) {
      auto next = taken.begin();
      for (const auto& [begin, end] : windows) {
        while (next != taken.end() && next->first < begin) ++next;
        for (; next != taken.end() && next->first < end; ++next) times.push_back(next->second);
      }
    }
    return times;
  }
  std::uint64_t failed() const { return failed_; }

 private:
  static constexpr std::size_t kThreads = 2;
  using Taken = std::vector<std::pair<TimePoint, double>>;

  void run(Taken& taken, const std::string& address) {
    test::HttpClient client(address);
    while (!is_over_) {
      const TimePoint began = Clock::now();
      if (client.get("/").status != 200) ++failed_;
      taken.emplace_back(began, ms(Clock::now() - began));
      std::this_thread::sleep_for(200us);
    }
  }

  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> failed_{0};
  Taken taken_[kThreads];
  std::thread threads_[kThreads];
};

using Windows = std::vector<std::pair<TimePoint, TimePoint>>;

void add_window(Windows& windows, Clock::duration length, const std::function<void()>& begin) {
  const TimePoint now = Clock::now();
  begin();
  std::this_thread::sleep_until(now + length);
  windows.emplace_back(now, now + length);
}

// A proxy that follows 10,000 members, with clients, and a second such directory.
struct Scene {
  static std::string config(const std::string& path, int number) {
    return fmt::format("upstream group {{ server %backend%; zk_cluster %zk%; zk_path {}; }} keepalive_requests 1000000000; "
                       "server {{ location / {{ proxy_pass http://group; }} location /status {{ return 200 {}; }} "
                       "location /discovery {{ zk_status; }} }}", path, number);
  }
  Scene() { has_members(10'000); }

  bool has_members(int count) {
    const std::string wanted = fmt::format("members: {},", count);
    return wait_until([&] { return weir.get("/discovery").text().find(wanted) != std::string::npos; });
  }
  void add(const char* path, int i) {
    writer.multi({Operation::create(fmt::format("{}/members/{},s=drain", path, name_of(20'000 + i)))});
  }
  void print(const char* when, const Windows& windows) const {
    const std::vector<double> times = load.in(windows);
    fmt::print("traffic: {}: p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms ({} requests in {} windows)\n", when,
               quantile(times, 0.5), quantile(times, 0.99), quantile(times, 0.999), times.size(), windows.size());
  }
  void end() {
    load.end();
    fmt::print("traffic: {} requests failed\n", load.failed());
  }

  test::ZooKeeperServer server;
  std::string filled = run_self("fill-draining", server.address(), 10'000);
  test::FakeBackend backend = test::FakeBackend::answering({.status = 200, .body = "ok"});
  test::WeirProcess weir{config(kPath, 0), {{"zk", server.address()}, {"backend", backend.address()}}};
  Latencies load{weir.address()};
  Writer writer{server.address()};
};

// Requests while the discovery works, beside requests while it does not: turn and turn about, as the machine has moods. And
// beside requests while somebody else follows a registry in another process, be it with a discovery or with the least that
// can: what these take of the processors is no fault of the workers' neighbour.
void traffic() {
  Scene scene;
  Windows quiet, changes, changes_elsewhere, changes_bare;
  constexpr int kChanges = 100;
  double worked = 0;
  Watcher elsewhere(scene.server.address(), kPathOfOthers);
  elsewhere.start();
  elsewhere.when_there_are(10'000);
  const BareFollower bare(scene.server.address(), std::string(kPathOfBare) + "/members");
  std::this_thread::sleep_for(1s);
  for (int i = 0; i < kChanges; ++i) {
    add_window(quiet, 50ms, [] {});
    const double before = worked_ms(scene.weir.pid());
    add_window(changes, 50ms, [&] { scene.add(kPath, i); });
    std::this_thread::sleep_for(150ms);  // what it owes of pauses is over
    worked += worked_ms(scene.weir.pid()) - before;
    add_window(changes_elsewhere, 50ms, [&] { scene.add(kPathOfOthers, i); });
    std::this_thread::sleep_for(100ms);
    add_window(changes_bare, 50ms, [&] { scene.add(kPathOfBare, i); });
    std::this_thread::sleep_for(100ms);
  }
  scene.end();
  scene.print("10000 members, nothing changes, 50 ms", quiet);
  scene.print("one more member, the 50 ms after it", changes);
  scene.print("the same where another process follows it", changes_elsewhere);
  scene.print("the same where another process asks for the names and drops them", changes_bare);
  fmt::print("traffic: one change takes {:.1f} ms of the proxy's threads that follow the registry\n", worked / kChanges);
}

void reloads() {
  Scene scene;
  Windows reloads, syncs, syncs_elsewhere;
  constexpr int kReloads = 15;
  int number = 0;
  const auto rest = [&] {
    scene.has_members(10'000);
    std::this_thread::sleep_for(400ms);
  };
  const char* path = kPath;
  const char* other = kPathOfOthers;
  for (int i = 0; i < kReloads; ++i) {
    add_window(reloads, 200ms, [&] { scene.weir.reload(Scene::config(path, ++number)); });
    rest();
    Watcher elsewhere(scene.server.address(), other);
    add_window(syncs_elsewhere, 200ms, [&] {
      scene.weir.reload(Scene::config(path, ++number));
      elsewhere.start();
    });
    rest();
    std::swap(path, other);
    add_window(syncs, 200ms, [&] { scene.weir.reload(Scene::config(path, ++number)); });
    rest();
  }
  scene.end();
  scene.print("a reload that keeps the members, the 200 ms after it", reloads);
  scene.print("the same, and another process reads 10000 for the first time", syncs_elsewhere);
  scene.print("a reload after which the proxy reads 10000 others for the first time, the 200 ms after it", syncs);
}

}  // namespace
}  // namespace weir::discovery

int main(int argc, char** argv) {
  using namespace weir::discovery;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3 && words[0] == "fill") return run_fill(words[1], std::stoi(words[2]));
  if (words.size() == 3 && words[0] == "sync") return run_sync(words[1], std::stoi(words[2]));
  if (words.size() == 3 && words[0] == "fill-draining") return run_fill_draining(words[1], std::stoi(words[2]));
  setenv("_JAVA_OPTIONS", "-Xmx700m", 1);  // the tests' servers are smaller
  testing::InitGoogleTest();               // the helpers of the tests report through it
  const auto wanted = [&](const char* name) { return words.empty() || std::find(words.begin(), words.end(), name) != words.end(); };
  if (wanted("sync10k")) sync("sync10k", 10'000, 5);
  if (wanted("sync100k")) sync("sync100k", 100'000, 3);
  if (wanted("vanish")) vanish();
  if (wanted("drain")) drain();
  if (wanted("cached")) cached();
  if (wanted("traffic")) traffic();
  if (wanted("reloads")) reloads();
  return 0;
}
