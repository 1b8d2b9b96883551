#include "server/health_checks.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <utility>

#include "shared/address.h"
#include "net/out_of_memory.h"
#include "net/timers.h"
#include "server/health_probe.h"

namespace weir::server {

namespace {

// A suspect is asked at once, but not more often than this.
constexpr std::chrono::milliseconds kHurry{50};

class CheckedGroup;
class CheckedServer;

/// One way in which a server is checked. The loop's thread.
class Probe final : private net::Timer {
 public:
  Probe(net::Loop& loop, CheckedServer& server, const shared::HealthCheck& check, bool is_unproven)
      : Timer(loop.timers()), loop_(loop), server_(server), check_(check), works_(!is_unproven) {}

  bool works() const { return works_; }
  /// Asks now, or in a moment if it was asked a moment ago.
  void hurry() {
    if (is_asking_) return;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(asked_ + kHurry - loop_.now());
    if (wait.count() > 0) return arm(wait);
    on_timer();
  }
  /// The same, and once more after that: of requests that fail meanwhile nobody tells, and an answer that is under way may be
  /// older than the failure.
  void insist() {
    insists_ = true;
    hurry();
  }
  void end() { disarm(); }

 private:
  void on_timer() override;
  static net::Task<void> run(Probe& self, std::shared_ptr<CheckedServer> server);
  net::Task<void> ask(CheckedGroup& group);
  void note(const std::string& wrong);

  net::Loop& loop_;
  CheckedServer& server_;
  const shared::HealthCheck& check_;
  net::TimePoint asked_{};
  std::uint32_t passed_ = 0, failed_ = 0;  // in a row
  bool works_;
  bool is_asking_ = false;
  bool insists_ = false;
};

/// One server being checked. The loop's thread.
class CheckedServer final : public std::enable_shared_from_this<CheckedServer> {
 public:
  /// A `backend` that is vetoed has to prove itself.
  CheckedServer(net::Loop& loop, std::weak_ptr<CheckedGroup> group, const balancer::Backend& backend);

  const std::string& address() const { return address_; }
  bool is(const balancer::Backend& backend) const { return backend_ == backend.id(); }
  std::shared_ptr<CheckedGroup> group() const { return group_.lock(); }
  bool has_ended() const { return ended_; }
  void hurry() {
    for (const auto& probe : probes_) probe->hurry();
  }
  void insist() {
    for (const auto& probe : probes_) probe->insist();
  }
  void end() {
    ended_ = true;
    for (const auto& probe : probes_) probe->end();
  }
  /// After each answer: `wrong` is what was wrong with it.
  void judge(const std::string& wrong);

 private:
  const std::weak_ptr<CheckedGroup> group_;
  const std::uint64_t backend_;  // an address that left and returned is another one, of which nothing is known
  const std::string address_;
  std::vector<std::unique_ptr<Probe>> probes_;  // one for each check of the group
  bool works_;
  bool is_known_;  // false: a newcomer that has to prove itself
  bool ended_ = false;
};

class CheckedGroup final : public HealthChecks::Group, public std::enable_shared_from_this<CheckedGroup> {
 public:
  CheckedGroup(net::Loop& loop, std::shared_ptr<balancer::Upstream> upstream, std::vector<shared::HealthCheck> checks,
               std::shared_ptr<const shared::ProtocolConfig> config, std::shared_ptr<log::ErrorLog> error_log)
      : loop_(loop), upstream_(std::move(upstream)), checks_(std::move(checks)), error_log_(std::move(error_log)),
        random_(std::random_device{}()) {
    const bool has_judge = std::any_of(checks_.begin(), checks_.end(), [](const shared::HealthCheck& check) {
      return check.match && check.match->is_of_http();
    });
    // Only http's configuration has such blocks.
    if (has_judge) config_ = std::static_pointer_cast<const http::HttpConfig>(std::move(config));
  }

  void follow() override {
    loop_.post([self = shared_from_this()] { self->update(); });
  }
  void end(bool lift) override {
    loop_.post([self = shared_from_this(), lift] { self->finish(lift); });
  }
  void suspect(const balancer::Backend& backend) noexcept override;
  const std::vector<shared::HealthCheck>& checks() const override { return checks_; }

  // The loop's thread.
  balancer::Upstream& upstream() { return *upstream_; }
  const log::ErrorLog& error_log() const { return *error_log_; }
  /// Null if no check has a match block of HTTP.
  std::shared_ptr<http::HealthJudge> judge() const { return judge_; }
  std::chrono::milliseconds time_until_next(const shared::HealthCheck& check) {
    const std::uint64_t most = static_cast<std::uint64_t>(check.jitter.count());
    return check.interval + std::chrono::milliseconds(most == 0 ? 0 : random_() % (most + 1));
  }

 private:
  void update();
  void finish(bool lift);
  void look_at(std::uint64_t backend);
  template <class Visit>
  void for_each_backend(Visit&& visit);

  net::Loop& loop_;
  const std::shared_ptr<balancer::Upstream> upstream_;
  const std::vector<shared::HealthCheck> checks_;
  // Of match blocks of HTTP: these are of a configuration, and that owns what owns this group, until the group ends.
  std::shared_ptr<const http::HttpConfig> config_;
  std::shared_ptr<http::HealthJudge> judge_;
  const std::shared_ptr<log::ErrorLog> error_log_;
  std::minstd_rand random_;
  std::map<std::string, std::shared_ptr<CheckedServer>, std::less<>> servers_;
  bool ended_ = false;
  std::atomic<std::uint64_t> suspect_{0};           // the latest
  std::atomic<balancer::Clock::rep> suspected_{0};  // when
};

// --- a probe

void Probe::on_timer() {
  if (server_.has_ended() || is_asking_) return;
  if (!net::OutOfMemory::unless([this] { net::spawn(run(*this, server_.shared_from_this())); })) arm(kHurry);
}

net::Task<void> Probe::run(Probe& self, std::shared_ptr<CheckedServer> server) {
  const std::shared_ptr<CheckedGroup> group = server->group();
  if (!group) co_return;
  self.is_asking_ = true;
  self.asked_ = self.loop_.now();
  self.disarm();
  try {
    co_await self.ask(*group);
  } catch (const std::bad_alloc&) {
    net::OutOfMemory::note();  // nothing was learnt of the server
  }
  self.is_asking_ = false;
  if (server->has_ended()) co_return;
  if (std::exchange(self.insists_, false)) co_return self.arm(kHurry);
  const auto spent = std::chrono::ceil<std::chrono::milliseconds>(self.loop_.now() - self.asked_);
  self.arm(std::max(group->time_until_next(self.check_) - spent, std::chrono::milliseconds(1)));
}

net::Task<void> Probe::ask(CheckedGroup& group) {
  std::optional<net::Endpoint> endpoint = net::Endpoint::parse(shared::socket_address(server_.address()));
  if (endpoint && check_.port != 0 && !endpoint->is_unix()) endpoint->set_port(check_.port);
  std::string wrong = "its address is not one";
  // The group may let go of its judge meanwhile.
  const std::shared_ptr<http::HealthJudge> judge = group.judge();
  if (endpoint) wrong = co_await probe(loop_, *endpoint, check_, judge.get());
  if (server_.has_ended()) co_return;
  note(wrong);
  server_.judge(wrong);
}

void Probe::note(const std::string& wrong) {
  passed_ = wrong.empty() ? passed_ + 1 : 0;
  failed_ = wrong.empty() ? 0 : failed_ + 1;
  if (works_ && failed_ >= check_.fails) works_ = false;
  if (!works_ && passed_ >= check_.passes) works_ = true;
}

// --- a server

CheckedServer::CheckedServer(net::Loop& loop, std::weak_ptr<CheckedGroup> group, const balancer::Backend& backend)
    : group_(std::move(group)),
      backend_(backend.id()),
      address_(backend.address()),
      works_(!backend.is_vetoed()),
      is_known_(works_) {
  for (const shared::HealthCheck& check : group_.lock()->checks())
    probes_.push_back(std::make_unique<Probe>(loop, *this, check, !works_));
}

void CheckedServer::judge(const std::string& wrong) {
  const std::shared_ptr<CheckedGroup> group = group_.lock();
  if (!group) return;
  const std::string& name = group->upstream().name();
  const bool works = std::all_of(probes_.begin(), probes_.end(), [](const auto& probe) { return probe->works(); });
  if (works != works_) {
    works_ = works;
    group->upstream().veto(address_, !works);
    if (works)
      log::notice(group->error_log(), "health check: {} of upstream \"{}\" works", address_, name);
    else
      log::warn(group->error_log(), "health check: {} of upstream \"{}\" does not work: {}", address_, name, wrong);
  } else if (!is_known_ && !wrong.empty()) {
    log::warn(group->error_log(), "health check: {} of upstream \"{}\" does not work yet: {}", address_, name, wrong);
  }
  is_known_ = is_known_ || works || !wrong.empty();
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
  if (config_ && !judge_) judge_ = std::make_shared<http::HealthJudge>(loop_, config_, error_log_);
  std::map<std::string, std::shared_ptr<CheckedServer>, std::less<>> present;
  for_each_backend([&](const balancer::Backend& backend) {
    if (backend.member().down) return;
    const auto known = servers_.find(backend.address());
    present[backend.address()] = known != servers_.end() && known->second->is(backend)
                                     ? known->second
                                     : std::make_shared<CheckedServer>(loop_, weak_from_this(), backend);
  });
  servers_.swap(present);
  const auto is_in = [](const auto& servers, const auto& entry) {
    const auto same = servers.find(entry.first);
    return same != servers.end() && same->second == entry.second;
  };
  for (const auto& gone : present)
    if (!is_in(servers_, gone)) gone.second->end();
  for (const auto& server : servers_)
    if (!is_in(present, server)) server.second->hurry();
}

void CheckedGroup::finish(bool lift) {
  ended_ = true;
  for (const auto& [address, server] : servers_) server->end();
  // Also of those who had to prove themselves and were never asked, as they were down.
  if (lift) for_each_backend([this](const balancer::Backend& backend) { upstream_->veto(backend.address(), false); });
  servers_.clear();
  judge_.reset();
  config_.reset();
}

// Called for each failed request, of which there may be thousands in a second.
void CheckedGroup::suspect(const balancer::Backend& backend) noexcept {
  const balancer::Clock::rep now = balancer::Clock::now().time_since_epoch().count();
  balancer::Clock::rep before = suspected_.load(std::memory_order_relaxed);
  const bool is_recent = balancer::Clock::duration(now - before) < kHurry;
  if (suspect_.load(std::memory_order_relaxed) == backend.id() && is_recent) return;
  suspect_.store(backend.id(), std::memory_order_relaxed);
  suspected_.store(now, std::memory_order_relaxed);
  net::OutOfMemory::unless([&] { loop_.post([self = shared_from_this(), id = backend.id()] { self->look_at(id); }); });
}

/// Asks the backend that failed, and those that are idle: whatever befell it may have befallen them, and nobody would
/// notice.
void CheckedGroup::look_at(std::uint64_t suspect) {
  if (ended_) return;
  for_each_backend([&](const balancer::Backend& backend) {
    const bool is_suspect = backend.id() == suspect;
    if (!is_suspect && backend.active() != 0) return;
    const auto known = servers_.find(backend.address());
    if (known == servers_.end()) return;
    is_suspect ? known->second->insist() : known->second->hurry();
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
                                                         std::vector<shared::HealthCheck> checks,
                                                         std::shared_ptr<const shared::ProtocolConfig> config,
                                                         std::shared_ptr<log::ErrorLog> error_log) {
  if (!thread_.joinable()) {
    loop_ = std::make_unique<net::Loop>();
    thread_ = std::thread([this] { loop_->run(); });
  }
  auto group = std::make_shared<CheckedGroup>(*loop_, std::move(upstream), std::move(checks), std::move(config),
                                              std::move(error_log));
  group->follow();
  return group;
}

}  // namespace weir::server
