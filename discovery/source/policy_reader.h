// Keeps the policy node read: one watch on its data.
#pragma once

#include "session/session.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::discovery {

/// Hands on the text of the node each time it was read: nothing if there is none. Lives on the executor.
class PolicyReader {
 public:
  using OnText = std::function<void(std::optional<std::string> text)>;
  /// The node exists but cannot be read; it will be tried again.
  using OnTrouble = std::function<void(const std::string& reason)>;

  PolicyReader(Executor& executor, std::string path, OnText on_text, OnTrouble on_trouble);

  void connected(Session& session);
  void disconnected();

  const std::string& path() const { return path_; }

 private:
  struct Round {};
  void read();
  void fail(Code code);
  template <class Function>
  auto in_this_round(Function function);

  const std::string path_;
  const OnText on_text_;
  const OnTrouble on_trouble_;
  Session* session_ = nullptr;
  std::shared_ptr<Round> round_;
  std::shared_ptr<Session::Watcher> watcher_;
  Clock::duration retry_;
  Timer timer_;
};

}  // namespace weir::discovery
