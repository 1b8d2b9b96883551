#include <weir/discovery/zookeeper_source.h>

#include "member/reconcile.h"
#include "session/zookeeper_client.h"
#include "source/membership_keeper.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir::discovery {

bool valid_path(std::string_view path) {
  if (path.size() < 2 || path.size() > 512 || path.front() != '/' || path.back() == '/') return false;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view component = path.substr(begin, end - begin);
    if (component.empty() || component == "." || component == "..") return false;
    begin = end + 1;
  }
  return std::none_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// Ties a MembershipKeeper, which lives on the client's executor, to the thread-safe face of a source.
class ZooKeeperSource::Impl {
 public:
  Impl(ZooKeeperConfig config, LogFunction log, std::shared_ptr<ZooKeeperClients> clients, HealthWitness witness,
       HostLookUp look_up)
      : config_(std::move(config)),
        log_(std::move(log)),
        clients_(std::move(clients)),
        witness_(std::move(witness)),
        look_up_(std::move(look_up)) {
    if (!valid_path(config_.path)) throw std::invalid_argument("invalid ZooKeeper path \"" + config_.path + "\"");
    parse_servers(config_.servers);
    if (config_.session_timeout <= std::chrono::milliseconds::zero())
      throw std::invalid_argument("the ZooKeeper session timeout must be positive");
    for (const std::string& range : config_.allow) {
      if (!parse_cidr(range)) throw std::invalid_argument("invalid address range \"" + range + "\"");
    }
  }
  ~Impl() { stop(); }

  void start(Sink sink) {
    client_ = clients_->get(config_.servers, config_.session_timeout, log_, config_.auth);
    client_->run([&](Ensemble& ensemble) {
      keeper_ = std::make_shared<MembershipKeeper>(client_->executor(), ensemble, config_,
                                                   MembershipKeeper::Parts{.sink = std::move(sink),
                                                                           .log = log_,
                                                                           .witness = witness_,
                                                                           .look_up = look_up_here(),
                                                                           .status = status_,
                                                                           .disk = config_.cache_file.empty() ? nullptr : client_->disk()});
      keeper_->begin(std::exchange(inherited_, std::nullopt));
    });
  }

  void stop() noexcept {
    if (client_ == nullptr) return;
    // A sink that stops its own source is called by the keeper, which must therefore outlive this task.
    client_->run([&](Ensemble&) {
      keeper_->end();
      left_ = keeper_->known();
      client_->executor().post([keeper = std::move(keeper_)] {});
    });
    client_.reset();
  }

  void go_on_for(Impl& former) { inherited_ = std::exchange(former.left_, std::nullopt); }

  SourceStatus status() const { return status_->get(); }
  std::function<SourceStatus()> status_reader() const {
    return [status = status_] { return status->get(); };
  }
  const ZooKeeperConfig& config() const { return config_; }

 private:
  // Answers come on any thread, and perhaps late.
  HostLookUp look_up_here() const {
    return [look_up = look_up_, executor = client_->shared_executor()](const std::string& host, auto done) {
      look_up(host, [executor, done = std::move(done)](HostAnswer answer) {
        executor->post([done, answer = std::move(answer)] { done(answer); });
      });
    };
  }

  const ZooKeeperConfig config_;
  const LogFunction log_;
  const std::shared_ptr<ZooKeeperClients> clients_;
  const HealthWitness witness_;
  const HostLookUp look_up_;
  const std::shared_ptr<SharedStatus> status_ = std::make_shared<SharedStatus>();
  std::shared_ptr<ZooKeeperClient> client_;
  std::optional<MembershipKeeper::Known> inherited_, left_;
  std::shared_ptr<MembershipKeeper> keeper_;  // touched on the executor only
};

ZooKeeperSource::ZooKeeperSource(ZooKeeperConfig config, LogFunction log, std::shared_ptr<ZooKeeperClients> clients,
                                 HealthWitness witness, HostLookUp look_up)
    : impl_(std::make_unique<Impl>(std::move(config), std::move(log), std::move(clients), std::move(witness),
                                   std::move(look_up))) {}
ZooKeeperSource::~ZooKeeperSource() = default;

void ZooKeeperSource::start(Sink sink) { impl_->start(std::move(sink)); }
void ZooKeeperSource::stop() noexcept { impl_->stop(); }
void ZooKeeperSource::go_on_for(ZooKeeperSource& former) { impl_->go_on_for(*former.impl_); }
SourceStatus ZooKeeperSource::status() const { return impl_->status(); }
std::function<SourceStatus()> ZooKeeperSource::status_reader() const { return impl_->status_reader(); }
const ZooKeeperConfig& ZooKeeperSource::config() const { return impl_->config(); }

}  // namespace weir::discovery
