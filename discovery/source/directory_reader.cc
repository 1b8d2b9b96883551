#include "source/directory_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <utility>

namespace weir::discovery {
namespace {

// Each reading earns a pause of 19 times what it cost, so that no rate of change takes more than a twentieth of a core.
// Pauses may be owed, up to so much, so that a few changes after a quiet time wait for nothing.
constexpr int kPausePerCost = 19;
constexpr Clock::duration kMostOwed = std::chrono::milliseconds(200);
constexpr Clock::duration kLongestPause = std::chrono::seconds(1);
// A child's data may be 1 MB, all of which arrives before we can refuse it.
constexpr std::size_t kInFlight = 256, kInFlightIfLarge = 16;

Clock::duration work_of_thread() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

constexpr std::size_t kMostContested = 1000;   // asked about one by one

}  // namespace

struct DirectoryReader::Round {};

struct DirectoryReader::Reading {
  Listing listing;
  DecodedDirectory directory{};
  std::vector<std::string> with_data{};  // children whose data says what they are
  std::vector<std::string> to_fetch{};
  std::size_t in_flight = 0;
  Code worst = Code::Ok;
};

template <class Function>
auto DirectoryReader::in_this_round(Function function) {
  return [round = std::weak_ptr<Round>(round_), function = std::move(function)](auto&&... answer) {
    if (const auto alive = round.lock()) function(std::forward<decltype(answer)>(answer)...);
  };
}

DirectoryReader::DirectoryReader(Executor& executor, Settings settings, Listener& listener)
    : executor_(executor),
      settings_(std::move(settings)),
      listener_(listener),
      watcher_(std::make_shared<Session::Watcher>([this] { notice(); })),
      retry_(settings_.first_retry),
      timer_(executor),
      native_(settings_.rules),
      most_in_flight_(kInFlight),
      sweep_timer_(executor) {}

DirectoryReader::~DirectoryReader() = default;

void DirectoryReader::connected(Session& session, bool catch_up) {
  session_ = &session;
  round_ = std::make_shared<Round>();
  is_reading_ = read_again_ = false;
  timer_.cancel();
  sweep_timer_.cancel();
  sweep_left_.clear();
  sweep_in_flight_ = 0;
  // Of children that were replaced meanwhile by others of the same name nothing would be noticed: all are asked again,
  // and what is known of them serves only where one is not understood any more.
  for (auto& [name, content] : contents_) content.is_known = false;
  if (!catch_up) return read();
  // Whatever it answers, it is worth reading: a server that does not know `sync` still knows the members.
  is_reading_ = true;
  session.sync(settings_.path, in_this_round([this](Code code) {
    is_reading_ = false;
    if (code != Code::Lost) read();
  }));
}

void DirectoryReader::disconnected() {
  session_ = nullptr;
  round_.reset();
  is_reading_ = read_again_ = false;
  timer_.cancel();
  sweep_timer_.cancel();
}

void DirectoryReader::notice() {
  if (session_ == nullptr) return;
  if (is_reading_) {
    read_again_ = true;
    return;
  }
  const Clock::duration wait = rested_at_ - kMostOwed - executor_.now();
  if (wait <= Clock::duration::zero()) return read();
  if (!timer_.is_set()) timer_.set(wait, [this] { read(); });
}

void DirectoryReader::read() {
  timer_.cancel();
  is_reading_ = true;
  read_again_ = false;
  session_->list(settings_.path, watcher_, in_this_round([this](Listing listing) { on_listing(std::move(listing)); }));
}

void DirectoryReader::on_listing(Listing listing) {
  if (listing.code == Code::NoNode) return wait_for_creation();
  if (listing.code != Code::Ok) return fail(listing.code);
  if (listing.names.size() > settings_.max_members) {
    return trouble(fmt::format("{} children, more than {}", listing.names.size(), settings_.max_members));
  }
  if (listing.names.bytes() > settings_.max_bytes) {
    return trouble(fmt::format("{} bytes of names, more than {}", listing.names.bytes(), settings_.max_bytes));
  }
  const TimePoint began = executor_.now();
  const Clock::duration worked_before = work_of_thread();
  if (settings_.format == Format::Native && !settings_.is_outer) {
    decode_native(std::move(listing));
  } else {
    const auto reading = std::make_shared<Reading>();
    reading->listing = std::move(listing);
    judge_names(*reading);
    reading->to_fetch.empty() ? decode(reading) : fetch(reading);
  }
  // The cost includes what the listener did with it. Where others keep us from working, waiting for a processor is no
  // work; and under a clock that a test moves, nothing is.
  const TimePoint now = executor_.now();
  const Clock::duration cost = std::min(now - began, work_of_thread() - worked_before);
  rested_at_ = std::max(rested_at_, now) + std::clamp(cost * kPausePerCost, settings_.shortest_pause,
                                                      std::max(kLongestPause, settings_.shortest_pause));
}

void DirectoryReader::decode_native(Listing listing) {
  NativeDecoder::Decoded decoded = native_.decode(std::move(listing.names));
  if (decoded.contested.children.empty()) {
    finish(std::move(decoded.members), std::move(decoded.rejected), listing.stat);
  } else {
    settle_contested(std::move(decoded.contested), std::move(decoded.rejected), listing.stat);
  }
}

void DirectoryReader::judge_names(Reading& reading) {
  for (std::string& name : std::exchange(reading.listing.names, {}).strings()) {
    FromName said = decode_child_name(settings_.format, name, settings_.rules, settings_.is_outer);
    if (said.what == FromName::What::NotOne) continue;
    if (said.what == FromName::What::NeedsData) {
      const auto known = contents_.find(name);
      if (known == contents_.end() || !known->second.is_known) reading.to_fetch.push_back(name);
      reading.with_data.push_back(std::move(name));
      continue;
    }
    if (said.reason != nullptr) reading.directory.rejected.push_back({name, said.reason});
    for (KnownMember& member : said.members) reading.directory.children.push_back({name, std::move(member)});
  }
}

// Asks for what is missing, so many at a time; ends in `decode` once everything was answered.
void DirectoryReader::fetch(const std::shared_ptr<Reading>& reading) {
  while (reading->in_flight < most_in_flight_ && !reading->to_fetch.empty() && reading->worst == Code::Ok) {
    const std::string name = std::move(reading->to_fetch.back());
    reading->to_fetch.pop_back();
    ++reading->in_flight;
    session_->get(settings_.path + "/" + name, {}, in_this_round([this, reading, name](const NodeData& node) {
      --reading->in_flight;
      if (node.code != Code::Ok && node.code != Code::NoNode) reading->worst = node.code;
      else fetched(name, node);
      if (reading->worst == Code::Ok && !reading->to_fetch.empty()) return fetch(reading);
      if (reading->in_flight != 0) return;
      if (reading->worst != Code::Ok) return fail(reading->worst);
      decode(reading);
    }));
  }
}

// Of data that is not understood any more, what it said when it last was stands.
void DirectoryReader::fetched(const std::string& name, const NodeData& node) {
  if (node.code == Code::NoNode) {
    contents_.erase(name);
    return;
  }
  if (node.data.size() > kLongestData) most_in_flight_ = kInFlightIfLarge;
  FromData said = decode_child_data(settings_.format, name, node.data, settings_.rules);
  Content& content = contents_[name];
  content.is_known = true;
  content.reason = said.reason;
  if (said.is_rejected) return;
  content.members = std::move(said.members);
  content.rules = std::move(said.rules);
}

void DirectoryReader::decode(const std::shared_ptr<Reading>& reading) {
  DecodedDirectory& directory = reading->directory;
  std::vector<WeightRule> rules;
  for (const std::string& name : reading->with_data) {
    const auto content = contents_.find(name);
    if (content == contents_.end()) continue;  // gone in between
    if (content->second.reason != nullptr) directory.rejected.push_back({name, content->second.reason});
    rules.insert(rules.end(), content->second.rules.begin(), content->second.rules.end());
    for (const KnownMember& member : content->second.members) {
      const auto is_same = [&](const auto& child) { return child.name == name && child.member.address == member.address; };
      // Named twice by one child: the first counts.
      if (content->second.members.size() > 1 &&
          std::any_of(directory.children.rbegin(),
                      directory.children.rbegin() +
                          static_cast<std::ptrdiff_t>(std::min(directory.children.size(), content->second.members.size())),
                      is_same)) {
        continue;
      }
      directory.children.push_back({name, member});
    }
  }
  if (contents_.size() > reading->with_data.size()) {
    std::sort(reading->with_data.begin(), reading->with_data.end());
    std::erase_if(contents_, [&](const auto& entry) {
      return !std::binary_search(reading->with_data.begin(), reading->with_data.end(), entry.first);
    });
  }
  if (!contents_.empty() && !sweep_timer_.is_set()) sweep_timer_.set(settings_.sweep_every, [this] { sweep(); });
  apply_weight_rules(rules, directory.children);
  directory.sort();
  std::vector<RejectedName> rejected = std::move(directory.rejected);
  if (directory.is_contested()) return settle_contested(std::move(directory), std::move(rejected), reading->listing.stat);
  finish(settle(std::move(directory), {}), std::move(rejected), reading->listing.stat);
}

// Asks for everything again, beside whatever else goes on; only a difference leads to a reading.
void DirectoryReader::sweep() {
  sweep_left_.clear();
  sweep_found_ = false;
  for (const auto& [name, content] : contents_) sweep_left_.push_back(name);
  sweep_next();
}

void DirectoryReader::sweep_next() {
  while (sweep_in_flight_ < most_in_flight_ / 4 && !sweep_left_.empty()) {
    const std::string name = std::move(sweep_left_.back());
    sweep_left_.pop_back();
    ++sweep_in_flight_;
    session_->get(settings_.path + "/" + name, {}, in_this_round([this, name](const NodeData& node) {
      --sweep_in_flight_;
      // One that is gone, or came anew, is the business of a reading; a failure is that of the next sweep.
      if (const auto known = contents_.find(name); node.code == Code::Ok && known != contents_.end()) {
        const Content before = known->second;
        fetched(name, node);
        sweep_found_ = sweep_found_ || contents_[name] != before;
      }
      sweep_next();
    }));
  }
  if (sweep_in_flight_ != 0 || !sweep_left_.empty()) return;
  if (!contents_.empty()) sweep_timer_.set(settings_.sweep_every, [this] { sweep(); });
  if (std::exchange(sweep_found_, false)) notice();
}

void DirectoryReader::wait_for_creation() {
  session_->exists(settings_.path, watcher_, in_this_round([this](const Existence& answer) {
    if (answer.code == Code::Ok) return read();  // made in between
    if (answer.code != Code::NoNode) return fail(answer.code);
    finish({}, {}, std::nullopt);
  }));
}

// Names do not say which of several nodes for one address is the youngest: asked only in this rare case, when a member
// came back before the session of its former self had ended.
void DirectoryReader::settle_contested(DecodedDirectory directory, std::vector<RejectedName> rejected,
                                       const NodeStat& stat) {
  struct Inquiry {
    DecodedDirectory directory;
    std::vector<RejectedName> rejected;
    NodeStat stat;
    std::vector<std::int64_t> czxids;
    std::size_t owed = 0;
    Code worst = Code::Ok;
  };
  const auto inquiry = std::make_shared<Inquiry>();
  const std::vector<std::size_t> contested = directory.contested();
  if (contested.size() > kMostContested)
    return trouble(fmt::format("{} children share their addresses", contested.size()));
  inquiry->directory = std::move(directory);
  inquiry->rejected = std::move(rejected);
  inquiry->stat = stat;
  inquiry->czxids.resize(contested.size());
  inquiry->owed = contested.size();
  for (std::size_t i = 0; i < contested.size(); ++i) {
    const std::string path = settings_.path + "/" + inquiry->directory.children[contested[i]].name;
    session_->exists(path, {}, in_this_round([this, inquiry, i](const Existence& answer) {
      inquiry->czxids[i] = answer.code == Code::Ok ? answer.stat.czxid : -1;
      if (answer.code != Code::Ok && answer.code != Code::NoNode) inquiry->worst = answer.code;
      if (--inquiry->owed != 0) return;
      if (inquiry->worst != Code::Ok) return fail(inquiry->worst);
      finish(settle(std::move(inquiry->directory), inquiry->czxids), std::move(inquiry->rejected), inquiry->stat);
    }));
  }
}

void DirectoryReader::finish(MemberList members, std::vector<RejectedName> rejected, const std::optional<NodeStat>& stat) {
  is_reading_ = false;
  retry_ = settings_.first_retry;
  MemberDirectory reading{.exists = stat.has_value(), .stat = stat.value_or(NodeStat{}), .members = std::move(members)};
  const auto round = round_;
  listener_.on_reading(*this, std::move(reading), std::move(rejected));
  // The listener may have ended this round.
  if (round == round_ && std::exchange(read_again_, false)) notice();
}

void DirectoryReader::fail(Code code) {
  // The next connection reads again.
  if (code != Code::Lost) trouble(to_string(code));
}

void DirectoryReader::trouble(const std::string& reason) {
  is_reading_ = false;
  timer_.set(retry_, [this] { read(); });
  retry_ = std::min(retry_ * 2, settings_.longest_retry);
  listener_.on_trouble(*this, reason);
}

}  // namespace weir::discovery
