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
#include <weir/discovery/host_look_up.h>
#include <weir/discovery/source.h>
#include <weir/discovery/source_status.h>
#include <weir/discovery/zookeeper_clients.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

/// Weight of a member whose name states none. Not 1, so that one step is one hundredth.
inline constexpr std::uint32_t kDefaultMemberWeight = 100;

/// What is believed when members are gone from a registry that is otherwise as it was, without having announced it.
enum class Vanish {
  Trust,   ///< that they are gone
  Verify,  ///< that they are gone if they are few; of many, when their health says that they fail
  Keep,    ///< nothing: each stays until its health says that it fails
};

/// When members that vanish are let go. A registry that was itself replaced never is a reason, whatever stands here.
struct VanishRules {
  Vanish mode = Vanish::Verify;
  double min_share = 0.9;           ///< of the members, as much must stay for a loss to be believed; one always may go
  std::size_t most_at_once = 100;   ///< and no more than so many may be gone; never the last one
  bool damp = true;                 ///< hold members that come and go

  bool operator==(const VanishRules&) const = default;
};

/// How the children of a directory state a member. Auto: found out for each child.
enum class Format { Auto, Native, Plain, Nerve, ServerSet, Curator, Dubbo, Nginx };

/// The word for a format, such as `serverset`; and the format of a word, nothing if it is none.
const char* to_string(Format format);
std::optional<Format> format_of(std::string_view word);

/// Where a membership is kept and how it is read.
struct ZooKeeperConfig {
  std::vector<std::string> servers;                     ///< `host`, `host:port`, `[v6]:port`; port 2181 if none
  std::string path;                                     ///< such as `/weir/backend`; see `valid_path`
  std::chrono::milliseconds session_timeout{6000};      ///< asked for; the servers have the last word
  std::uint32_t default_weight = kDefaultMemberWeight;  ///< for names without `w=`
  balancer::Member prototype{};    ///< gives members what names do not say: max_fails, fail_timeout, max_conns
  std::size_t max_members = 200'000;  ///< a reading with more names is refused whole and the last one kept
  Format format = Format::Auto;       ///< of the children; Native: those of `path` itself are not looked at
  VanishRules vanish{};
  std::vector<std::string> allow{};   ///< ranges such as `10.0.0.0/8` in which members may be; empty: anywhere
  std::string cache_file{};           ///< where the last good membership is kept; empty: nowhere
  ZooKeeperAuth auth{};

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
  /// `look_up`: for members that are announced by the names of hosts.
  /// Throws std::invalid_argument if the path or a server is not valid; nothing is resolved or contacted yet.
  ZooKeeperSource(ZooKeeperConfig config, LogFunction log,
                  std::shared_ptr<ZooKeeperClients> clients = ZooKeeperClients::of_process(),
                  HealthWitness witness = {}, HostLookUp look_up = system_host_look_up());
  ~ZooKeeperSource() override;

  void start(Sink sink) override;
  void stop() noexcept override;
  /// To be called before `start`: goes on with what `former` knew when it was stopped, rather than with the cache. It must
  /// have read the same path of the same ensemble in the same format.
  void go_on_for(ZooKeeperSource& former);

  SourceStatus status() const;
  /// What `status` returns, as something that may be asked from any thread and outlive the source.
  std::function<SourceStatus()> status_reader() const;
  const ZooKeeperConfig& config() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir::discovery
