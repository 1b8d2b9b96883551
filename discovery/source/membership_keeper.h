// The part of a ZooKeeper source that lives on the executor: reads the directories and the policy, reconciles, announces.
#pragma once

#include <weir/discovery/source.h>
#include <weir/discovery/zookeeper_source.h>

#include "member/membership_cache.h"
#include "member/policy.h"
#include "member/reconcile.h"
#include "session/ensemble.h"
#include "source/cache_writer.h"
#include "source/directory_reader.h"
#include "source/host_names.h"
#include "source/membership_report.h"
#include "source/policy_reader.h"

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace weir::discovery {

/// Lives on the executor: made, used and destroyed there.
class MembershipKeeper final : private SessionUser, private DirectoryReader::Listener {
 public:
  struct Parts {
    Sink sink;
    LogFunction log{};
    HealthWitness witness{};
    HostLookUp look_up{};  ///< for members by name; answers on the executor
    std::shared_ptr<SharedStatus> status;
    std::shared_ptr<Executor> disk{};  ///< needed if there is a cache
    std::function<WallTime()> wall_clock = [] { return std::chrono::system_clock::now(); };
  };

  /// What it knows that another one needs to go on for it.
  struct Known {
    CachedMembership membership;
    std::optional<TimePoint> out_since{};       ///< nothing: there was contact
    std::optional<TimePoint> settling_until{};
  };

  /// `config` must be valid, as ZooKeeperSource checks it.
  MembershipKeeper(Executor& executor, Ensemble& ensemble, const ZooKeeperConfig& config, Parts parts);

  /// Begins; may announce at once, what a former keeper of the same path knew or what is in the cache.
  void begin(std::optional<Known> known = {});
  /// Ends: announces nothing any more. May be called from the sink.
  void end();
  Known known() const;

 private:
  /// A directory, and where the last complete reading of it is.
  struct Watched {
    Watched(Executor& executor, DirectoryReader::Settings settings, DirectoryReader::Listener& listener,
            MemberDirectory& into)
        : reader(executor, std::move(settings), listener), reading(into) {}
    DirectoryReader reader;
    MemberDirectory& reading;
    bool was_read = false;
    bool is_fresh = false;  // read since the last connection
  };

  void on_connected(Session& session, const Connection& connection) override;
  void on_disconnected() override;
  void on_reading(DirectoryReader& reader, MemberDirectory directory, std::vector<RejectedName> rejected) override;
  void on_trouble(DirectoryReader& reader, const std::string& reason) override;
  void on_policy(std::optional<std::string> text);
  void on_policy_trouble(const std::string& reason);

  DirectoryReader::Settings settings_of(const std::string& directory, Format format) const;
  std::array<Watched*, 3> watched() { return {&members_, &fixed_, direct_.get()}; }
  Watched& watched_by(const DirectoryReader& reader);
  bool is_complete();
  bool is_fresh();
  std::optional<CachedMembership> read_cache();
  void adopt(CachedMembership known);
  CachedMembership remembered() const;
  std::pair<std::string, bool> policy_to_save() const;
  void save();
  void judge();
  void look();
  void publish(const MemberList& members, std::optional<Clock::duration> look_again);
  std::optional<Clock::duration> wait_for_names(const MemberList& resolved);
  void believe_the_policy_is_gone();
  void begin_settling();
  void become_stale();
  void warn_if_it_stays_so();
  void announce(MemberList members, std::size_t held);

  Executor& executor_;
  Ensemble& ensemble_;
  const ZooKeeperConfig config_;
  const Parts parts_;
  MembershipReport report_;

  bool is_ended_ = false;
  bool is_connected_ = false;
  TimePoint out_since_{};  // while there is no contact
  Observation seen_;
  Watched members_, fixed_;
  std::unique_ptr<Watched> direct_;  // none if the format is native
  PolicyReader policy_reader_;
  Policy policy_;
  std::string policy_text_;
  std::optional<std::pair<std::string, bool>> saved_policy_;  // as in the cache; nothing: there is none yet
  bool policy_was_read_ = false, policy_is_gone_ = false;
  bool is_other_registry_ = false;  // since the policy was last read
  Memory memory_;
  std::optional<TimePoint> settling_until_;
  bool was_settling_ = false;  // when contact was lost
  HostNames hosts_;
  std::optional<TimePoint> names_are_late_at_;  // while they are waited for
  std::optional<MemberList> announced_;
  std::unique_ptr<CacheWriter> cache_;
  Timer look_again_;
  Timer stale_;
};

}  // namespace weir::discovery
