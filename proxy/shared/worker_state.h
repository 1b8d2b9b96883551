// What a worker keeps whatever configuration is in force, for every protocol.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include <weir/balancer/upstream.h>

#include "log/access_log_file.h"
#include "net/loop.h"

namespace weir::shared {

/// Belongs to one worker.
struct WorkerState {
  explicit WorkerState(net::Loop& its_loop);
  WorkerState(const WorkerState&) = delete;
  virtual ~WorkerState() = default;

  net::Loop& loop;
  std::unordered_map<std::string, std::unique_ptr<log::AccessLogFile>> access_logs;

  log::AccessLogFile& access_log(const std::string& path) { return *access_logs.find(path)->second; }
  /// Whether lines of access logs wait to be written.
  bool has_log_lines() const;
  /// Random bits that spread choices and guard nothing.
  std::uint64_t random();
  /// `group` ends: what is kept for it, such as idle connections, may go.
  virtual void forget(const balancer::Upstream& /*group*/) {}

 private:
  std::uint64_t random_state_;
};

}  // namespace weir::shared
