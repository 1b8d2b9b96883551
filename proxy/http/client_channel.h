// One exchange's way to and from the client: implemented once per wire version.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "http/body.h"
#include "http/response.h"
#include "net/endpoint.h"
#include "net/stream.h"

namespace weir::net {
struct ProxyHeader;
}

namespace weir::http {

struct ServerBlock;
struct ListenAddress;

/// What an exchange may know about the connection it came over.
struct ConnectionInfo {
  std::uint64_t id = 0;  // process-wide serial number, as in `*58` of the log
  net::Endpoint client;
  std::uint64_t requests = 0;  // counting this one
  std::chrono::steady_clock::time_point since;
  /// The virtual server that the transport was set up for: the one whose name the client gave in a TLS handshake, or
  /// the address's default.
  const ServerBlock* server = nullptr;
  const ListenAddress* listen = nullptr;  // where it came in
  std::unique_ptr<const net::Endpoint> local;  // as which address of ours; null: the socket's own
  const net::ProxyHeader* proxy_header = nullptr;  // what a proxy in front said of the client (PROXY protocol)
};

/// The request's body in, the response out. Used by the exchange's own worker only.
class ClientChannel : public BodySource {
 public:
  virtual const ConnectionInfo& connection() const = 0;
  virtual net::Stream& stream() = 0;

  /// Says `100 Continue` if the client waits for it and nothing was said yet. Called before the body is wanted.
  virtual net::Task<net::IoError> invite_body() = 0;

  /// To be put around a wait for more of the body by others than `wait`. The second returns ETIMEDOUT, and has said so in
  /// the log, if the client brings less than client_body_min_rate.
  virtual void begin_body_wait() = 0;
  virtual net::IoError end_body_wait() = 0;

  /// True once the request's body was read to its end.
  virtual bool request_ended() const = 0;

  /// Composes the head; it leaves with the first octets of the body, or alone if there are none.
  /// Decides the framing: `Content-Length` if known, else chunked or until close.
  virtual void begin_response(const Response& response) = 0;

  /// What follows the body. Called after `begin_response` of a response with `has_trailers`, before the last
  /// `try_send`; where the response's form has no place for trailers nothing is sent.
  virtual void set_trailers(const Fields& trailers) = 0;

  /// Sends pieces of the body (with the head, if that did not leave yet). `last`: the body ends here.
  virtual SendStatus try_send(std::span<const std::string_view> pieces, bool last) = 0;

  /// Whether the next octets of the body may be written to the stream as they are, past this channel: the head left, and
  /// the form of the response and the stream change nothing about them. `raw_sent` says how many were.
  virtual bool takes_raw() { return false; }
  virtual void raw_sent(std::uint64_t) {}

  /// Waits until all that `try_send` was given has left (limit: send_timeout from one progress to the next).
  /// Meanwhile lets `source`, where the pieces came from, read ahead (null: there is none).
  virtual net::Task<net::IoError> drain(BodySource* source) = 0;

  /// Sends a 1xx response at once. HTTP/1.0 clients get none.
  virtual net::Task<net::IoError> send_interim(int status, const Fields& fields) = 0;

  /// The response cannot be completed: makes sure that the client can tell (no last chunk, a reset where the end of
  /// the connection would look like the end of the body).
  virtual void break_off() = 0;

  /// No further request is served on this connection.
  virtual void close_after_response() = 0;

  /// Octets that came after the request and belong to the protocol it was upgraded to; valid until the next read.
  virtual std::string_view early_octets() const = 0;

  /// Whether the client sent this request without waiting for the answer to the one before.
  virtual bool is_pipelined() const = 0;

  /// Octets sent for this exchange, heads and framing included.
  virtual std::uint64_t octets_sent() const = 0;
  /// Octets received for this exchange, head and framing included.
  virtual std::uint64_t octets_received() const = 0;
};

}  // namespace weir::http
