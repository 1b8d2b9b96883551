#include "log/error_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>

namespace weir::log {
namespace {

// `2026/03/14 09:26:53`; the text is made once a second and thread.
std::string_view local_time() {
  struct Cache {
    std::time_t second = -1;
    char text[32];
    std::size_t size = 0;
  };
  static thread_local Cache cache;
  const std::time_t second = std::time(nullptr);
  if (second != cache.second) {
    std::tm parts;
    localtime_r(&second, &parts);
    cache.size = std::strftime(cache.text, sizeof cache.text, "%Y/%m/%d %H:%M:%S", &parts);
    cache.second = second;
  }
  return {cache.text, cache.size};
}

// Appends `text`, with what could end the line or fool a terminal made visible.
void append_printable(fmt::memory_buffer& entry, std::string_view text) {
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if ((octet >= 0x20 && octet != 0x7f) || octet == '\t') {
      entry.push_back(c);
    } else {
      fmt::format_to(std::back_inserter(entry), "\\x{:02X}", octet);
    }
  }
}

}  // namespace

ErrorLog ErrorLog::to_stderr(Level level) {
  ErrorLog log;
  log.add(std::make_shared<LogFile>(std::string(), STDERR_FILENO), level);
  return log;
}

void ErrorLog::add(Target target) {
  most_ = std::max(most_, static_cast<int>(target.level));
  targets_.push_back(std::move(target));
}

void ErrorLog::add(std::shared_ptr<LogFile> file, Level level) {
  add(Target{std::move(file), nullptr, level});
}

void ErrorLog::add(std::shared_ptr<Syslog> server, Level level) {
  add(Target{nullptr, std::move(server), level});
}

void ErrorLog::write(Level level, std::uint64_t connection, std::string_view text) const {
  if (!takes(level)) return;
  fmt::memory_buffer entry;
  fmt::format_to(std::back_inserter(entry), "{} [{}] {}#{}: ", local_time(), to_string(level), getpid(), gettid());
  if (connection != 0) fmt::format_to(std::back_inserter(entry), "*{} ", connection);
  append_printable(entry, text.substr(0, kMaxEntry));
  if (entry.size() > kMaxEntry - 1) entry.resize(kMaxEntry - 1);
  entry.push_back('\n');
  for (const Target& target : targets_) {
    if (level > target.level) continue;
    // Nowhere left to complain if this fails.
    if (target.file)
      target.file->write({entry.data(), entry.size()});
    else
      target.server->send(level, {entry.data(), entry.size() - 1});
  }
}

void vwrite(const ErrorLog& log, Level level, const Subject* subject, fmt::string_view format,
            fmt::format_args args) {
  std::string text = fmt::vformat(format, args);
  if (subject) subject->describe(text);
  log.write(level, subject ? subject->connection() : 0, text);
}

}  // namespace weir::log
