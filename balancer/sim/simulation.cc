// Events on a virtual clock: requests come, answers come, backends change.
#include <weir/balancer/simulation.h>
#include <weir/balancer/upstream.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>

#include "pickers/random_bits.h"

namespace weir::balancer {
namespace {

using Duration = Scenario::Duration;
using Answer = Scenario::Answer;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr Duration kPause = std::chrono::milliseconds(1);  // of a client that was refused, before it asks again

class Simulation {
 public:
  explicit Simulation(const Scenario& scenario)
      : scenario_(scenario),
        random_(scenario.seed),
        servers_(scenario.servers),
        upstream_(std::make_shared<Upstream>("simulated", scenario.method)),
        reader_(upstream_) {
    for (const Scenario::Server& server : servers_) report_.backends.push_back({.address = server.member.address});
  }

  SimulationReport run() {
    update();
    for (std::size_t i = 0; i < scenario_.changes.size(); ++i) add(kStart + scenario_.changes[i].at, Event::Kind::Change, i);
    if (scenario_.clients == 0) add(kStart + next_gap(), Event::Kind::Arrival, 0);
    for (std::uint32_t i = 0; i < scenario_.clients; ++i) add(kStart + Duration(i), Event::Kind::Request, 0);
    while (!events_.empty()) {
      const Event event = events_.top();
      events_.pop();
      now_ = event.at;
      handle(event);
    }
    return finish();
  }

 private:
  struct Event {
    enum class Kind : std::uint8_t { Change, Arrival, Request, Answered } kind;
    TimePoint at;
    std::uint64_t order;  // of events at one moment
    std::size_t what;
    bool operator<(const Event& other) const {  // the top of the queue is the greatest
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  struct Request {
    TimePoint began;
    std::string key;
    Tried tried;
    std::optional<Lease> lease;
    std::size_t server = 0;
    std::optional<Answer> outcome;  // nothing: its time is over
  };

  void add(TimePoint at, Event::Kind kind, std::size_t what) { events_.push({kind, at, ++order_, what}); }
  bool is_over() const { return now_ >= kStart + scenario_.duration; }

  void handle(const Event& event) {
    switch (event.kind) {
      case Event::Kind::Change: {
        const Scenario::Change& change = scenario_.changes[event.what];
        servers_[change.server] = change.becomes;
        return update();
      }
      case Event::Kind::Arrival:
        if (is_over()) return;
        add(now_ + next_gap(), Event::Kind::Arrival, 0);
        return begin();
      case Event::Kind::Request:
        if (!is_over()) begin();
        return;
      case Event::Kind::Answered: return take_answer(event.what);
    }
  }

  void update() {
    std::vector<Member> members;
    for (const Scenario::Server& server : servers_) {
      if (server.is_member) members.push_back(server.member);
    }
    upstream_->update(members);
  }

  void begin() {
    std::size_t number = requests_.size();
    if (!free_.empty()) {
      number = free_.back();
      free_.pop_back();
      requests_[number] = Request();
    } else {
      requests_.emplace_back();
    }
    requests_[number].began = now_;
    requests_[number].key = std::to_string(random_.below(scenario_.keys));
    attempt(number);
  }

  void attempt(std::size_t number) {
    Request& request = requests_[number];
    PickRequest wanted{.tried = &request.tried, .now = now_, .key = request.key, .random = random_.next()};
    const std::optional<std::string> route = scenario_.sticky ? upstream_->sessions().find(request.key, now_, {}) : std::nullopt;
    if (route) wanted.route = *route;
    request.lease = reader_.acquire(wanted);
    if (!request.lease) return end(number, false);
    request.tried.add(request.lease->backend());
    request.server = index_of(request.lease->backend().address());
    SimulationReport::Backend& backend = report_.backends[request.server];
    ++backend.picks;
    backend.most_active = std::max(backend.most_active, request.lease->backend().active());
    const Scenario::Behaviour& behaviour = servers_[request.server].behaviour;
    if (behaviour.answer != Answer::Good && another_is_good(request.server)) ++report_.misroutes;
    const Duration takes = time_of(behaviour);
    const bool in_time = behaviour.answer != Answer::Never && takes < scenario_.timeout;
    request.outcome = in_time ? std::optional(behaviour.answer) : std::nullopt;
    add(now_ + (in_time ? takes : scenario_.timeout), Event::Kind::Answered, number);
  }

  void take_answer(std::size_t number) {
    Request& request = requests_[number];
    SimulationReport::Backend& backend = report_.backends[request.server];
    const bool is_good = request.outcome == Answer::Good;
    if (is_good) {
      ++backend.good;
      if (scenario_.sticky) upstream_->sessions().learn(request.key, request.lease->backend().route(), now_, true, {});
      request.lease->first_byte(now_);
      request.lease->succeeded(now_);
    } else if (request.outcome == Answer::Error) {
      ++backend.errors;
      request.lease->erred(now_);
    } else {
      ++(request.outcome ? backend.resets : backend.timeouts);
      request.lease->failed(now_);
    }
    request.lease.reset();
    // An error is an answer, and passed on; what brought none is tried elsewhere.
    if (!is_good && request.outcome != Answer::Error && request.tried.size() < scenario_.tries) return attempt(number);
    end(number, is_good);
  }

  void end(std::size_t number, bool is_good) {
    ++report_.requests;
    const bool was_refused = requests_[number].tried.empty();
    if (is_good) latencies_.push_back(std::chrono::duration_cast<Duration>(now_ - requests_[number].began));
    else ++report_.failed;
    free_.push_back(number);
    if (scenario_.clients != 0) add(now_ + (was_refused ? kPause : Duration(0)), Event::Kind::Request, 0);
  }

  bool another_is_good(std::size_t than) const {
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      const Scenario::Server& server = servers_[i];
      if (i != than && server.is_member && !server.member.draining && server.behaviour.answer == Answer::Good) return true;
    }
    return false;
  }

  std::size_t index_of(const std::string& address) const {
    std::size_t i = 0;
    while (servers_[i].member.address != address) ++i;
    return i;
  }

  /// Greater than 0, at most 1.
  double chance() { return static_cast<double>((random_.next() >> 11) + 1) * 0x1p-53; }
  Duration exponential(double mean) { return Duration(static_cast<Duration::rep>(-std::log(chance()) * mean)); }
  Duration next_gap() { return exponential(1e6 / scenario_.rate); }
  Duration time_of(const Scenario::Behaviour& behaviour) {
    using Kind = Scenario::Behaviour::Kind;
    if (behaviour.kind == Kind::Exponential) return exponential(static_cast<double>(behaviour.from.count()));
    if (behaviour.kind == Kind::Constant) return behaviour.from;
    const auto width = static_cast<std::uint64_t>((behaviour.to - behaviour.from).count()) + 1;
    return behaviour.from + Duration(static_cast<Duration::rep>(random_.below(width)));
  }

  SimulationReport finish() {
    std::sort(latencies_.begin(), latencies_.end());
    if (!latencies_.empty()) {
      report_.p50 = latencies_[(latencies_.size() - 1) / 2];
      report_.p99 = latencies_[(latencies_.size() - 1) * 99 / 100];
      report_.longest = latencies_.back();
    }
    return std::move(report_);
  }

  const Scenario& scenario_;
  RandomBits random_;
  std::vector<Scenario::Server> servers_;  // as they are now
  std::shared_ptr<Upstream> upstream_;
  UpstreamReader reader_;
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  TimePoint now_ = kStart;
  std::vector<Request> requests_;
  std::vector<std::size_t> free_;  // of these
  std::vector<Duration> latencies_;
  SimulationReport report_;
};

}  // namespace

SimulationReport simulate(const Scenario& scenario) {
  return Simulation(scenario).run();
}

}  // namespace weir::balancer
