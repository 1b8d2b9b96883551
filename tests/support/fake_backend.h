// A backend on a real socket that does what its script says, well-behaved or not, and remembers what it was sent.
//
// Thread safety: the backend runs its own threads, one per connection; every public function may be called at any
// time from the test's thread. A malformed request from the proxy fails the test.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "http_message.h"

namespace weir::test {

/// A well-formed answer.
struct Answer {
  enum class Framing { Length, Chunked, UntilClose };
  int status = 200;
  std::string body = {};
  Fields fields = {};
  Framing framing = Framing::Length;
  bool close = false;  // say `Connection: close` and close
};

class FakeBackend;
struct BackendState;

/// One accepted connection, in the hands of a script. Every function returns false once the connection is over.
class BackendConnection {
 public:
  BackendConnection(Socket socket, std::uint64_t number, BackendState& state);

  /// Reads and records a request with its body.
  bool read_request(HttpRequest& request);
  /// Reads a head only; `read_body` has to follow for the request to be recorded complete.
  bool read_head(HttpRequest& request);
  bool read_body(HttpRequest& request);

  bool send(std::string_view bytes);
  bool answer(const Answer& answer, std::string_view method = "GET");
  /// Waits; ends early when the backend stops.
  bool pause(milliseconds time);
  /// Waits until the proxy ends the connection or the backend stops; drops what arrives.
  void hold();
  void shutdown_send() { socket_.shutdown_send(); }
  void close() { socket_.close(); }
  void reset() { socket_.reset(); }

  /// Which connection of this backend it is, counted from 1.
  std::uint64_t number() const { return number_; }
  Socket& socket() { return socket_; }
  MessageReader& reader() { return reader_; }

 private:
  Socket socket_;
  MessageReader reader_;
  std::uint64_t number_;
  BackendState& state_;
};

class FakeBackend {
 public:
  /// Runs once for each connection; the connection is closed when it returns.
  using Script = std::function<void(BackendConnection&)>;
  /// Runs once for each complete request of a kept-alive connection.
  using Handler = std::function<void(BackendConnection&, const HttpRequest&)>;

  /// What a connection does after its raw answer.
  enum class After { KeepOpen, Close, Reset };

  /// `address`: where to listen; empty chooses a port.
  static FakeBackend scripted(Script script, std::string address = {});
  static FakeBackend handling(Handler handler, std::string address = {});
  static FakeBackend answering(Answer answer, std::string address = {});
  static FakeBackend answering(int status, std::string body = "ok") {
    return answering({.status = status, .body = std::move(body)});
  }
  /// Answers 200 with `<name> <method> <target>` as its body after `delay`, and repeats the request's `X-Id` field.
  static FakeBackend echoing(std::string name = "echo", milliseconds delay = milliseconds(0),
                             std::string address = {});
  /// Sends these octets for each request.
  static FakeBackend sending(std::string raw_answer, After after = After::Close);
  /// Takes requests and never answers.
  static FakeBackend silent();

  FakeBackend(FakeBackend&&) noexcept;
  ~FakeBackend();

  /// `127.0.0.1:<port>` or the address given.
  const std::string& address() const;

  std::size_t request_count() const;
  std::size_t connection_count() const;  // accepted so far
  std::size_t open_connections() const;  // now
  /// The first ten thousand requests, in the order in which they were complete or cut.
  std::vector<HttpRequest> requests() const;
  /// The latest request. Throws std::out_of_range if there was none.
  HttpRequest last_request() const;
  /// Forgets what was counted and recorded.
  void forget();

  /// Stops listening and ends every connection: with a reset, or in order.
  void stop(bool with_reset = true);
  /// Listens again on the same address.
  void start();

  /// Malformed requests are part of the test: do not fail for them.
  void allow_malformed_requests();
  std::vector<std::string> protocol_errors() const;

 private:
  FakeBackend(Script script, std::string address);
  std::unique_ptr<BackendState> state_;
};

}  // namespace weir::test
