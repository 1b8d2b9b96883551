#include "source/policy_reader.h"

#include <algorithm>
#include <utility>

namespace weir::discovery {
namespace {

constexpr Clock::duration kFirstRetry = std::chrono::seconds(1), kLongestRetry = std::chrono::seconds(30);

}  // namespace

template <class Function>
auto PolicyReader::in_this_round(Function function) {
  return [round = std::weak_ptr<Round>(round_), function = std::move(function)](const auto& answer) {
    if (const auto alive = round.lock()) function(answer);
  };
}

PolicyReader::PolicyReader(Executor& executor, std::string path, OnText on_text, OnTrouble on_trouble)
    : path_(std::move(path)),
      on_text_(std::move(on_text)),
      on_trouble_(std::move(on_trouble)),
      watcher_(std::make_shared<Session::Watcher>([this] {
        if (session_ != nullptr) read();
      })),
      retry_(kFirstRetry),
      timer_(executor) {}

void PolicyReader::connected(Session& session) {
  session_ = &session;
  round_ = std::make_shared<Round>();
  timer_.cancel();
  read();
}

void PolicyReader::disconnected() {
  session_ = nullptr;
  round_.reset();
  timer_.cancel();
}

void PolicyReader::read() {
  timer_.cancel();
  session_->get(path_, watcher_, in_this_round([this](const NodeData& node) {
    if (node.code == Code::Ok) {
      retry_ = kFirstRetry;
      return on_text_(node.data);
    }
    if (node.code != Code::NoNode) return fail(node.code);
    session_->exists(path_, watcher_, in_this_round([this](const Existence& answer) {
      if (answer.code == Code::Ok) return read();  // made in between
      if (answer.code != Code::NoNode) return fail(answer.code);
      retry_ = kFirstRetry;
      on_text_(std::nullopt);
    }));
  }));
}

void PolicyReader::fail(Code code) {
  if (code == Code::Lost) return;  // the next connection reads again
  timer_.set(retry_, [this] { read(); });
  retry_ = std::min(retry_ * 2, kLongestRetry);
  on_trouble_(to_string(code));
}

}  // namespace weir::discovery
