// A program started by a test: its own process group, its output in a file, never left behind.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "wait.h"

namespace weir::test {

class ChildProcess {
 public:
  ChildProcess() = default;
  /// Starts `arguments[0]` with standard output and error appended to `output_file`. `environment`: `NAME=value`,
  /// added. Throws std::system_error. The child dies with the thread that started it.
  ChildProcess(const std::vector<std::string>& arguments, std::string output_file,
               const std::vector<std::string>& environment = {});
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  /// Kills the child and its whole group.
  ~ChildProcess();

  bool started() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  bool running();
  /// After SIGSTOP it returns when all threads have stopped.
  void signal(int number) const;
  /// kill -9, and waits for the end.
  void kill();
  /// Waits for the end. Returns the exit code, or 128 + the signal that ended it; nothing if it still runs.
  std::optional<int> wait(milliseconds patience = kPatience);
  /// What it wrote to standard output and error.
  std::string output() const;

 private:
  bool reap(bool block);

  pid_t pid_ = -1;
  std::optional<int> exit_code_;
  std::string output_file_;
};

struct RunResult {
  int exit_code;
  std::string output;
};
/// Runs a program to its end and gives what it wrote; exit code 137 if it had to be killed after `patience`.
RunResult run_program(const std::vector<std::string>& arguments, milliseconds patience = kPatience);

}  // namespace weir::test
