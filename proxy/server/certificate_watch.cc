#include "server/certificate_watch.h"

#include "net/out_of_memory.h"
#include "net/tls_keeper.h"

namespace weir::server {

namespace {

using Ending = net::TlsKeeper::Ending;

constexpr int kDaysWarned = 14;
constexpr unsigned kSecondsBetweenWarnings = 24 * 60 * 60;

/// Whole days until then; negative if it has passed.
long days_left(const Ending& ending) {
  return std::chrono::floor<std::chrono::days>(ending.when - std::chrono::system_clock::now()).count();
}

}  // namespace

void CertificateWatch::start() {
  timer_.expires_after(std::chrono::seconds(1));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    net::OutOfMemory::unless([this] { look(); });  // the next look sees what this one missed
    start();
  });
}

void CertificateWatch::look() {
  const auto log = log_();
  for (const auto& keeper : net::TlsKeeper::all()) {
    const auto refreshed = keeper->refresh();
    if (!refreshed) continue;
    const auto& ending = refreshed->ending;
    if (refreshed->error.empty()) {
      if (ending)
        log::notice(*log, "{} changed: loaded and in force; the certificate of \"{}\" is good for {} days",
                    refreshed->files, ending->subject, days_left(*ending));
      else
        log::notice(*log, "{} changed: loaded and in force", refreshed->files);
      continue;
    }
    if (ending)
      log::alert(*log, "{} changed and cannot be used: {}; what was loaded before stays in force, the certificate of "
                       "\"{}\" is good for {} days",
                 refreshed->files, refreshed->error, ending->subject, days_left(*ending));
    else
      log::alert(*log, "{} changed and cannot be used: {}; what was loaded before stays in force", refreshed->files,
                 refreshed->error);
  }
  if (++seconds_ % kSecondsBetweenWarnings == 0) report_endings(*log);
}

void CertificateWatch::report_endings(const log::ErrorLog& log) {
  for (const auto& keeper : net::TlsKeeper::all()) {
    const auto ending = keeper->ending();
    if (!ending || days_left(*ending) >= kDaysWarned) continue;
    if (days_left(*ending) < 0)
      log::warn(log, "the certificate of \"{}\" is no longer valid", ending->subject);
    else
      log::warn(log, "the certificate of \"{}\" is good for {} more days only", ending->subject, days_left(*ending));
  }
}

}  // namespace weir::server
