// Allocations that fail cost whoever wanted the memory; the proxy stays, and serves as before when there is memory again.
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "support/backend_process.h"
#include "support/socket.h"
#include "support/wait.h"
#include "support/weir_process.h"

namespace weir::test {
namespace {

class FailingMemory : public ::testing::Test {
 protected:
  struct Control {
    std::atomic<std::uint32_t> one_in, failed;
  };

  FailingMemory() : file_(dir_.write("control", std::string(sizeof(Control), '\0'))) {
    const int fd = ::open(file_.c_str(), O_RDWR | O_CLOEXEC);
    void* const memory = ::mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory == MAP_FAILED) throw std::runtime_error("the file of control cannot be mapped");
    control_ = static_cast<Control*>(memory);
  }
  ~FailingMemory() override { ::munmap(control_, sizeof(Control)); }

  WeirOptions failing(WeirOptions options = {}) const {
    options.workers = 1;
    options.environment = {"LD_PRELOAD=" WEIR_FAILING_MEMORY, "FAILING_MEMORY_FILE=" + file_};
    return options;
  }

  /// Without memory nothing begins; what is tested is that nothing ends.
  static void wait_until_it_has_begun(const WeirProcess& weir) {
    weir.signal(SIGUSR1);
    EXPECT_TRUE(weir.logs("reopening logs"));
  }

  /// One of `one_in` allocations fails while several clients go on with `use` until `failures` have failed.
  template <class Use>
  void fail(std::uint32_t one_in, std::uint32_t failures, Use use) {
    control_->failed = 0;
    control_->one_in = one_in;
    std::vector<std::thread> clients;
    std::atomic<bool> ended{false};
    for (int i = 0; i < 4; ++i)
      clients.emplace_back([&] {
        while (!ended) {
          try {
            use();
          } catch (const std::exception&) {  // its connection was given up
          }
        }
      });
    EXPECT_TRUE(wait_until([&] { return control_->failed >= failures; }, milliseconds(60'000)));
    ended = true;
    for (std::thread& client : clients) client.join();
    control_->one_in = 0;
  }

 private:
  TempDir dir_{"memory"};
  const std::string file_;
  Control* control_;
};

TEST_F(FailingMemory, CostsSomeRequestsAndNothingElse) {
  WEIR_ONLY("nginx answers 500 or ends a connection, too, but allocates by other calls");
  BackendProcess app("app");
  WeirProcess weir(R"(
      upstream group { server %app%; keepalive 8; }
      server {
        location / { proxy_pass http://group; }
        location /fields { proxy_pass http://group; add_header X-Upstream $upstream_addr; }
        location /own { return 200 own; }
      })",
                   {{"app", app.address()}}, failing());
  weir.allow_alerts();
  wait_until_it_has_begun(weir);
  const std::string large(200'000, 'b');
  for (const std::uint32_t one_in : {100u, 20u, 5u}) {
    fail(one_in, 150, [&] {
      HttpClient client = weir.client();
      client.get("/");
      client.get("/fields?a=b", {{"X-Long", std::string(3000, 'x')}});
      client.get("/own");
      client.post("/", large);
    });
    for (int i = 0; i < 50; ++i) EXPECT_EQ(weir.get("/fields").status, 200) << "after one in " << one_in;
  }
  EXPECT_TRUE(weir.logs("out of memory: "));
}

TEST_F(FailingMemory, CostsSomeSessionsAndNothingElse) {
  WEIR_ONLY("as above");
  BackendProcess app("app");
  WeirProcess weir("server { proxy_pass %app%; }", {{"app", app.address()}}, failing({.stream = true}));
  weir.allow_alerts();
  wait_until_it_has_begun(weir);
  for (const std::uint32_t one_in : {20u, 5u}) {
    fail(one_in, 150, [&] { weir.get("/"); });
    for (int i = 0; i < 50; ++i) EXPECT_EQ(weir.get("/").status, 200) << "after one in " << one_in;
  }
}

}  // namespace
}  // namespace weir::test
