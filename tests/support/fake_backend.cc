#include "fake_backend.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>

#include "ports.h"

namespace weir::test {
namespace {
constexpr std::size_t kRecorded = 10'000;
constexpr milliseconds kConnectionLife{120'000};  // no script outlives its test by much
}  // namespace

struct BackendState {
  FakeBackend::Script script;
  std::optional<Port> port;
  std::string address;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::vector<HttpRequest> requests;
  std::vector<std::string> errors;
  std::size_t request_count = 0, accepted = 0, open = 0;
  std::uint64_t next_number = 0;
  bool malformed_allowed = false;
  std::atomic<bool> stopping{false}, reset_on_stop{true};

  // One run is what lies between start and stop.
  int stop_event = -1;
  Socket listener;
  std::thread acceptor;

  void begin();
  void end(bool with_reset);
  void accept_loop();
  void serve(Socket socket, std::uint64_t number);
  void record(const HttpRequest& request) {
    const std::lock_guard lock(mutex);
    if (requests.size() < kRecorded) requests.push_back(request);
  }
  void note_error(const std::string& text) {
    const std::lock_guard lock(mutex);
    errors.push_back(text);
  }
};

void BackendState::begin() {
  stopping = false;
  stop_event = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  listener = Socket::listen(address);
  listener.set_interrupt(stop_event);
  acceptor = std::thread([this] { accept_loop(); });
}

void BackendState::end(bool with_reset) {
  if (stop_event < 0) return;
  reset_on_stop = with_reset;
  stopping = true;
  ::eventfd_write(stop_event, 1);  // never read: it wakes every wait there is
  acceptor.join();
  std::unique_lock lock(mutex);
  changed.wait(lock, [this] { return open == 0; });
  lock.unlock();
  ::close(std::exchange(stop_event, -1));
}

void BackendState::accept_loop() {
  for (;;) {
    Socket socket = listener.accept(kConnectionLife);
    if (stopping) {
      listener.close();
      if (socket.valid()) socket.reset();
      return;
    }
    if (!socket.valid()) continue;
    socket.set_interrupt(stop_event);
    const std::lock_guard lock(mutex);
    ++accepted;
    ++open;
    std::thread([this, number = ++next_number, moved = std::move(socket)]() mutable {
      serve(std::move(moved), number);
    }).detach();  // `end` waits until `open` is zero
  }
}

void BackendState::serve(Socket socket, std::uint64_t number) {
  {
    BackendConnection connection(std::move(socket), number, *this);
    try {
      script(connection);
    } catch (const ProtocolError& error) {
      note_error(error.what());
    } catch (const SocketError&) {
      // The proxy left; the script is over.
    }
    if (stopping && reset_on_stop) connection.reset();
    connection.close();
  }
  const std::lock_guard lock(mutex);
  --open;
  changed.notify_all();
}

BackendConnection::BackendConnection(Socket socket, std::uint64_t number, BackendState& state)
    : socket_(std::move(socket)), reader_(socket_), number_(number), state_(state) {}

bool BackendConnection::read_head(HttpRequest& request) {
  request = {};
  request.connection = number_;
  if (!reader_.read_request_head(request, kConnectionLife)) return false;
  const std::lock_guard lock(state_.mutex);
  ++state_.request_count;
  return true;
}

bool BackendConnection::read_body(HttpRequest& request) {
  reader_.read_request_body(request, kConnectionLife);
  state_.record(request);
  return request.complete;
}

bool BackendConnection::read_request(HttpRequest& request) {
  return read_head(request) && read_body(request);
}

bool BackendConnection::send(std::string_view bytes) {
  return socket_.send(bytes, kConnectionLife) == IoStatus::Ok;
}

bool BackendConnection::answer(const Answer& answer, std::string_view method) {
  std::string wire = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const auto& [name, value] : answer.fields) wire += name + ": " + value + "\r\n";
  const bool close = answer.close || answer.framing == Answer::Framing::UntilClose;
  if (close) wire += "Connection: close\r\n";
  const bool bodiless = answer.status == 204 || answer.status == 304 || method == "HEAD";
  std::string body = bodiless ? std::string() : answer.body;
  if (answer.framing == Answer::Framing::Length && answer.status != 204 && answer.status != 304) {
    wire += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  } else if (answer.framing == Answer::Framing::Chunked && answer.status != 204) {
    wire += "Transfer-Encoding: chunked\r\n";
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    if (!bodiless) body = (body.empty() ? std::string() : size + body + "\r\n") + "0\r\n\r\n";
  }
  if (!send(wire + "\r\n" + body)) return false;
  if (close) {
    socket_.shutdown_send();
    hold();
    socket_.close();
  }
  return !close;
}

bool BackendConnection::pause(milliseconds time) {
  const auto deadline = Clock::now() + time;
  // Octets that arrive meanwhile stay in the reader's buffer, so this may wake more than once.
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return true;
    const auto status = socket_.receive(reader_.buffered(), 65'536, left);
    if (status == IoStatus::Timeout) return true;
    if (status != IoStatus::Ok) return false;
  }
}

void BackendConnection::hold() {
  socket_.ends_within(kConnectionLife);
}

FakeBackend::FakeBackend(Script script, std::string address) : state_(std::make_unique<BackendState>()) {
  state_->script = std::move(script);
  if (address.empty()) {
    state_->port.emplace();
    address = state_->port->address();
  }
  state_->address = std::move(address);
  state_->begin();
}

FakeBackend::FakeBackend(FakeBackend&&) noexcept = default;

FakeBackend::~FakeBackend() {
  if (!state_) return;
  state_->end(true);
  if (state_->malformed_allowed) return;
  for (const auto& error : state_->errors) ADD_FAILURE() << "the proxy sent a backend a malformed request: " << error;
}

FakeBackend FakeBackend::scripted(Script script, std::string address) {
  return FakeBackend(std::move(script), std::move(address));
}

FakeBackend FakeBackend::handling(Handler handler, std::string address) {
  return scripted(
      [handler = std::move(handler)](BackendConnection& connection) {
        HttpRequest request;
        while (connection.socket().valid() && connection.read_request(request)) handler(connection, request);
      },
      std::move(address));
}

FakeBackend FakeBackend::answering(Answer answer, std::string address) {
  return handling(
      [answer = std::move(answer)](BackendConnection& connection, const HttpRequest& request) {
        connection.answer(answer, request.method);
      },
      std::move(address));
}

FakeBackend FakeBackend::echoing(std::string name, milliseconds delay, std::string address) {
  return handling(
      [name = std::move(name), delay](BackendConnection& connection, const HttpRequest& request) {
        if (delay.count() > 0 && !connection.pause(delay)) return;
        Answer answer{.body = name + " " + request.method + " " + request.target, .fields = {{"X-Backend", name}}};
        if (request.has("X-Id")) answer.fields.emplace_back("X-Id", request.field("X-Id"));
        connection.answer(answer, request.method);
      },
      std::move(address));
}

FakeBackend FakeBackend::sending(std::string raw_answer, After after) {
  return handling([raw = std::move(raw_answer), after](BackendConnection& connection, const HttpRequest&) {
    connection.send(raw);
    if (after == After::Close) {
      connection.shutdown_send();
      connection.hold();
      connection.close();
    } else if (after == After::Reset) {
      connection.pause(milliseconds(50));  // let the octets arrive before the reset overtakes them
      connection.reset();
    }
  });
}

FakeBackend FakeBackend::silent() {
  return handling([](BackendConnection& connection, const HttpRequest&) { connection.hold(); });
}

const std::string& FakeBackend::address() const {
  return state_->address;
}

std::size_t FakeBackend::request_count() const {
  const std::lock_guard lock(state_->mutex);
  return state_->request_count;
}
std::size_t FakeBackend::connection_count() const {
  const std::lock_guard lock(state_->mutex);
  return state_->accepted;
}
std::size_t FakeBackend::open_connections() const {
  const std::lock_guard lock(state_->mutex);
  return state_->open;
}
std::vector<HttpRequest> FakeBackend::requests() const {
  const std::lock_guard lock(state_->mutex);
  return state_->requests;
}
HttpRequest FakeBackend::last_request() const {
  const std::lock_guard lock(state_->mutex);
  if (state_->requests.empty()) throw std::out_of_range("the backend has seen no request");
  return state_->requests.back();
}
std::vector<std::string> FakeBackend::protocol_errors() const {
  const std::lock_guard lock(state_->mutex);
  return state_->errors;
}

void FakeBackend::forget() {
  const std::lock_guard lock(state_->mutex);
  state_->requests.clear();
  state_->request_count = state_->accepted = 0;
}

void FakeBackend::stop(bool with_reset) {
  state_->end(with_reset);
}

void FakeBackend::start() {
  if (state_->stop_event < 0) state_->begin();
}

void FakeBackend::allow_malformed_requests() {
  state_->malformed_allowed = true;
}

}  // namespace weir::test
