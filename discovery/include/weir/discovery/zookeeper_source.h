// A membership kept in ZooKeeper.
//
// Reads `<path>/members` (ephemeral children, made by those who serve) and `<path>/static` (persistent children, kept
// by hand) with one watch each; a child's name says everything about a member (see README.md, "Names"). What the
// library holds to:
//  - only complete readings count; an empty membership is announced only if it was really read as empty;
//  - while ZooKeeper is away the last membership stands, without limit;
//  - a registry that came back empty, older, or re-created does not take members away that may well be healthy:
//    they are held until they register again, as many as before are there, or their health says that they fail.
#pragma once

#include <weir/discovery/event.h>
#include <weir/discovery/source.h>
#include <weir/discovery/source_status.h>
#include <weir/discovery/zookeeper_clients.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

/// Weight of a member whose name states none. Not 1, so that one step is one hundredth.
inline constexpr std::uint32_t kDefaultMemberWeight = 100;

/// Where a membership is kept and how it is read.
struct ZooKeeperConfig {
  std::vector<std::string> servers;                     ///< `host`, `host:port`, `[v6]:port`; port 2181 if none
  std::string path;                                     ///< such as `/weir/backend`; see `valid_path`
  std::chrono::milliseconds session_timeout{6000};      ///< asked for; the servers have the last word
  std::uint32_t default_weight = kDefaultMemberWeight;  ///< for names without `w=`
  balancer::Member prototype{};    ///< gives members what names do not say: max_fails, fail_timeout, max_conns
  std::size_t max_members = 200'000;  ///< a reading with more names is refused whole and the last one kept

  bool operator==(const ZooKeeperConfig&) const = default;
};

/// Whether ZooKeeper would accept `path` as an absolute path of a node other than the root: begins with `/`, does not
/// end with one, no empty, `.` or `..` component, no control characters, at most 512 bytes.
bool valid_path(std::string_view path);

/// What the caller knows about a backend from serving it.
enum class Health { Unknown, Passing, Failing };

/// The second witness: asked about members that the registry no longer names before they are held any longer.
/// `address`: the member's. Called on the source's thread; must not wait.
using HealthWitness = std::function<Health(std::string_view address)>;

/// Announces the membership found under `config.path`.
/// Thread safety: `status` from any thread at any time; the rest as for Source.
class ZooKeeperSource final : public Source {
 public:
  /// `clients`: who shares its session; one per process is what one wants. `log` and `witness` may be empty.
  /// Throws std::invalid_argument if the path or a server is not valid; nothing is resolved or contacted yet.
  ZooKeeperSource(ZooKeeperConfig config, LogFunction log,
                  std::shared_ptr<ZooKeeperClients> clients = ZooKeeperClients::of_process(),
                  HealthWitness witness = {});
  ~ZooKeeperSource() override;

  void start(Sink sink) override;
  void stop() noexcept override;

  SourceStatus status() const;
  const ZooKeeperConfig& config() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::discovery
