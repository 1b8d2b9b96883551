#include "log/syslog.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

namespace weir::log {
namespace {

std::string own_hostname() {
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return lower;
}

/// `Mar  4 09:26:53`, in English whatever the locale.
void append_time(fmt::memory_buffer& entry) {
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t second = std::time(nullptr);
  std::tm parts{};
  localtime_r(&second, &parts);
  fmt::format_to(std::back_inserter(entry), "{} {:2} {:02}:{:02}:{:02}", kMonths[parts.tm_mon % 12], parts.tm_mday,
                 parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

Syslog::Syslog(SyslogOptions options) : options_(std::move(options)), hostname_(own_hostname()) {}

Syslog::~Syslog() {
  if (const int fd = fd_.load(); fd >= 0) ::close(fd);
}

// Not connected to the server: so one that comes back, or a unix socket that is made anew, needs no care.
int Syslog::socket() noexcept {
  int fd = fd_.load(std::memory_order_acquire);
  if (fd >= 0) return fd;
  const int fresh = ::socket(options_.address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fresh < 0) return -1;
  if (fd_.compare_exchange_strong(fd, fresh)) return fresh;
  ::close(fresh);  // another thread was faster
  return fd;
}

int Syslog::send(Level severity, std::string_view text) noexcept {
  fmt::memory_buffer entry;
  fmt::format_to(std::back_inserter(entry), "<{}>", options_.facility * 8 + static_cast<unsigned>(severity));
  append_time(entry);
  if (options_.with_hostname) fmt::format_to(std::back_inserter(entry), " {}", hostname_);
  fmt::format_to(std::back_inserter(entry), " {}: ", options_.tag);
  entry.append(text.substr(0, kMaxEntry));
  const int fd = socket();
  ssize_t sent = -1;
  if (fd >= 0) do {
      sent = ::sendto(fd, entry.data(), entry.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                      reinterpret_cast<const sockaddr*>(&options_.address), options_.address_length);
    } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return 0;
  lost_.fetch_add(1, std::memory_order_relaxed);
  return errno;
}

bool Syslog::complaint_is_due() noexcept {
  using Clock = std::chrono::steady_clock;
  const Clock::rep now = Clock::now().time_since_epoch().count();
  Clock::rep next = next_complaint_.load(std::memory_order_relaxed);
  return now >= next &&
         next_complaint_.compare_exchange_strong(next, now + Clock::duration(std::chrono::seconds(1)).count());
}

}  // namespace weir::log
