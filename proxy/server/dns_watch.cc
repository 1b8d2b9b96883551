#include "server/dns_watch.h"

#include <algorithm>
#include <atomic>
#include <mutex>

#include "net/out_of_memory.h"

namespace weir::server {

namespace {

constexpr std::chrono::seconds kRetry{1};    // after a failure
constexpr std::chrono::seconds kLeast{1};    // whatever the TTL says
constexpr std::chrono::hours kMost{24};

}  // namespace

bool DnsQuestion::same_as(const DnsQuestion& other) const {
  return host == other.host && port == other.port && service == other.service && timeout == other.timeout &&
         (resolver == other.resolver ||
          (resolver && other.resolver && resolver->servers == other.resolver->servers && resolver->ipv4 == other.resolver->ipv4 &&
           resolver->ipv6 == other.resolver->ipv6 && resolver->valid == other.resolver->valid));
}

std::string DnsQuestion::name() const {
  if (service.empty()) return host;
  if (service.find('.') != service.npos) return service + "." + host;
  return (service.starts_with('_') ? service : "_" + service) + "._tcp." + host;
}

/// One name being watched. Its timer and lookups belong to the thread; the sink is guarded against the handle's end.
class DnsWatch::Job final : public std::enable_shared_from_this<DnsWatch::Job>, private net::Timer {
 public:
  Job(net::Loop& its_loop, DnsQuestion question, Sink sink, Complain complain)
      : Timer(its_loop.timers()), loop(its_loop), question_(std::move(question)), sink_(std::move(sink)),
        complain_(std::move(complain)) {}

  void begin(std::shared_ptr<net::Resolver> resolver) {
    resolver_ = std::move(resolver);
    on_timer();
  }
  /// Any thread: from now on nothing is told.
  void silence() {
    const std::lock_guard lock(mutex_);
    sink_ = nullptr;
    complain_ = nullptr;
  }
  /// The thread's.
  void end() {
    ended_ = true;
    disarm();
    if (lookup_) lookup_->cancel();
  }

  net::Loop& loop;
  const DnsQuestion& question() const { return question_; }

 private:
  void on_timer() override {
    if (!net::OutOfMemory::unless([this] { net::spawn(run(shared_from_this())); })) arm(kRetry);
  }

  static net::Task<void> run(std::shared_ptr<Job> self) {
    net::Clock::duration pause = kRetry;
    try {
      pause = co_await self->ask();
    } catch (const std::bad_alloc&) {
      net::OutOfMemory::note();
      self->lookup_ = nullptr;
    }
    if (!self->ended_) self->arm(std::chrono::ceil<std::chrono::milliseconds>(pause));
  }

  /// Asks, and tells what was found. Returns when to ask again.
  net::Task<net::Clock::duration> ask() {
    std::vector<DnsServer> servers;
    const net::ResolutionPtr found = co_await look_up(question_.name(), !question_.service.empty());
    if (ended_) co_return kRetry;
    net::TimePoint expires = found->expires;
    for (const net::Endpoint& address : found->addresses) {
      servers.push_back({address, 0, false});
      servers.back().endpoint.set_port(question_.port);
    }
    std::uint16_t best = 0xffff;
    for (const auto& service : found->services) best = std::min(best, service.priority);
    for (const auto& service : found->services) {
      const net::ResolutionPtr target = co_await look_up(service.target, false);
      if (ended_) co_return kRetry;
      if (target->code != 0) continue;
      expires = std::min(expires, target->expires);
      for (net::Endpoint address : target->addresses) {
        address.set_port(service.port);
        servers.push_back({address, service.weight, service.priority != best});
      }
    }
    tell(*found, std::move(servers));
    co_return found->code == 0 ? std::clamp<net::Clock::duration>(expires - loop.now(), kLeast, kMost) : kRetry;
  }

  net::Task<net::ResolutionPtr> look_up(std::string name, bool services) {
    net::Resolver::Lookup lookup(*resolver_, name, services, question_.timeout);
    lookup_ = &lookup;
    net::ResolutionPtr found = co_await lookup;
    lookup_ = nullptr;
    co_return found;
  }

  void tell(const net::Resolution& found, std::vector<DnsServer> servers) {
    constexpr int kNoSuchName = 3;
    const std::lock_guard lock(mutex_);
    if (!sink_) return;
    if (found.code == 0 || found.code == kNoSuchName) sink_(std::move(servers));
    if (found.code != 0) complain_(question_.name() + " could not be resolved (" + found.failure() + ")");
  }

  const DnsQuestion question_;
  std::shared_ptr<net::Resolver> resolver_;
  net::Resolver::Lookup* lookup_ = nullptr;
  bool ended_ = false;
  std::mutex mutex_;
  Sink sink_;
  Complain complain_;
};

DnsWatch::DnsWatch() = default;

DnsWatch::~DnsWatch() {
  if (!thread_.joinable()) return;
  // The handles are gone, so nothing is being looked up once their jobs have ended: a turn later.
  loop_->post([this] {
    ended_ = true;
    for (net::Resolver::Lookup* each : look_ups_) each->cancel();
    loop_->post([this] { loop_->stop(); });
  });
  thread_.join();
}

void DnsWatch::start() {
  std::call_once(started_, [this] {
    loop_ = std::make_unique<net::Loop>();
    thread_ = std::thread([this] {
      loop_->run();
      resolvers_.clear();
    });
  });
}

std::shared_ptr<net::Resolver> DnsWatch::resolver_for(const std::shared_ptr<const net::Resolver::Options>& options) {
  std::erase_if(resolvers_, [](const Known& known) { return known.resolver.use_count() == 1; });  // nobody asks it
  for (const Known& known : resolvers_)
    if (known.options == options) return known.resolver;
  resolvers_.push_back({options, std::make_shared<net::Resolver>(*loop_, *options)});
  return resolvers_.back().resolver;
}

std::unique_ptr<DnsWatch::Handle> DnsWatch::watch(DnsQuestion question, Sink sink, Complain complain) {
  start();
  auto job = std::make_shared<Job>(*loop_, std::move(question), std::move(sink), std::move(complain));
  loop_->post([this, job] { job->begin(resolver_for(job->question().resolver)); });
  return std::make_unique<Handle>(std::move(job));
}

void DnsWatch::look_up(DnsQuestion question, std::function<void(const net::Resolution&)> answered) {
  start();
  loop_->post([this, question = std::move(question), answered = std::move(answered)]() mutable {
    net::spawn(ask_once(std::move(question), std::move(answered)));
  });
}

net::Task<void> DnsWatch::ask_once(DnsQuestion question, std::function<void(const net::Resolution&)> answered) {
  const std::shared_ptr<net::Resolver> resolver = resolver_for(question.resolver);
  net::Resolver::Lookup lookup(*resolver, question.name(), false, question.timeout);
  look_ups_.insert(&lookup);
  const net::ResolutionPtr found = co_await lookup;
  look_ups_.erase(&lookup);
  if (!ended_) answered(*found);
}

DnsWatch::Handle::~Handle() {
  job_->silence();
  net::Loop& loop = job_->loop;
  // The job goes on its own thread, where its timer is.
  loop.post([job = std::move(job_)] { job->end(); });
}

}  // namespace weir::server
