// A command that runs as our child.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace weir::discovery {

/// Started by the constructor, with our files and environment and no signal blocked. Thread safety: none.
class ChildCommand {
 public:
  /// `words`: the program, found along PATH, and its arguments. Throws std::system_error if it cannot be started.
  explicit ChildCommand(const std::vector<std::string>& words);
  ChildCommand(const ChildCommand&) = delete;
  ChildCommand& operator=(const ChildCommand&) = delete;

  /// Whether it is still there. To be asked before `signal`: one that has ended has no number any more.
  bool is_running();
  void signal(int number);
  /// As a shell says it: the exit code, or 128 and the signal that ended it. Only once it has ended.
  int exit_code() const { return exit_code_; }

 private:
  pid_t pid_ = -1;
  int exit_code_ = 0;
};

}  // namespace weir::discovery
