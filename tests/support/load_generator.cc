#include "load_generator.h"

#include <sstream>

namespace weir::test {

std::string LoadResult::summary() const {
  std::ostringstream text;
  text << ok << " ok, " << failed << " failed, " << crossed << " crossed, " << connections << " connections, slowest "
       << slowest.count() << " ms";
  for (const auto& [backend, count] : by_backend) text << ", " << (backend.empty() ? "-" : backend) << ": " << count;
  for (const auto& failure : failures) text << "\n  " << failure;
  return text.str();
}

LoadGenerator::LoadGenerator(std::string address, LoadOptions options)
    : address_(std::move(address)), options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { run(); });
}

LoadGenerator::~LoadGenerator() {
  finish();
}

bool LoadGenerator::wait_for(std::uint64_t count, milliseconds patience) const {
  const auto target = ok_ + count;
  return wait_until([&] { return ok_ >= target; }, patience);
}

LoadResult LoadGenerator::finish() {
  stop_ = true;
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  result_.ok = ok_;
  return result_;
}

void LoadGenerator::note_failure(std::string text) {
  const std::lock_guard lock(mutex_);
  ++result_.failed;
  if (result_.failures.size() < 10) result_.failures.push_back(std::move(text));
}

void LoadGenerator::run() {
  HttpClient client(address_);
  std::map<std::string, std::uint64_t> by_backend;
  std::uint64_t crossed = 0;
  milliseconds slowest{0};
  while (!stop_) {
    const std::string id = std::to_string(next_id_++);
    Ask ask{.method = options_.method,
            .target = options_.target + "?" + id,
            .fields = options_.fields,
            .body = options_.body};
    ask.fields.emplace_back("X-Id", id);
    const Stopwatch watch;
    try {
      const HttpResponse answer = client.request(ask);
      if (answer.status != options_.expected_status || !answer.complete) {
        note_failure("request " + id + ": status " + std::to_string(answer.status) +
                     (answer.complete ? "" : ", cut"));
      } else if (answer.field("X-Id") != id || !answer.text().ends_with("?" + id)) {
        ++crossed;
        note_failure("request " + id + " got the answer of " + answer.field("X-Id") + ": " + answer.text());
      } else {
        ++by_backend[answer.field("X-Backend")];
        ++ok_;
      }
    } catch (const std::exception& error) {
      note_failure("request " + id + ": " + error.what());
    }
    slowest = std::max(slowest, watch.elapsed());
    if (options_.pause.count() > 0) std::this_thread::sleep_for(options_.pause);
  }
  const std::lock_guard lock(mutex_);
  result_.crossed += crossed;
  result_.connections += client.connections();
  result_.slowest = std::max(result_.slowest, slowest);
  for (const auto& [backend, count] : by_backend) result_.by_backend[backend] += count;
}

}  // namespace weir::test
