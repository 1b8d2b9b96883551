// An echoing backend in a process of its own, which a test can kill -9 and start again on the same port.
#pragma once

#include <string>

#include "child_process.h"
#include "ports.h"
#include "temp_dir.h"

namespace weir::test {

class BackendProcess {
 public:
  /// Starts it and waits until it accepts. It answers as FakeBackend::echoing(name) does, after `delay`.
  explicit BackendProcess(std::string name, milliseconds delay = milliseconds(0));

  std::string address() const { return port_.address(); }
  const std::string& name() const { return name_; }
  /// kill -9.
  void kill() { child_.kill(); }
  /// SIGSTOP and SIGCONT: accepts and answers nothing meanwhile.
  void freeze() const;
  void thaw() const;
  void start();

 private:
  std::string name_;
  milliseconds delay_;
  Port port_;
  TempDir dir_{"backend"};
  ChildProcess child_;
};

}  // namespace weir::test
