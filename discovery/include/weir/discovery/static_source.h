// The membership that a configuration file states: announced once, never changed.
#pragma once

#include <weir/discovery/source.h>

namespace weir::discovery {

/// Announces one fixed membership. It has no thread of its own: `start` calls the sink before it returns.
class StaticSource final : public Source {
 public:
  /// `members`: in any order; of two with one address the first counts.
  explicit StaticSource(std::vector<balancer::Member> members);

  void start(Sink sink) override;
  void stop() noexcept override {}

 private:
  std::vector<balancer::Member> members_;
};

}  // namespace weir::discovery
