#include "agent/dialogue.h"

#include "session/c_client.h"

#include <thread>
#include <utility>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenLooks = 20ms;

template <class Result>
struct Answer {
  std::mutex mutex;
  std::condition_variable came;
  std::optional<Result> result;
};

}  // namespace

Dialogue::Dialogue(const std::vector<std::string>& servers, std::chrono::milliseconds timeout, ZooKeeperAuth auth)
    : deadline_(Clock::now() + timeout),
      client_(ZooKeeperClient::make(parse_servers(servers), timeout, {}, std::move(auth))) {}

Dialogue::~Dialogue() {
  client_.reset();
  CClient::wait_until_closed(1s);
}

template <class Result>
Result Dialogue::ask(const std::function<void(Session&, Session::Done<Result>)>& question) {
  const auto answer = std::make_shared<Answer<Result>>();
  bool is_asked = false;
  while (!is_asked) {
    client_->run([&](Ensemble& ensemble) {
      if (ensemble.session() == nullptr) return;
      is_asked = true;
      question(*ensemble.session(), [answer](Result result) {
        const std::lock_guard lock(answer->mutex);
        answer->result = std::move(result);
        answer->came.notify_one();
      });
    });
    if (!is_asked) pause();
  }
  std::unique_lock lock(answer->mutex);
  if (!answer->came.wait_until(lock, deadline_, [&] { return answer->result.has_value(); })) throw NoAnswer{};
  return std::move(*answer->result);
}

Listing Dialogue::list(const std::string& path) {
  return ask<Listing>([&](Session& session, auto done) { session.list(path, {}, std::move(done)); });
}

Existence Dialogue::exists(const std::string& path) {
  return ask<Existence>([&](Session& session, auto done) { session.exists(path, {}, std::move(done)); });
}

NodeData Dialogue::get(const std::string& path) {
  return ask<NodeData>([&](Session& session, auto done) { session.get(path, {}, std::move(done)); });
}

Code Dialogue::set(const std::string& path, const std::string& data, std::int32_t version) {
  return ask<Code>([&](Session& session, auto done) { session.set(path, data, version, std::move(done)); });
}

Code Dialogue::create(const std::string& path, const std::string& data) {
  return ask<Code>([&](Session& session, auto done) { session.create(path, data, std::move(done)); });
}

Code Dialogue::rename(const std::string& from, const std::string& to) {
  return ask<Code>([&](Session& session, auto done) {
    session.multi({Operation::remove(from), Operation::create(to)}, std::move(done));
  });
}

void Dialogue::pause() {
  if (Clock::now() + kBetweenLooks > deadline_) throw NoAnswer{};
  std::this_thread::sleep_for(kBetweenLooks);
}

}  // namespace weir::discovery
