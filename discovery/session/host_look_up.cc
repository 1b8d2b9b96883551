#include <weir/discovery/host_look_up.h>

#include "session/resolver.h"

#include <netdb.h>
#include <sys/socket.h>

#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace weir::discovery {
namespace {

HostAnswer ask_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) return {.error = gai_strerror(error)};
  HostAnswer answer;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    char text[NI_MAXHOST];
    if (getnameinfo(entry->ai_addr, entry->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      answer.addresses.emplace_back(text);
  }
  freeaddrinfo(found);
  return answer;
}

// Never destroyed: `getaddrinfo` cannot be interrupted, so its threads may outlive `main`.
class SystemLookUps {
 public:
  static SystemLookUps& instance() {
    static auto* const look_ups = new SystemLookUps;
    return *look_ups;
  }

  void ask(const std::string& host, std::function<void(HostAnswer)> done) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace_back(host, std::move(done));
    if (threads_ == kMostThreads) return;
    ++threads_;
    std::thread([this] { work(); }).detach();
  }

 private:
  static constexpr int kMostThreads = 4;

  void work() {
    std::unique_lock lock(mutex_);
    while (!waiting_.empty()) {
      const auto [host, done] = std::move(waiting_.front());
      waiting_.pop_front();
      lock.unlock();
      done(ask_system(host));
      lock.lock();
    }
    --threads_;
  }

  std::mutex mutex_;
  std::deque<std::pair<std::string, std::function<void(HostAnswer)>>> waiting_;
  int threads_ = 0;
};

}  // namespace

HostLookUp system_host_look_up() {
  return [](const std::string& host, std::function<void(HostAnswer)> done) {
    SystemLookUps::instance().ask(host, std::move(done));
  };
}

std::vector<std::string> look_up_with_system(const std::string& host) { return ask_system(host).addresses; }

}  // namespace weir::discovery
