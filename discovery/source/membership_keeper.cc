#include "source/membership_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir::discovery {
namespace {

using namespace std::chrono_literals;

// How long after an outage members may take to come back: their sessions' timeout, which is taken to be like ours,
// and the longest pause between their attempts.
constexpr Clock::duration kLongestReturn = 10s;
constexpr Clock::duration kWorthAWord = 30s;
constexpr Clock::duration kPatienceWithNames = 1s;
constexpr std::size_t kLongestCache = 256 << 20;

std::string origin_of(const ZooKeeperConfig& config) {
  return fmt::format("{} {}", to_string(parse_servers(config.servers)), config.path);
}

std::vector<Cidr> ranges_of(const ZooKeeperConfig& config) {
  std::vector<Cidr> ranges;
  for (const std::string& range : config.allow) ranges.push_back(parse_cidr(range).value());
  return ranges;
}

// What a policy alone asks for is no news to a balancer.
bool is_same_to_balancer(const MemberList& a, const MemberList& b) {
  bool are_same = true;
  const auto differ = [&](const balancer::Member&) { are_same = false; };
  const auto compare = [&](const balancer::Member& x, const balancer::Member& y) { are_same = are_same && x == y; };
  for_each_difference(a, b, differ, differ, compare);
  return are_same;
}

}  // namespace

MembershipKeeper::MembershipKeeper(Executor& executor, Ensemble& ensemble, const ZooKeeperConfig& config, Parts parts)
    : executor_(executor),
      ensemble_(ensemble),
      config_(config),
      parts_(std::move(parts)),
      report_(executor, config.path, parts_.log, parts_.status),
      members_(executor, settings_of("/members", Format::Native), *this, seen_.members),
      fixed_(executor, settings_of("/static", Format::Native), *this, seen_.fixed),
      policy_reader_(
          executor, config.path + "/policy", [this](auto text) { on_policy(std::move(text)); },
          [this](const std::string& reason) { on_policy_trouble(reason); }),
      hosts_(executor, {.allow = ranges_of(config)}, parts_.look_up, [this] { look(); }),
      look_again_(executor),
      stale_(executor) {
  if (config_.format != Format::Native) {
    direct_ = std::make_unique<Watched>(executor, settings_of("", config_.format),
                                        static_cast<DirectoryReader::Listener&>(*this), seen_.direct);
  }
  if (config_.cache_file.empty()) return;
  cache_ = std::make_unique<CacheWriter>(executor, parts_.disk, config_.cache_file, [this](const std::string& error) {
    report_.count(error.empty() ? "cache written" : "cache not written");
    error.empty() ? report_.no_trouble("the cache") : report_.trouble("the cache", error);
  });
}

DirectoryReader::Settings MembershipKeeper::settings_of(const std::string& directory, Format format) const {
  return {
      .path = config_.path + directory,
      .rules = {.default_weight = config_.default_weight, .prototype = config_.prototype, .allow = ranges_of(config_)},
      .format = format,
      .is_outer = directory.empty(),
      .max_members = config_.max_members};
}

void MembershipKeeper::begin(std::optional<Known> known) {
  out_since_ = executor_.now();
  if (known) {
    out_since_ = known->out_since.value_or(out_since_);
    settling_until_ = known->settling_until;
    if (known->membership.memory.members.is_known) adopt(std::move(known->membership));
  } else if (cache_) {
    if (std::optional<CachedMembership> cached = read_cache()) {
      saved_policy_ = {cached->policy, cached->policy_is_lost};
      adopt(std::move(*cached));
    }
  }
  if (is_ended_) return;  // by the sink
  warn_if_it_stays_so();
  ensemble_.add(*this);
}

void MembershipKeeper::end() {
  is_ended_ = true;
  ensemble_.remove(*this);
  for (Watched* each : watched()) {
    if (each != nullptr) each->reader.disconnected();
  }
  policy_reader_.disconnected();
  hosts_.stop();
  look_again_.cancel();
  stale_.cancel();
  cache_.reset();
}

MembershipKeeper::Known MembershipKeeper::known() const {
  Known known{.membership = remembered(), .settling_until = settling_until_};
  if (!is_connected_) known.out_since = out_since_;
  return known;
}

std::optional<CachedMembership> MembershipKeeper::read_cache() {
  std::string error;
  const auto text = read_own_file(config_.cache_file, kLongestCache, error);
  std::optional<CachedMembership> cached;
  if (text) {
    cached = decode_cache(*text, error);
    if (!cached) error = fmt::format("\"{}\" is {}", config_.cache_file, error);
  }
  if (cached && cached->origin != origin_of(config_)) {
    report_.log(Severity::Notice, fmt::format("\"{}\" is of another registry or path, and not used", config_.cache_file));
    return std::nullopt;
  }
  if (!error.empty()) {
    report_.count("cache refused");
    report_.log(Severity::Error, fmt::format("no membership from the cache: {}", error));
  }
  if (!cached) return cached;
  // What is left of the time of those who are held for a while is not known any more.
  for (DirectoryMemory* directory : cached->memory.directories()) {
    for (HeldMember& held : directory->held) {
      if (held.until) held.until = out_since_ + config_.session_timeout + kLongestReturn;
    }
  }
  report_.log(Severity::Notice, fmt::format("{} members from the cache \"{}\"", members_of(cached->memory).size(),
                                            config_.cache_file));
  return cached;
}

void MembershipKeeper::adopt(CachedMembership known) {
  if (const ParsedPolicy parsed = parse_policy(known.policy); parsed.policy) {
    policy_ = *parsed.policy;
    policy_text_ = std::move(known.policy);
    is_other_registry_ = known.policy_is_lost;
  }
  memory_ = std::move(known.memory);
  // What is not looked at any more is not missing.
  if (direct_ == nullptr) memory_.direct = {};
  hosts_.remember(std::move(known.hosts));
  // Allowed once is not allowed for ever.
  const std::vector<Cidr> allow = ranges_of(config_);
  for (DirectoryMemory* directory : memory_.directories()) {
    KnownMembers present = directory->present.values();
    std::erase_if(present, [&](const auto& member) { return !may_be_announced(member.address, allow); });
    directory->present = std::move(present);
    std::erase_if(directory->held, [&](const auto& held) { return !may_be_announced(held.member.address, allow); });
  }
  report_.state(SourceState::Cached, ensemble_.sessions());
  publish(members_of(memory_), std::nullopt);
}

CachedMembership MembershipKeeper::remembered() const {
  auto [policy, is_lost] = policy_to_save();
  return {.origin = origin_of(config_),
          .memory = memory_,
          .hosts = hosts_.addresses(),
          .policy = std::move(policy),
          .policy_is_lost = is_lost};
}

std::pair<std::string, bool> MembershipKeeper::policy_to_save() const {
  return {policy_text_, is_other_registry_ && policy_is_gone_ && !policy_text_.empty()};
}

void MembershipKeeper::save() {
  saved_policy_ = policy_to_save();
  if (cache_) cache_->save(remembered());
}

void MembershipKeeper::on_connected(Session& session, const Connection& connection) {
  is_connected_ = true;
  // Where our session was in danger, so were those of members; brief losses endanger none.
  const bool is_late = connection.first && memory_.members.is_known;
  const Clock::duration outage = is_late ? executor_.now() - out_since_ : connection.outage;
  const bool is_long = outage >= config_.session_timeout * 2 / 3;
  const bool is_again = !connection.first && (connection.new_session || was_settling_);
  if (is_again || ((is_late || !connection.first) && is_long)) begin_settling();
  for (Watched* each : watched()) {
    if (each != nullptr) each->reader.connected(session, connection.new_session);
  }
  policy_reader_.connected(session);
}

void MembershipKeeper::begin_settling() {
  settling_until_ = executor_.now() + config_.session_timeout + kLongestReturn;
}

void MembershipKeeper::on_disconnected() {
  is_connected_ = false;
  out_since_ = executor_.now();
  was_settling_ = settling_until_ && executor_.now() < *settling_until_;
  for (Watched* each : watched()) {
    if (each == nullptr) continue;
    each->is_fresh = false;
    each->reader.disconnected();
  }
  policy_reader_.disconnected();
  // No time passes for held members while nobody could register; for what the policy says it does.
  look_again_.cancel();
  if (announced_ || names_are_late_at_) publish(members_of(memory_), std::nullopt);
  become_stale();
}

void MembershipKeeper::become_stale() {
  if (parts_.status->get().state != SourceState::Synced) return;
  report_.state(SourceState::Stale, ensemble_.sessions());
  warn_if_it_stays_so();
}

// A word for people, never a reason for anything: data does not expire.
void MembershipKeeper::warn_if_it_stays_so() {
  stale_.set(kWorthAWord, [this] {
    const char* const state = to_string(parts_.status->get().state);
    report_.count(fmt::format("long {}", state));
    report_.log(Severity::Warning, fmt::format("{} for {}s; what was announced last stands", state,
                                               std::chrono::duration_cast<std::chrono::seconds>(kWorthAWord).count()));
  });
}

void MembershipKeeper::on_reading(DirectoryReader& reader, MemberDirectory directory,
                                  std::vector<RejectedName> rejected) {
  report_.reading(reader.path(), rejected);
  report_.no_trouble(reader.path());
  Watched& watched = watched_by(reader);
  watched.reading = std::move(directory);
  watched.was_read = watched.is_fresh = true;
  judge();
}

void MembershipKeeper::on_trouble(DirectoryReader& reader, const std::string& reason) {
  report_.trouble(reader.path(), reason);
  watched_by(reader).is_fresh = false;
  become_stale();
}

void MembershipKeeper::on_policy(std::optional<std::string> text) {
  policy_was_read_ = true;
  policy_is_gone_ = !text.has_value();
  if (text) {
    is_other_registry_ = false;
    ParsedPolicy parsed = parse_policy(*text);
    report_.edit([&](SourceStatus& status) { status.policy_error = parsed.error; });
    if (!parsed.policy) {
      report_.trouble(policy_reader_.path(), parsed.error);
      report_.count("policy refused");
    } else {
      report_.no_trouble(policy_reader_.path());
      if (policy_ != *parsed.policy) {
        report_.count("policy changed");
        report_.log(Severity::Notice, fmt::format("the policy is now {}", printable(format_policy(*parsed.policy), 1000)));
      }
      policy_ = std::move(*parsed.policy);
      policy_text_ = std::move(*text);
    }
  }
  judge();
}

void MembershipKeeper::on_policy_trouble(const std::string& reason) {
  report_.trouble(policy_reader_.path(), reason);
  policy_was_read_ = true;
  judge();
}

// A registry that was wiped has lost its policy too: that is nobody's word. It stands until another one is written.
void MembershipKeeper::believe_the_policy_is_gone() {
  if (!policy_is_gone_ || policy_text_.empty() || !is_fresh()) return;
  if (is_other_registry_) return report_.trouble(policy_reader_.path(), "lost together with the registry");
  report_.log(Severity::Notice, "there is no policy any more");
  policy_ = {};
  policy_text_.clear();
}

MembershipKeeper::Watched& MembershipKeeper::watched_by(const DirectoryReader& reader) {
  const auto watching = watched();
  return **std::ranges::find_if(watching, [&](auto* each) { return each != nullptr && &each->reader == &reader; });
}

bool MembershipKeeper::is_complete() {
  const auto watching = watched();
  return policy_was_read_ &&
         std::all_of(watching.begin(), watching.end(), [](auto* each) { return each == nullptr || each->was_read; });
}

bool MembershipKeeper::is_fresh() {
  const auto watching = watched();
  return std::all_of(watching.begin(), watching.end(), [](auto* each) { return each == nullptr || each->is_fresh; });
}

void MembershipKeeper::judge() {
  if (is_ended_ || !is_complete()) return;
  const bool is_frozen = policy_.freeze && announced_.has_value();
  std::optional<Clock::duration> again;
  MemberList members;
  if (is_frozen) {
    members = members_of(memory_);
    is_other_registry_ = is_other_registry_ || is_other_registry(memory_, seen_);
  } else {
    const auto of_all_addresses = [this](std::string_view address) { return hosts_.health_of(address, parts_.witness); };
    const Circumstances circumstances{.now = executor_.now(),
                                      .settling_until = settling_until_,
                                      .health = parts_.witness ? of_all_addresses : HealthWitness(),
                                      .vanish = config_.vanish,
                                      .accept = policy_.accept};
    Reconciled result = reconcile(std::move(memory_), seen_, circumstances);
    memory_ = std::move(result.memory);
    members = std::move(result.members);
    is_other_registry_ = is_other_registry_ || result.is_other_registry;
    report_.judged(result);
    if (is_other_registry(result.hold)) {
      begin_settling();
      result.look_again = result.look_again ? std::min(*result.look_again, *settling_until_) : *settling_until_;
    }
    if (result.look_again) again = std::max(*result.look_again - circumstances.now, Clock::duration(1ms));
  }
  believe_the_policy_is_gone();
  report_.edit([&](SourceStatus& status) { status.is_frozen = is_frozen; });
  if (is_fresh()) {
    report_.state(SourceState::Synced, ensemble_.sessions());
    stale_.cancel();
  }
  publish(members, again);
}

// Something else than the registry changed: time, health, or what names stand for.
void MembershipKeeper::look() {
  if (is_ended_) return;
  is_connected_ && is_complete() ? judge() : publish(members_of(memory_), std::nullopt);
}

void MembershipKeeper::publish(const MemberList& members, std::optional<Clock::duration> look_again) {
  const MemberList resolved = hosts_.resolve(members);
  report_.hosts(hosts_.troubles());
  if (const auto wait = wait_for_names(resolved)) return look_again_.set(*wait, [this] { look(); });
  AppliedPolicy applied = apply_policy(policy_, resolved, parts_.wall_clock(), parts_.witness);
  if (applied.look_again && (!look_again || *applied.look_again < *look_again)) look_again = *applied.look_again;
  if (look_again) {
    look_again_.set(*look_again, [this] { look(); });
  } else {
    look_again_.cancel();
  }
  announce(std::move(applied.members), memory_.members.held.size() + memory_.fixed.held.size() + memory_.direct.held.size());
}

// A group of names that are just being looked up is not announced as one that cannot serve.
std::optional<Clock::duration> MembershipKeeper::wait_for_names(const MemberList& resolved) {
  const auto is_usable = [](const KnownMember& member) { return !member.down && !member.draining; };
  if (!hosts_.is_waiting() || (announced_ && std::any_of(resolved.begin(), resolved.end(), is_usable))) {
    names_are_late_at_.reset();
    return std::nullopt;
  }
  const TimePoint now = executor_.now();
  if (!names_are_late_at_) names_are_late_at_ = now + kPatienceWithNames;
  if (now >= *names_are_late_at_) return std::nullopt;
  return *names_are_late_at_ - now;
}

void MembershipKeeper::announce(MemberList members, std::size_t held) {
  if (announced_ && is_same_to_balancer(*announced_, members)) {
    announced_ = std::move(members);
    if (saved_policy_ != policy_to_save() && is_complete()) save();
    return;
  }
  report_.announced(announced_ ? *announced_ : MemberList(), members, held);
  announced_ = std::move(members);
  if (is_complete()) save();
  if (!is_ended_) parts_.sink(*announced_);
}

}  // namespace weir::discovery
