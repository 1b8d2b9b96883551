#include "log/access_log_file.h"

#include <cstring>

namespace weir::log {

AccessLogFile::AccessLogFile(std::shared_ptr<LogFile> file, const ErrorLog& complaints, std::size_t capacity)
    : file_(std::move(file)), complaints_(&complaints), capacity_(capacity) {}

AccessLogFile::~AccessLogFile() {
  flush();
}

void AccessLogFile::append_slow(std::string_view line) {
  flush();
  if (line.size() > capacity_) return write(line);
  buffer_.append(line);
}

void AccessLogFile::flush_now() {
  write(buffer_);
  buffer_.clear();  // keeps its memory
}

void AccessLogFile::write(std::string_view bytes) {
  std::size_t lost = 0;
  const int error = file_->write(bytes, &lost);
  if (error == 0) return;
  lost_ += lost;
  const auto now = std::chrono::steady_clock::now();
  if (lost_reported_ != 0 && now - last_complaint_ < std::chrono::seconds(1)) return;
  last_complaint_ = now;
  char reason[128];
  alert(*complaints_, "write() to \"{}\" failed ({}: {}), {} bytes lost", path(), error,
        strerror_r(error, reason, sizeof reason), lost_ - lost_reported_);
  lost_reported_ = lost_;
}

}  // namespace weir::log
