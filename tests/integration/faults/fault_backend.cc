// weir_fault_backend ADDRESS NAME JOURNAL DELAY_MS SERVE_AFTER_MS: a backend that writes down what it executed.
//
// Each request that was read whole is executed: a line `METHOD ID` is appended to JOURNAL, in one write, before any
// octet of the answer; so the journal is true whenever the process is killed. The answer is `NAME METHOD TARGET`, a line
// end and as many octets as the request's X-Size says; X-Pause is a pause (ms) in the middle of it; X-Framing: chunked
// or close. SERVE_AFTER_MS: it listens at once but serves only later. SIGTERM: no new connections, idle ones are
// closed, requests under way are finished.
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "support/http_message.h"
#include "support/socket.h"

namespace weir::test {
namespace {

constexpr milliseconds kLong{600'000};

struct Backend {
  std::string name;
  int journal;
  int ending;  // an eventfd, readable once the backend is to end
  milliseconds delay;
  Clock::time_point serves_from;
  std::atomic<int> connections{0};
};

bool is_readable(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

/// Waits for the next request. False: none comes, or the backend ends. What came before that is served.
bool wait_for_request(Backend& backend, MessageReader& reader, const Socket& socket) {
  if (!reader.buffered().empty()) return true;
  pollfd both[] = {{socket.fd(), POLLIN, 0}, {backend.ending, POLLIN, 0}};
  while (::poll(both, 2, -1) < 0) {
  }
  return both[0].revents != 0;
}

int number_in(const HttpRequest& request, const char* field) {
  return request.has(field) ? std::atoi(request.field(field).c_str()) : 0;
}

std::string chunk(const std::string& octets) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", octets.size());
  return size + octets + "\r\n";
}

bool answer(Backend& backend, Socket& socket, const HttpRequest& request) {
  std::string body = backend.name + " " + request.method + " " + request.target + "\n";
  body.append(static_cast<std::size_t>(number_in(request, "X-Size")), 'x');
  const std::string framing = request.field("X-Framing");
  const bool chunked = framing == "chunked";
  const bool closes = framing == "close" || is_readable(backend.ending);
  std::string head = "HTTP/1.1 200 OK\r\nX-Backend: " + backend.name + "\r\nX-Id: " + request.field("X-Id") + "\r\n";
  if (chunked)
    head += "Transfer-Encoding: chunked\r\n";
  else if (framing != "close")
    head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  if (closes) head += "Connection: close\r\n";
  const std::size_t middle = body.size() / 2;
  const std::string first = body.substr(0, middle), rest = body.substr(middle);
  std::string wire = head + "\r\n" + (chunked ? chunk(first) : first);
  if (const int pause = number_in(request, "X-Pause"); pause > 0) {
    if (socket.send(wire) != IoStatus::Ok) return false;
    std::this_thread::sleep_for(milliseconds(pause));
    wire.clear();
  }
  wire += chunked ? chunk(rest) + "0\r\n\r\n" : rest;
  return socket.send(wire) == IoStatus::Ok && !closes;
}

void serve(Backend& backend, Socket socket) {
  std::this_thread::sleep_until(backend.serves_from);
  bool is_idle = true;
  try {
    MessageReader reader(socket);
    HttpRequest request;
    while (wait_for_request(backend, reader, socket)) {
      is_idle = false;
      request = {};
      if (!reader.read_request_head(request, kLong)) break;
      reader.read_request_body(request, kLong);
      if (!request.complete) break;
      const std::string line = request.method + " " + request.field("X-Id") + "\n";
      if (::write(backend.journal, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
      if (backend.delay.count() > 0) std::this_thread::sleep_for(backend.delay);
      if (!answer(backend, socket, request)) break;
      is_idle = true;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  // An idle connection is closed as servers do: what is sent to it from now on is refused, not read.
  if (!is_idle) {
    socket.shutdown_send();
    socket.ends_within(milliseconds(200));
  }
  socket.close();
  --backend.connections;
}

int ending_event = -1;
void end(int) { ::eventfd_write(ending_event, 1); }

int run(char** argv) {
  Backend backend{.name = argv[2],
                  .journal = ::open(argv[3], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644),
                  .ending = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                  .delay = milliseconds(std::atoi(argv[4])),
                  .serves_from = Clock::now() + milliseconds(std::atoi(argv[5]))};
  if (backend.journal < 0 || backend.ending < 0) return 1;
  ending_event = backend.ending;
  std::signal(SIGTERM, end);
  std::signal(SIGPIPE, SIG_IGN);
  Socket listener = Socket::listen(argv[1]);
  listener.set_interrupt(backend.ending);
  while (!is_readable(backend.ending)) {
    Socket socket = listener.accept(kLong);
    if (!socket.valid()) continue;
    ++backend.connections;
    std::thread([&backend, moved = std::move(socket)]() mutable { serve(backend, std::move(moved)); }).detach();
  }
  // What the kernel accepted meanwhile is served too, else it would be reset.
  while (is_readable(listener.fd())) {
    listener.set_interrupt(-1);
    Socket socket = listener.accept(milliseconds(0));
    if (!socket.valid()) break;
    ++backend.connections;
    std::thread([&backend, moved = std::move(socket)]() mutable { serve(backend, std::move(moved)); }).detach();
  }
  listener.close();
  wait_until([&] { return backend.connections == 0; });
  return 0;
}

}  // namespace
}  // namespace weir::test

int main(int argc, char** argv) {
  if (argc == 6) return weir::test::run(argv);
  std::fprintf(stderr, "usage: %s ADDRESS NAME JOURNAL DELAY_MS SERVE_AFTER_MS\n", argv[0]);
  return 2;
}
