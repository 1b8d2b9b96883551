// Certificates that change on disk, and certificates that are about to end.
//
// Belongs to the control thread: it looks at the files once a second, so that no worker ever waits for them.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>

#include "log/error_log.h"

namespace weir::server {

class CertificateWatch {
 public:
  /// `log`: the error log in force, asked each time.
  CertificateWatch(boost::asio::io_context& context, std::function<std::shared_ptr<log::ErrorLog>()> log)
      : timer_(context), log_(std::move(log)) {}

  void start();
  void stop() { timer_.cancel(); }
  /// Says which certificates end soon; called after each load of the configuration too.
  static void report_endings(const log::ErrorLog& log);

 private:
  void look();

  boost::asio::steady_timer timer_;
  const std::function<std::shared_ptr<log::ErrorLog>()> log_;
  unsigned seconds_ = 0;
};

}  // namespace weir::server
