#include "fault_cluster.h"

#include <csignal>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "support/socket.h"

namespace weir::test {

namespace {
std::atomic<std::uint64_t> next_number{1};  // of all loads: journals know requests by it
}

milliseconds fault_time() {
  const char* const seconds = std::getenv("WEIR_FAULT_SECONDS");
  return seconds && *seconds ? milliseconds(1000 * std::atoi(seconds)) : milliseconds(400);
}

// --- backends

FaultBackend::FaultBackend(std::string name, milliseconds delay) : name_(std::move(name)), delay_(delay) { start(); }

void FaultBackend::start(milliseconds serve_after) {
  child_ = ChildProcess({WEIR_FAULT_BACKEND, address(), name_, (dir_.path() / "journal").string(),
                         std::to_string(delay_.count()), std::to_string(serve_after.count())},
                        (dir_.path() / "output").string());
  const bool up = wait_until([this] {
    try {
      return Socket::connect(address(), milliseconds(1000)).valid();
    } catch (const SocketError&) {
      return !child_.running();
    }
  });
  if (!up || !child_.running()) throw std::runtime_error("the backend did not start: " + child_.output());
}

bool FaultBackend::end_gracefully() {
  child_.signal(SIGTERM);
  return child_.wait().has_value();
}

std::map<std::string, int> FaultBackend::executed() const {
  std::map<std::string, int> times;
  std::istringstream journal(dir_.read("journal"));
  for (std::string line; std::getline(journal, line);) ++times[line];
  return times;
}

// --- load

std::string Verdict::summary() const {
  std::ostringstream text;
  text << ok << " ok, " << gets_failed << " GETs failed, " << posts_failed << " POSTs failed (" << posts_lost
       << " not executed), " << posts_doubled << " doubled, " << crossed << " crossed, " << slow_clients
       << " clients over 1 s, slowest " << slowest.count() << " ms; statuses";
  for (const auto& [status, count] : statuses) text << " " << status << ":" << count;
  for (const std::string& failure : failures) text << "\n  " << failure;
  return text.str();
}

FaultLoad::FaultLoad(std::string address, FaultLoadOptions options)
    : address_(std::move(address)), options_(std::move(options)) {
  for (int i = 0; i < options_.clients; ++i) threads_.emplace_back([this] { run(); });
}

FaultLoad::~FaultLoad() { stop(); }

void FaultLoad::stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool FaultLoad::wait_for(std::uint64_t count, milliseconds patience) const {
  const std::uint64_t target = ok_ + count;
  return wait_until([&] { return ok_ >= target; }, patience);
}

std::uint64_t FaultLoad::answered_by(const std::string& backend) {
  const std::lock_guard lock(mutex_);
  return by_backend_[backend];
}

bool FaultLoad::wait_for(const FaultBackend& backend, std::uint64_t count, milliseconds patience) {
  const std::uint64_t target = answered_by(backend.name()) + count;
  return wait_until([&] { return answered_by(backend.name()) >= target; }, patience);
}

void FaultLoad::note(const std::string& what, bool is_post, const std::string& key) {
  const std::lock_guard lock(mutex_);
  ++(is_post ? verdict_.posts_failed : verdict_.gets_failed);
  if (is_post) failed_posts_.insert(key);
  if (verdict_.failures.size() < 10) verdict_.failures.push_back(key + ": " + what);
}

void FaultLoad::run() {
  HttpClient client(address_);
  milliseconds slowest{0};
  std::uint64_t crossed = 0;
  std::map<int, std::uint64_t> statuses;
  while (!stop_) {
    const std::uint64_t number = next_number++;
    const std::string id = std::to_string(number);
    const bool is_post = options_.post_every > 0 && number % static_cast<std::uint64_t>(options_.post_every) == 0;
    Ask ask{.method = is_post ? "POST" : "GET", .target = "/fault?" + id, .fields = options_.fields};
    if (is_post) ask.body = "run me once: " + id;
    ask.fields.emplace_back("X-Id", id);
    const std::string key = ask.method + " " + id;
    const Stopwatch watch;
    try {
      const HttpResponse answer = client.request(ask);
      ++statuses[answer.status];
      const std::string line = answer.field("X-Backend") + " " + ask.method + " " + ask.target + "\n";
      if (answer.status != 200 || !answer.complete) {
        note("status " + std::to_string(answer.status) + (answer.complete ? "" : ", cut") + " after " +
                 std::to_string(watch.elapsed().count()) + " ms", is_post, key);
      } else if (answer.field("X-Id") != id || !answer.text().starts_with(line) ||
                 answer.body.size() != line.size() + static_cast<std::size_t>(std::atoi(ask.fields.get("X-Size").c_str()))) {
        ++crossed;
        note("the answer of " + answer.field("X-Id") + ": " + answer.text().substr(0, 80), is_post, key);
      } else {
        ++ok_;
        const std::lock_guard lock(mutex_);
        ++by_backend_[answer.field("X-Backend")];
      }
    } catch (const std::exception& error) {
      note(error.what() + (" after " + std::to_string(watch.elapsed().count()) + " ms"), is_post, key);
    }
    slowest = std::max(slowest, watch.elapsed());
    std::this_thread::sleep_for(options_.pause);
  }
  const std::lock_guard lock(mutex_);
  verdict_.crossed += crossed;
  verdict_.slow_clients += slowest > milliseconds(1000);
  verdict_.slowest = std::max(verdict_.slowest, slowest);
  for (const auto& [status, count] : statuses) verdict_.statuses[status] += count;
}

Verdict FaultLoad::finish(const std::vector<const FaultBackend*>& backends) {
  stop();
  std::map<std::string, int> executed;
  for (const FaultBackend* backend : backends)
    for (const auto& [key, times] : backend->executed()) executed[key] += times;
  for (const auto& [key, times] : executed) verdict_.posts_doubled += key.starts_with("POST ") && times > 1;
  for (const std::string& key : failed_posts_) verdict_.posts_lost += !executed.contains(key);
  verdict_.ok = ok_;
  return verdict_;
}

}  // namespace weir::test
