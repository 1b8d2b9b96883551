// When connections or descriptors run out a new client is served all the same: those with the least claim make room.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "support/fake_backend.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

constexpr int kSlots = 32;
constexpr const char* kServer = R"(
    client_header_timeout 60s;
    server {
      location / { return 200 "own $uri"; }
      location /app { proxy_pass http://%app%; }
      location /stream { proxy_pass http://%app%; proxy_request_buffering off; }
    })";

class Slots : public ::testing::Test {
 protected:
  static WeirOptions options() {
    return {.events = "worker_connections " + std::to_string(kSlots) + ";", .workers = 1};
  }
  /// Twice as many connections as there are places, each after `octets` were sent on it.
  void flood(std::string_view octets) {
    for (int i = 0; i < 2 * kSlots; ++i) {
      held_.push_back(weir_.connect());
      held_.back().send(octets);
    }
  }
  void expect_service() {
    for (int i = 0; i < 10; ++i) EXPECT_EQ(weir_.get("/new" + std::to_string(i)).text(), "own /new" + std::to_string(i));
  }

  std::atomic<bool> released_{false};
  FakeBackend app_ = FakeBackend::echoing("app");
  WeirProcess weir_{kServer, {{"app", app_.address()}}, options()};
  std::vector<RawClient> held_;
};

TEST_F(Slots, SilentClientsMakeRoom) {
  flood("");
  expect_service();
}

TEST_F(Slots, IdleClientsMakeRoom) {
  for (int i = 0; i < kSlots; ++i) {
    held_.push_back(weir_.connect());
    EXPECT_EQ(held_.back().ask(to_wire({})).status, 200);
  }
  expect_service();
}

TEST_F(Slots, UnfinishedHeadsMakeRoom) {
  WEIR_ONLY("nginx turns new clients away");
  flood("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ");
  expect_service();
  EXPECT_TRUE(weir_.logs("the oldest unfinished head makes room for a new client (worker_connections)"));
}

TEST_F(Slots, SlowBodiesMakeRoom) {
  WEIR_ONLY("nginx turns new clients away");
  flood("POST /app HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nslow");
  expect_service();
  flood("POST /stream HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nslow");
  expect_service();
  EXPECT_TRUE(weir_.logs("the slowest body makes room for a new client (worker_connections)"));
}

TEST_F(Slots, ClientsThatAreServedKeepTheirPlaces) {
  // A response under way is not cut for anybody; idle ones go first, whatever came first.
  FakeBackend late = FakeBackend::scripted([this](BackendConnection& connection) {
    HttpRequest request;
    while (connection.read_request(request)) {
      released_.wait(false);
      if (!connection.answer({.body = "late"})) return;
    }
  });
  WeirProcess weir("server { location / { return 200 ok; } location /late { proxy_pass http://%late%; } }",
                   {{"late", late.address()}}, options());
  RawClient waiting = weir.connect();
  waiting.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_TRUE(wait_until([&] { return late.request_count() == 1; }));
  std::vector<RawClient> idle;
  for (int i = 0; i < 2 * kSlots; ++i) {
    idle.push_back(weir.connect());
    idle.back().send(i % 2 == 0 ? "" : "GET / HTTP/1.1\r\n");
  }
  EXPECT_EQ(weir.get("/").status, 200);
  released_ = true;
  released_.notify_all();
  EXPECT_EQ(waiting.read_response().text(), "late");
}

class Resources : public ::testing::Test {
 protected:
  /// How many descriptors the proxy has open.
  static std::size_t descriptors(const WeirProcess& weir) {
    const std::filesystem::directory_iterator all("/proc/" + std::to_string(weir.pid()) + "/fd");
    return static_cast<std::size_t>(std::distance(all, {}));
  }
  static void limit(const WeirProcess& weir, __rlimit_resource what, rlim_t value) {
    rlimit present{};
    ASSERT_EQ(::prlimit(weir.pid(), what, nullptr, &present), 0);
    present.rlim_cur = value;
    ASSERT_EQ(::prlimit(weir.pid(), what, &present, nullptr), 0);
  }
};

TEST_F(Resources, WithoutDescriptorsIdleClientsMakeRoomAndNothingIsBlamedOnBackends) {
  WEIR_ONLY("nginx needs worker_connections below the limit");
  FakeBackend app = FakeBackend::echoing("app");
  WeirProcess weir("server { location / { return 200 ok; } location /app { proxy_pass http://%app%; } }",
                   {{"app", app.address()}}, {.workers = 1});
  weir.allow_alerts();
  EXPECT_EQ(weir.get("/").status, 200);
  const std::size_t before = descriptors(weir);
  limit(weir, RLIMIT_NOFILE, before + 20);
  std::vector<RawClient> held;
  for (int i = 0; i < 60; ++i) held.push_back(weir.connect());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(weir.get("/").status, 200);
  held.clear();
  EXPECT_TRUE(wait_until([&] { return descriptors(weir) < before + 10; }));  // it has heard that they are gone
  for (int i = 0; i < 5; ++i) EXPECT_EQ(weir.get("/app").status, 200) << "it recovers";
}

TEST_F(Resources, AFullDiskCostsTheRequestThatNeededIt) {
  FakeBackend app = FakeBackend::echoing("app");
  WeirProcess weir(R"(
      client_max_body_size 10m;
      client_body_buffer_size 8k;
      access_log /dev/full;
      server { location / { proxy_pass http://%app%; } })",
                   {{"app", app.address()}}, {.workers = 1});
  weir.allow_alerts();
  EXPECT_EQ(weir.get("/").status, 200) << "a log that cannot be written";
  limit(weir, RLIMIT_FSIZE, 64 * 1024);  // what a file may grow to; a full disk fails the same way
  const Ask large{.method = "POST", .target = "/", .body = std::string(1 << 20, 'x')};
  EXPECT_EQ(weir.request(large).status, 500);
  EXPECT_TRUE(weir.running());
  EXPECT_EQ(weir.get("/").status, 200);
  limit(weir, RLIMIT_FSIZE, RLIM_INFINITY);
  EXPECT_EQ(weir.request(large).status, 200);
}

/// Octets that the kernel holds for the peers of TCP connections to `port`, by /proc/net/tcp.
std::size_t unsent_from(const std::string& address) {
  const int port = std::stoi(address.substr(address.rfind(':') + 1));
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::size_t most = 0;
  while (std::getline(table, line)) {
    unsigned local_port = 0, state = 0;
    unsigned long queued = 0;
    if (std::sscanf(line.c_str(), " %*d: %*x:%x %*x:%*x %x %lx:", &local_port, &state, &queued) == 3 &&
        static_cast<int>(local_port) == port && state != 10)
      most = std::max<std::size_t>(most, queued);
  }
  return most;
}

TEST(SlowReader, DoesNotFillTheKernelsMemory) {
  WEIR_ONLY("nginx lets the kernel take megabytes");
  FakeBackend app = FakeBackend::handling([](BackendConnection& connection, const HttpRequest&) {
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (connection.send(block)) continue;
  });
  WeirProcess weir("server { root %dir%; location / { } location /app { proxy_pass http://%app%; proxy_max_temp_file_size 0; } }",
                   {{"app", app.address()}});
  std::filesystem::resize_file(weir.dir().write("large", "x"), 50 << 20);
  for (const char* target : {"/large", "/app"}) {
    SCOPED_TRACE(target);
    RawClient client(weir.address(), 4'096);
    client.send(std::string("GET ") + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(wait_until([&] { return unsent_from(weir.address()) > 20'000; }));
    std::size_t most = 0;
    for (int i = 0; i < 30; ++i) {
      most = std::max(most, unsent_from(weir.address()));
      std::this_thread::sleep_for(milliseconds(10));  // what grows would grow by megabytes
    }
    EXPECT_LE(most, 160'000u) << "64 kB unsent, and what is under way";
  }
}

class RateFloors : public ::testing::Test {
 protected:
  /// Sends a few octets every now and then until the proxy has enough of it.
  static bool drips_until_closed(RawClient& client) {
    const Stopwatch watch;
    while (watch.elapsed() < kPatience) {
      if (client.send("xx") != IoStatus::Ok || client.closed_within(milliseconds(50))) return true;
    }
    return false;
  }
};

TEST_F(RateFloors, ABodyMustNotDrip) {
  WEIR_ONLY("nginx asks for one octet a minute");
  FakeBackend app = FakeBackend::echoing("app");
  WeirProcess weir(R"(
      client_body_min_rate 1k 1s;
      server {
        location / { proxy_pass http://%app%; }
        location /stream { proxy_pass http://%app%; proxy_request_buffering off; }
      })",
                   {{"app", app.address()}});
  for (const std::string target : {"/", "/stream"}) {
    SCOPED_TRACE(target);
    RawClient client = weir.connect();
    client.send("POST " + target + " HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    EXPECT_TRUE(drips_until_closed(client));
  }
  EXPECT_TRUE(weir.logs("it sends the request's body too slowly (limit: client_body_min_rate in "));
  EXPECT_EQ(weir.request({.method = "POST", .target = "/", .body = "quick"}).status, 200);
}

TEST_F(RateFloors, AReaderMustNotDrip) {
  WEIR_ONLY("nginx asks for one octet a minute");
  WeirProcess weir("send_min_rate 100k 1s; server { root %dir%; location / { } }");
  std::filesystem::resize_file(weir.dir().write("large", "x"), 50 << 20);
  RawClient client(weir.address(), 4'096);
  client.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string taken;
  const Stopwatch watch;
  IoStatus status = IoStatus::Ok;
  while (status == IoStatus::Ok && watch.elapsed() < kPatience) {
    taken.clear();
    status = client.socket().receive(taken, 1'000);
    std::this_thread::sleep_for(milliseconds(20));  // the reader's pace: 50 kB a second
  }
  EXPECT_EQ(status, IoStatus::Reset) << to_string(status);
  EXPECT_TRUE(weir.logs("client reads the response too slowly (limit: send_min_rate in "));
}

}  // namespace
}  // namespace weir::test
