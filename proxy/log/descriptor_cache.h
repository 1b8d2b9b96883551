// DescriptorCache: log files whose names depend on the request, kept open for a while.
//
// Without options each line opens its file, and closes it. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace weir::log {

/// `open_log_file_cache`.
struct DescriptorCacheOptions {
  std::size_t most = 0;                        // files; the one least recently used leaves
  std::chrono::seconds inactive{10};           // a file that was not used for so long leaves
  std::chrono::seconds valid{60};              // after so long the name is looked up again
  std::uint64_t min_uses = 1;                  // uses before a file stays open
};

class DescriptorCache {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  DescriptorCache() = default;
  DescriptorCache(const DescriptorCache&) = delete;
  ~DescriptorCache();

  /// Appends one line to the file `path`, which is created if need be. Returns 0 or an errno.
  /// `options`: null to keep nothing open; otherwise something that identifies a scope's own cache for as long as it
  /// lives.
  int append(const std::string& path, std::string_view line, const DescriptorCacheOptions* options, TimePoint now);

  /// How many files are open.
  std::size_t open_files() const;

 private:
  struct Entry {
    const DescriptorCacheOptions* scope;
    std::string path;
    int fd = -1;
    std::uint64_t uses = 0;
    TimePoint used, opened;
    std::chrono::seconds inactive;
  };

  void expire(TimePoint now);
  void forget(std::list<Entry>::iterator entry);

  std::list<Entry> entries_;  // the most recently used first
};

}  // namespace weir::log
