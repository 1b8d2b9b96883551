#include "source/host_names.h"

#include "member/member_address.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace weir::discovery {

HostNames::HostNames(Executor& executor, Settings settings, HostLookUp look_up, std::function<void()> on_change)
    : settings_(std::move(settings)),
      look_up_(std::move(look_up)),
      on_change_(std::move(on_change)),
      executor_(executor),
      timer_(executor) {}

HostNames::~HostNames() = default;

void HostNames::stop() {
  alive_.reset();
  timer_.cancel();
}

void HostNames::remember(HostAddresses addresses) { addresses_ = std::move(addresses); }

MemberList HostNames::resolve(const MemberList& members) {
  if (has_no_names(members)) return members;
  follow(hosts_of(members));
  ResolvedMembers resolved = resolve_members(members, addresses_, settings_.allow);
  without_address_ = std::move(resolved.without_address);
  return std::move(resolved.members);
}

// Looks only at members that the last list without names did not have, and remembers it if this is one, too.
bool HostNames::has_no_names(const MemberList& members) {
  bool any = false;
  const auto look = [&](const KnownMember& member) { any = any || is_named(member.address); };
  for_each_difference(without_names_, members, [](const auto&) {}, look, [&](const auto&, const auto& now) { look(now); });
  if (any) return false;
  without_names_ = members;
  follow({});
  without_address_.clear();
  return true;
}

// Those that are followed already are not given up for newcomers.
void HostNames::follow(const std::vector<std::string>& hosts) {
  const auto is_wanted = [&](const auto& entry) { return std::binary_search(hosts.begin(), hosts.end(), entry.first); };
  std::erase_if(hosts_, std::not_fn(is_wanted));
  std::erase_if(addresses_, std::not_fn(is_wanted));
  for (const std::string& host : hosts) {
    if (hosts_.size() >= kMostHosts) break;
    hosts_.try_emplace(host, Host{.due = executor_.now(), .retry = settings_.first_retry});
  }
  look_up_due();
}

void HostNames::look_up_due() {
  std::optional<TimePoint> earliest;
  for (auto& [name, host] : hosts_) {
    if (host.is_asked) continue;
    if (host.due > executor_.now()) {
      if (!earliest || host.due < *earliest) earliest = host.due;
      continue;
    }
    if (in_flight_ == settings_.most_in_flight) break;  // the next answer looks again
    host.is_asked = true;
    ++in_flight_;
    look_up_(name, [this, name = name, alive = std::weak_ptr(alive_)](HostAnswer answer) {
      if (!alive.expired()) answered(name, std::move(answer));
    });
  }
  timer_.cancel();
  if (earliest && in_flight_ < settings_.most_in_flight)
    timer_.set(*earliest - executor_.now(), [this] { look_up_due(); });
}

void HostNames::answered(const std::string& name, HostAnswer answer) {
  --in_flight_;
  const auto host = hosts_.find(name);
  // It may have been forgotten meanwhile, and even be wanted anew; the answer is as good.
  const bool is_news = host != hosts_.end() && take(host->second, name, std::move(answer));
  look_up_due();
  if (is_news) on_change_();
}

// Returns whether that changes anything.
bool HostNames::take(Host& host, const std::string& name, HostAnswer answer) {
  host.is_asked = false;
  const bool is_first = !std::exchange(host.was_answered, true);
  if (answer.addresses.empty()) {
    host.due = executor_.now() + host.retry;
    host.retry = std::min(host.retry * 2, settings_.longest_retry);
    if (answer.error.empty()) answer.error = "it has no address";
    return std::exchange(host.failure, answer.error) != answer.error || is_first;
  }
  const Clock::duration valid = answer.valid_for ? Clock::duration(*answer.valid_for) : settings_.usually_valid;
  host.due = executor_.now() + std::clamp(valid, settings_.shortest_valid, settings_.longest_valid);
  host.retry = settings_.first_retry;
  std::vector<std::string>& now = answer.addresses;
  std::sort(now.begin(), now.end());
  now.erase(std::unique(now.begin(), now.end()), now.end());
  if (now.size() > kMostAddresses) now.resize(kMostAddresses);
  const bool was_failing = !std::exchange(host.failure, {}).empty();
  std::vector<std::string>& known = addresses_[name];
  return std::exchange(known, now) != now || was_failing || is_first;
}

bool HostNames::is_waiting() const {
  return std::any_of(hosts_.begin(), hosts_.end(),
                     [&](const auto& entry) { return !entry.second.was_answered && !addresses_.contains(entry.first); });
}

std::map<std::string, std::string> HostNames::troubles() const {
  std::map<std::string, std::string> troubles(without_address_.begin(), without_address_.end());
  for (const auto& [name, host] : hosts_) {
    if (!host.failure.empty()) troubles[name] = host.failure;
    if (!host.was_answered) troubles.erase(name);  // not yet
  }
  for (auto& [name, why] : troubles) {
    if (!hosts_.contains(name)) why = "too many hosts";
  }
  return troubles;
}

Health HostNames::health_of(std::string_view address, const HealthWitness& witness) const {
  if (!is_named(address)) return witness(address);
  const auto host = addresses_.find(host_of(address));
  if (host == addresses_.end() || host->second.empty()) return Health::Unknown;
  bool is_failing = true;
  for (const std::string& literal : host->second) {
    const Health health = witness(at_literal(address, literal));
    if (health == Health::Passing) return health;
    is_failing = is_failing && health == Health::Failing;
  }
  return is_failing ? Health::Failing : Health::Unknown;
}

}  // namespace weir::discovery
