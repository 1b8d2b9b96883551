// An HTTP/1.1 connection to a backend.
#pragma once

#include <memory>

#include "http/backend_channel.h"
#include "http1/chunked_decoder.h"
#include "http1/framed_writer.h"
#include "http1/input_buffer.h"
#include "http1/response_parser.h"

namespace weir::http1 {

class BackendConnection final : public http::BackendChannel {
 public:
  explicit BackendConnection(std::unique_ptr<net::Stream> stream);
  /// As http::ChannelFactory.
  static std::unique_ptr<http::BackendChannel> make(std::unique_ptr<net::Stream> stream) {
    return std::make_unique<BackendConnection>(std::move(stream));
  }

  net::Stream& stream() override { return *stream_; }
  void begin(const Plan& plan) override;
  void begin_request(const http::OutgoingRequest& request) override;
  http::SendStatus try_send(std::span<const std::string_view> pieces, bool last) override {
    return writer_.send(*stream_, pieces, last);
  }
  http::SendStatus push() override { return writer_.push(*stream_); }
  net::IoError send_error() const override { return writer_.error(); }
  std::uint64_t octets_sent() const override { return writer_.sent(); }
  std::optional<http::Result<bool>> try_read_ahead(std::uint64_t most) override;
  std::optional<http::Result<>> try_read_head(http::ResponseHead& head) override;
  const http::Fields* trailers() const override;
  void limit_reading(std::size_t octets) override { read_limit_ = octets; }
  net::Buffer detach() override { return input_.detach(); }
  std::string_view early_octets() const override { return input_.unread(); }
  void limit_waits(std::chrono::milliseconds limit) override { plan_.read_timeout = limit; }
  bool is_reusable() const override;
  void end() override;
  std::uint64_t octets_received() const override { return received_; }

  http::BodyRead next() override;
  net::IoError fill() override;
  net::Task<net::IoError> wait() override;
  Raw raw() override;
  void raw_moved(std::uint64_t octets) override;

 private:
  net::IoError read();
  bool is_quiet() const;
  http::Result<> no_head(net::IoError cause);
  void body_begins(const http::ResponseHead& head);

  std::unique_ptr<net::Stream> stream_;
  FramedWriter writer_;
  InputBuffer input_;
  Plan plan_;
  HeadLimits limits_;
  ResponseParser parser_;
  std::optional<ChunkedDecoder> decoder_;  // takes its memory from the exchange, so it is made anew for each
  http::Framing framing_;
  std::uint64_t left_ = 0;  // of a body with a known length
  std::uint64_t received_ = 0;
  std::size_t read_limit_ = 0;
  bool ended_ = false;        // the response came to its end
  bool closed_ = false;       // the backend sends nothing more
  bool failed_ = false;       // reading failed: a close is no end
  bool keep_alive_ = false;   // the response lets the connection live
};

}  // namespace weir::http1
