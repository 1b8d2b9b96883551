// peak_ewma: like least_time by the first byte, with an average that follows a rise at once and forgets it in some ten
// seconds: a backend that stalls is out of favour after its first slow answer. Source: Finagle.
#pragma once

#include "pickers/least_cost.h"

namespace weir::balancer {

class PeakEwma final : public Picker {
 public:
  static std::unique_ptr<const Picker> make(const Backends& backends) { return std::make_unique<PeakEwma>(backends); }
  explicit PeakEwma(const Backends& backends) : costs_(backends) {}

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override {
    return costs_.pick(backends, request, [now = request.now](const Backend& backend) {
      // Never 0, or a backend that nobody knows yet would get everything until its first answer.
      return backend.timings().peak(now).count() + 0.001F;
    });
  }

 private:
  const LeastCost costs_;
};

}  // namespace weir::balancer
