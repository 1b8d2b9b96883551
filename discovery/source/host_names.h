// Keeps the addresses of hosts current by whose names members are announced.
#pragma once

#include <weir/discovery/host_look_up.h>
#include <weir/discovery/zookeeper_source.h>

#include "member/named_members.h"
#include "session/executor.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::discovery {

/// Looks each host up again when its answer is no longer valid. What a name last stood for stays while it does not
/// resolve, whatever the reason: that a host is gone is for the registry and for health to say.
/// Lives on the executor, where `look_up` has to answer.
class HostNames {
 public:
  struct Settings {
    std::vector<Cidr> allow{};      ///< where members may be; empty: anywhere
    std::size_t most_in_flight = 16;
    Clock::duration usually_valid = std::chrono::seconds(30);  ///< where the answer does not say
    Clock::duration shortest_valid = std::chrono::seconds(1), longest_valid = std::chrono::hours(1);
    Clock::duration first_retry = std::chrono::seconds(1), longest_retry = std::chrono::seconds(10);
  };

  /// `on_change`: told when `resolve` would say something else than before.
  HostNames(Executor& executor, Settings settings, HostLookUp look_up, std::function<void()> on_change);
  ~HostNames();

  /// Looks nothing up any more, and tells of nothing.
  void stop();

  /// What was known before a restart: as good as an answer until there is one.
  void remember(HostAddresses addresses);
  const HostAddresses& addresses() const { return addresses_; }

  /// `members` with addresses in place of names. From now on those hosts are looked up, and no others.
  MemberList resolve(const MemberList& members);
  /// Whether a host of the last `resolve` was never answered for, and nothing is known of it.
  bool is_waiting() const;
  /// Hosts of the last `resolve` that have no usable address, or do not resolve now; and why.
  std::map<std::string, std::string> troubles() const;

  /// What `witness` says of a member: of one by name, what it says of all its addresses.
  Health health_of(std::string_view address, const HealthWitness& witness) const;

 private:
  struct Host {
    bool was_answered = false;
    bool is_asked = false;
    TimePoint due{};
    Clock::duration retry{};
    std::string failure{};  // why it does not resolve now
  };

  bool has_no_names(const MemberList& members);
  void follow(const std::vector<std::string>& hosts);
  void look_up_due();
  void answered(const std::string& name, HostAnswer answer);
  bool take(Host& host, const std::string& name, HostAnswer answer);

  const Settings settings_;
  const HostLookUp look_up_;
  const std::function<void()> on_change_;
  Executor& executor_;
  MemberList without_names_;  // the last one
  HostAddresses addresses_;
  std::map<std::string, Host> hosts_;
  std::map<std::string, const char*> without_address_;  // as of the last `resolve`
  std::size_t in_flight_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>();  // for answers
  Timer timer_;
};

}  // namespace weir::discovery
