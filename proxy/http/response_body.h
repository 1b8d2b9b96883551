// A backend's response body on its way to the client.
//
// Notices when the client goes away while the backend pauses. If the response is buffered (`proxy_buffering`), reads on
// while the client is slow, so that the backend is free again as soon as it has said everything: into memory up to
// proxy_buffers, then into a temporary file up to proxy_max_temp_file_size, then no further. Keeps to proxy_limit_rate.
#pragma once

#include <optional>

#include "http/attempt.h"
#include "http/spool.h"

namespace weir::http {

class ResponseBody final : public BodySource {
 public:
  struct Options {
    bool buffered = true;
    std::uint64_t rate = 0;  // octets a second from the backend; 0: as they come
    bool pass_trailers = false;
  };
  ResponseBody(Exchange& exchange, Attempt& attempt, const Options& options);

  BodyRead next() override;
  net::IoError fill() override;
  net::Task<net::IoError> wait() override;
  net::Stream* ahead() override;
  void read_ahead() override;
  Raw raw() override;
  void raw_moved(std::uint64_t octets) override;

  /// After a body that was cut: why.
  const Error& error() const { return error_; }

 private:
  std::uint64_t allowance() const;
  BodyRead from_backend();
  void fail(Reason reason, net::IoError cause = {}, std::string_view detail = {});
  void keep(std::string_view octets);
  void hold_in_flight();

  Exchange& exchange_;
  Attempt& attempt_;
  const Options options_;
  const net::TimePoint began_;
  std::optional<Spool> spool_;  // made when the client first proves slow
  net::Buffer in_flight_;       // was handed out and is being sent
  bool handed_out_ = false;     // octets that still lie in the channel's memory
  BodyStatus backend_ = BodyStatus::Empty;  // End or Bad: it yields nothing more
  std::uint64_t taken_ = 0;     // octets of the body, for the rate
  Error error_{Reason::BodyCut};
};

}  // namespace weir::http
