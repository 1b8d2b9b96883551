// Asks OCSP responders about our certificates (ssl_stapling), at the start and again before an answer ends.
//
// One thread with a loop of its own, started with the first question, so neither handshakes nor workers ever wait. Belongs
// to the control thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "log/error_log.h"
#include "net/loop.h"
#include "net/tls_staple.h"

namespace weir::server {

class StapleWatch {
 public:
  /// `log`: the error log in force, asked each time.
  StapleWatch(boost::asio::io_context& context, std::function<std::shared_ptr<log::ErrorLog>()> log)
      : timer_(context), log_(std::move(log)) {}
  StapleWatch(const StapleWatch&) = delete;
  ~StapleWatch();

  /// Looks who wants an answer, now and each second.
  void start();

 private:
  class Question;
  void look();
  void finish();

  boost::asio::steady_timer timer_;
  const std::function<std::shared_ptr<log::ErrorLog>()> log_;
  std::unique_ptr<net::Loop> loop_;
  std::thread thread_;
  std::set<Question*> questions_;  // under way; the thread's
  bool ends_ = false;              // likewise
};

}  // namespace weir::server
