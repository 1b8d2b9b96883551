#include "http/pace.h"

#include <algorithm>

#include "config/values.h"
#include "http/rate_conf.h"

namespace weir::http {

namespace {

// Above this a limit means nothing, and sums with it cannot overflow.
constexpr std::uint64_t kMost = std::uint64_t{1} << 40;

std::uint64_t size_of(std::string_view text) {
  const auto size = config::parse_size(text);
  return size ? std::min(size->count(), kMost) : 0;
}

}  // namespace

Pace::Pace(Exchange& exchange) : began_(exchange.loop().now()) {
  const RateConf& conf = exchange.conf<RateConf>();
  if (exchange.rate_limit)
    rate_ = std::min(*exchange.rate_limit, kMost);
  else if (conf.rate.is_set())
    rate_ = size_of(conf.rate->evaluate(exchange));
  if (rate_ != 0 && conf.after.is_set()) after_ = size_of(conf.after->evaluate(exchange));
}

// Octets become available continuously; they leave in portions of a quarter of a second's worth, so that a low rate
// does not cost a system call for each octet.
std::uint64_t Pace::allowance(std::uint64_t sent, std::chrono::steady_clock::time_point now) {
  const auto elapsed = static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::milliseconds>(now - began_).count()));
  const std::uint64_t portion = std::max<std::uint64_t>(rate_ / 4, 1);
  // A response that takes longer than a year is as good as not limited.
  const std::uint64_t available = after_ + portion + rate_ / 1000 * elapsed + rate_ % 1000 * elapsed / 1000;
  if (available > sent && (available - sent >= portion || sent < after_)) return available - sent;
  const std::uint64_t missing = sent + portion - std::min(available, sent + portion);
  delay_ = std::chrono::milliseconds(missing * 1000 / rate_ + 1);  // at most a quarter of a second, but for after_
  return 0;
}

}  // namespace weir::http
