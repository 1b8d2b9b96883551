#include "log/descriptor_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace weir::log {

namespace {

int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

int write_line(int fd, std::string_view line) {
  while (!line.empty()) {
    const ssize_t written = ::write(fd, line.data(), line.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    line.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

DescriptorCache::~DescriptorCache() {
  while (!entries_.empty()) forget(entries_.begin());
}

std::size_t DescriptorCache::open_files() const {
  return static_cast<std::size_t>(
      std::count_if(entries_.begin(), entries_.end(), [](const Entry& entry) { return entry.fd >= 0; }));
}

void DescriptorCache::forget(std::list<Entry>::iterator entry) {
  if (entry->fd >= 0) ::close(entry->fd);
  entries_.erase(entry);
}

void DescriptorCache::expire(TimePoint now) {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (now - entry->used > entry->inactive) forget(entry);
    entry = next;
  }
}

int DescriptorCache::append(const std::string& path, std::string_view line, const DescriptorCacheOptions* options,
                            TimePoint now) {
  expire(now);
  auto found = entries_.end();
  if (options)
    found = std::find_if(entries_.begin(), entries_.end(),
                         [&](const Entry& entry) { return entry.scope == options && entry.path == path; });
  if (found != entries_.end()) {
    entries_.splice(entries_.begin(), entries_, found);
    ++found->uses;
    found->used = now;
    if (found->fd >= 0 && now - found->opened < options->valid) return write_line(found->fd, line);
    if (found->fd >= 0) ::close(std::exchange(found->fd, -1));
  }

  const int fd = open_file(path);
  if (fd < 0) {
    const int error = errno;
    if (found != entries_.end()) forget(found);
    return error;
  }
  if (options && found == entries_.end()) {
    const auto same_scope = [&](const Entry& entry) { return entry.scope == options; };
    if (static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(), same_scope)) >= options->most)
      forget(std::prev(std::find_if(entries_.rbegin(), entries_.rend(), same_scope).base()));
    entries_.push_front({options, path, -1, 1, now, now, options->inactive});
    found = entries_.begin();
  }
  const int error = write_line(fd, line);
  if (found != entries_.end() && found->uses >= options->min_uses) {
    found->fd = fd;
    found->opened = now;
  } else {
    ::close(fd);
  }
  return error;
}

}  // namespace weir::log
