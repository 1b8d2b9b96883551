#include "server/health_checks.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <utility>

#include "shared/address.h"
#include "net/timers.h"
#include "server/health_probe.h"

namespace weir::server {

namespace {

// A suspect is asked at once, but not more often than this.
constexpr std::chrono::milliseconds kHurry{50};

/// How long one check may take: as the scope says, and not past the next one, though never less than a second.
std::chrono::milliseconds limit_of(const shared::HealthCheck& check) {
  std::chrono::milliseconds limit = std::max<std::chrono::milliseconds>(check.interval, std::chrono::seconds(1));
  return check.scope && check.patience ? std::min(limit, check.patience(*check.scope)) : limit;
}

class CheckedGroup;

/// One server being checked. The loop's thread.
class CheckedServer final : public std::enable_shared_from_this<CheckedServer>, private net::Timer {
 public:
  CheckedServer(net::Loop& loop, std::weak_ptr<CheckedGroup> group, std::string address, bool is_unproven)
      : Timer(loop.timers()), loop_(loop), group_(std::move(group)), address_(std::move(address)), works_(!is_unproven),
        is_known_(!is_unproven) {}

  const std::string& address() const { return address_; }
  /// Asks now, unless it was asked a moment ago.
  void hurry() {
    if (!is_asking_ && loop_.now() - asked_ >= kHurry) on_timer();
  }
  void end() {
    ended_ = true;
    disarm();
  }

 private:
  void on_timer() override {
    if (!ended_ && !is_asking_) net::spawn(run(shared_from_this()));
  }
  static net::Task<void> run(std::shared_ptr<CheckedServer> self);
  void judge(CheckedGroup& group, const std::string& wrong);

  net::Loop& loop_;
  const std::weak_ptr<CheckedGroup> group_;
  const std::string address_;
  net::TimePoint asked_{};
  std::uint32_t passed_ = 0, failed_ = 0;  // in a row
  bool works_;
  bool is_known_;  // false: a newcomer that has to prove itself
  bool is_asking_ = false;
  bool ended_ = false;
};

class CheckedGroup final : public HealthChecks::Group, public std::enable_shared_from_this<CheckedGroup> {
 public:
  CheckedGroup(net::Loop& loop, std::shared_ptr<balancer::Upstream> upstream, shared::HealthCheck check,
               std::shared_ptr<log::ErrorLog> error_log)
      : loop_(loop), upstream_(std::move(upstream)), check_(std::move(check)), limit_(limit_of(check_)),
        error_log_(std::move(error_log)), random_(std::random_device{}()) {
    check_.scope = nullptr;  // it lives no longer than its configuration
  }

  void follow() override {
    loop_.post([self = shared_from_this()] { self->update(); });
  }
  void end(bool lift) override {
    loop_.post([self = shared_from_this(), lift] { self->finish(lift); });
  }
  void suspect(const balancer::Backend& backend) noexcept override;
  const shared::HealthCheck& check() const override { return check_; }

  // The loop's thread.
  balancer::Upstream& upstream() { return *upstream_; }
  const log::ErrorLog& error_log() const { return *error_log_; }
  std::chrono::milliseconds limit() const { return limit_; }
  std::chrono::milliseconds next_interval() {
    const std::uint64_t most = static_cast<std::uint64_t>(check_.jitter.count());
    return check_.interval + std::chrono::milliseconds(most == 0 ? 0 : random_() % (most + 1));
  }

 private:
  void update();
  void finish(bool lift);
  void look_at(std::uint64_t backend);
  template <class Visit>
  void for_each_backend(Visit&& visit);

  net::Loop& loop_;
  const std::shared_ptr<balancer::Upstream> upstream_;
  shared::HealthCheck check_;
  const std::chrono::milliseconds limit_;
  const std::shared_ptr<log::ErrorLog> error_log_;
  std::minstd_rand random_;
  std::map<std::string, std::shared_ptr<CheckedServer>, std::less<>> servers_;
  bool ended_ = false;
  std::atomic<std::uint64_t> suspect_{0};                    // the latest
  std::atomic<balancer::Clock::rep> suspected_{0};  // when
};

// --- a server

net::Task<void> CheckedServer::run(std::shared_ptr<CheckedServer> self) {
  const std::shared_ptr<CheckedGroup> group = self->group_.lock();
  if (!group) co_return;
  self->is_asking_ = true;
  self->asked_ = self->loop_.now();
  self->disarm();
  std::optional<net::Endpoint> endpoint = net::Endpoint::parse(shared::socket_address(self->address_));
  if (endpoint && group->check().port != 0 && !endpoint->is_unix()) endpoint->set_port(group->check().port);
  std::string wrong = "its address is not one";
  if (endpoint) wrong = co_await probe(self->loop_, *endpoint, group->check(), group->limit());
  self->is_asking_ = false;
  if (self->ended_) co_return;
  self->judge(*group, wrong);
  const auto spent = std::chrono::ceil<std::chrono::milliseconds>(self->loop_.now() - self->asked_);
  self->arm(std::max(group->next_interval() - spent, std::chrono::milliseconds(1)));
}

void CheckedServer::judge(CheckedGroup& group, const std::string& wrong) {
  passed_ = wrong.empty() ? passed_ + 1 : 0;
  failed_ = wrong.empty() ? 0 : failed_ + 1;
  const std::string& name = group.upstream().name();
  if (works_ && failed_ >= group.check().fails) {
    works_ = false;
    group.upstream().veto(address_, true);
    log::warn(group.error_log(), "health check: {} of upstream \"{}\" does not work: {}", address_, name, wrong);
  } else if (!works_ && passed_ >= group.check().passes) {
    works_ = true;
    group.upstream().veto(address_, false);
    log::notice(group.error_log(), "health check: {} of upstream \"{}\" works", address_, name);
  } else if (!is_known_ && failed_ == 1) {
    log::warn(group.error_log(), "health check: {} of upstream \"{}\" does not work yet: {}", address_, name, wrong);
  }
  is_known_ = true;
}

// --- a group

template <class Visit>
void CheckedGroup::for_each_backend(Visit&& visit) {
  const std::shared_ptr<const balancer::Snapshot> snapshot = upstream_->snapshot();
  for (const balancer::Backends* backends : {&snapshot->primaries(), &snapshot->backups()})
    for (std::size_t i = 0; i < backends->size(); ++i) visit((*backends)[i]);
}

void CheckedGroup::update() {
  if (ended_) return;
  std::map<std::string, std::shared_ptr<CheckedServer>, std::less<>> present;
  for_each_backend([&](const balancer::Backend& backend) {
    if (backend.member().down) return;
    auto& server = present[backend.address()];
    if (const auto known = servers_.find(backend.address()); known != servers_.end()) {
      server = std::move(known->second);
      servers_.erase(known);
      return;
    }
    server = std::make_shared<CheckedServer>(loop_, weak_from_this(), backend.address(), backend.is_vetoed());
    server->hurry();
  });
  for (const auto& [address, gone] : servers_) gone->end();
  servers_ = std::move(present);
}

void CheckedGroup::finish(bool lift) {
  ended_ = true;
  for (const auto& [address, server] : servers_) {
    server->end();
    if (lift) upstream_->veto(address, false);
  }
  servers_.clear();
}

// Called for each failed request, of which there may be thousands in a second.
void CheckedGroup::suspect(const balancer::Backend& backend) noexcept {
  const balancer::Clock::rep now = balancer::Clock::now().time_since_epoch().count();
  balancer::Clock::rep before = suspected_.load(std::memory_order_relaxed);
  const bool is_recent = balancer::Clock::duration(now - before) < kHurry;
  if (suspect_.load(std::memory_order_relaxed) == backend.id() && is_recent) return;
  suspect_.store(backend.id(), std::memory_order_relaxed);
  suspected_.store(now, std::memory_order_relaxed);
  loop_.post([self = shared_from_this(), id = backend.id()] { self->look_at(id); });
}

/// Asks the backend that failed, and those that are idle: whatever befell it may have befallen them, and nobody would
/// notice.
void CheckedGroup::look_at(std::uint64_t suspect) {
  if (ended_) return;
  for_each_backend([&](const balancer::Backend& backend) {
    if (backend.id() != suspect && backend.active() != 0) return;
    if (const auto known = servers_.find(backend.address()); known != servers_.end()) known->second->hurry();
  });
}

}  // namespace

// --- all of them

HealthChecks::~HealthChecks() {
  if (!thread_.joinable()) return;
  loop_->post([this] { finish(); });
  thread_.join();
}

/// Ends the checks under way, then the loop.
void HealthChecks::finish() {
  loop_->close_streams();
  if (loop_->stream_count() == 0) return loop_->stop();
  loop_->post([this] { finish(); });
}

std::shared_ptr<HealthChecks::Group> HealthChecks::begin(std::shared_ptr<balancer::Upstream> upstream,
                                                         shared::HealthCheck check,
                                                         std::shared_ptr<log::ErrorLog> error_log) {
  if (!thread_.joinable()) {
    loop_ = std::make_unique<net::Loop>();
    thread_ = std::thread([this] { loop_->run(); });
  }
  auto group = std::make_shared<CheckedGroup>(*loop_, std::move(upstream), std::move(check), std::move(error_log));
  group->follow();
  return group;
}

}  // namespace weir::server
