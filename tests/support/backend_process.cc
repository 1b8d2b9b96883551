#include "backend_process.h"

#include <csignal>
#include <stdexcept>

#include "socket.h"

namespace weir::test {

BackendProcess::BackendProcess(std::string name, milliseconds delay) : name_(std::move(name)), delay_(delay) {
  start();
}

void BackendProcess::start() {
  child_ = ChildProcess({WEIR_TEST_BACKEND, address(), name_, std::to_string(delay_.count())},
                        (dir_.path() / "output").string());
  const bool up = wait_until([this] {
    try {
      return Socket::connect(address(), milliseconds(1000)).valid();
    } catch (const SocketError&) {
      return !child_.running();
    }
  });
  if (!up || !child_.running()) throw std::runtime_error("the test backend did not start: " + child_.output());
}

void BackendProcess::freeze() const {
  child_.signal(SIGSTOP);
}
void BackendProcess::thaw() const {
  child_.signal(SIGCONT);
}

}  // namespace weir::test
