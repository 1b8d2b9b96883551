// Writes a membership to disk, so often and no more.
#pragma once

#include "member/membership_cache.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace weir::discovery {

/// Keeps one file as new as a second ago. Lives on `executor`; the waiting for the disk happens on `disk`.
class CacheWriter {
 public:
  /// `on_written`: told about each writing, on `executor`; `error` is empty if it succeeded.
  CacheWriter(Executor& executor, std::shared_ptr<Executor> disk, std::string path,
              std::function<void(const std::string& error)> on_written);
  /// Hands what is still waiting to the disk.
  ~CacheWriter();

  void save(CachedMembership membership);

 private:
  void write();

  Executor& executor_;
  const std::shared_ptr<Executor> disk_;
  const std::string path_;
  const std::function<void(const std::string&)> on_written_;
  std::optional<CachedMembership> waiting_;
  bool is_writing_ = false;
  const std::shared_ptr<int> alive_ = std::make_shared<int>();  // for answers from the disk
  Timer timer_;
};

}  // namespace weir::discovery
