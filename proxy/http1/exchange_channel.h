// One exchange on an HTTP/1 client connection: decodes the request's body, frames the response.
#pragma once

#include <optional>

#include "http/client_channel.h"
#include "http/exchange.h"
#include "http1/chunked_decoder.h"
#include "http1/framed_writer.h"
#include "http1/rate_floor.h"

namespace weir::http1 {

class ClientConnection;

class ExchangeChannel final : public http::ClientChannel {
 public:
  ExchangeChannel(ClientConnection& connection, net::Arena& arena) : connection_(connection), arena_(arena) {}

  void bind(http::Exchange& exchange) { exchange_ = &exchange; }
  /// The request was there before the answer to the one before it was sent.
  void set_pipelined(bool pipelined) { pipelined_ = pipelined; }
  /// The head was read: what follows in the connection's input is the body.
  void start_body();

  /// Whether another request may follow, as the response told the client.
  bool may_keep_alive() const { return keep_alive_; }
  /// The connection cannot be used any more, not even to wait for the client's end.
  bool is_broken() const { return broken_; }
  /// Reads and forgets what is left of the body, if that is little. Returns false if it is too much, or broken.
  net::Task<bool> discard_body();

  /// Whether nothing goes on before more of the request's body comes.
  bool awaits_body() const { return awaits_body_; }
  /// Octets a second of the request so far.
  std::int64_t body_rate() const;

  const http::ConnectionInfo& connection() const override;
  net::Stream& stream() override;
  net::Task<net::IoError> invite_body() override;
  bool request_ended() const override { return ended_; }
  http::BodyRead next() override;
  net::IoError fill() override;
  net::Task<net::IoError> wait() override;
  void begin_body_wait() override;
  net::IoError end_body_wait() override;

  void begin_response(const http::Response& response) override;
  void set_trailers(const http::Fields& trailers) override;
  http::SendStatus try_send(std::span<const std::string_view> pieces, bool last) override;
  bool takes_raw() override;
  void raw_sent(std::uint64_t octets) override { writer_.note_sent(octets); }
  net::Task<net::IoError> drain(http::BodySource* source) override;
  net::Task<net::IoError> send_interim(int status, const http::Fields& fields) override;
  void break_off() override;
  void close_after_response() override;
  std::string_view early_octets() const override;
  bool is_pipelined() const override { return pipelined_; }
  std::uint64_t octets_sent() const override { return interim_octets_ + writer_.sent(); }
  std::uint64_t octets_received() const override { return received_; }

 private:
  enum class Form : std::uint8_t { None, Length, Chunked, UntilClose };

  Form choose_form(const http::Response& response);
  bool decide_keep_alive(Form form) const;
  bool ends_connection() const;

  ClientConnection& connection_;
  net::Arena& arena_;
  http::Exchange* exchange_ = nullptr;

  // The request's body.
  std::optional<ChunkedDecoder> decoder_;
  std::uint64_t left_ = 0;
  std::uint64_t received_ = 0;
  bool ended_ = true;
  RateFloor body_floor_;
  net::TimePoint wait_began_;
  bool awaits_body_ = false;
  bool gone_ = false;     // the client sends nothing more
  bool invited_ = false;  // 100 Continue was sent, or there is no need for it

  // The response.
  FramedWriter writer_;
  RateFloor send_floor_;
  Form form_ = Form::None;
  bool keep_alive_ = false;
  bool broken_ = false;
  bool pipelined_ = false;
  std::uint64_t interim_octets_ = 0;
};

}  // namespace weir::http1
