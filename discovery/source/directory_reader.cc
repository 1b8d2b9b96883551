#include "source/directory_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace weir::discovery {
namespace {

// Each reading earns a pause of four times what it cost, so that no rate of change takes more than a fifth of a core.
// Pauses may be owed, up to so much, so that a few changes after a quiet time wait for nothing.
constexpr int kPausePerCost = 4;
constexpr Clock::duration kMostOwed = std::chrono::milliseconds(100);
constexpr std::size_t kMostContested = 1000;   // asked about one by one

}  // namespace

struct DirectoryReader::Round {};

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
      timer_(executor) {}

DirectoryReader::~DirectoryReader() = default;

void DirectoryReader::connected(Session& session, bool catch_up) {
  session_ = &session;
  round_ = std::make_shared<Round>();
  is_reading_ = read_again_ = false;
  timer_.cancel();
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
  const TimePoint began = executor_.now();
  DecodedDirectory directory = decode_directory(std::move(listing.names), settings_.rules);
  const std::size_t contested = directory.contested().size();
  if (contested > kMostContested) return trouble(fmt::format("{} children share their addresses", contested));
  if (contested == 0) {
    finish(std::move(directory), listing.stat, {});
  } else {
    settle_contested(std::move(directory), listing.stat);
  }
  // The cost includes what the listener did with it.
  const TimePoint now = executor_.now();
  rested_at_ = std::max(rested_at_, now) + std::max(settings_.shortest_pause, (now - began) * kPausePerCost);
}

void DirectoryReader::wait_for_creation() {
  session_->exists(settings_.path, watcher_, in_this_round([this](const Existence& answer) {
    if (answer.code == Code::Ok) return read();  // made in between
    if (answer.code != Code::NoNode) return fail(answer.code);
    finish({}, std::nullopt, {});
  }));
}

// Names do not say which of several nodes for one address is the youngest: asked only in this rare case, when a member
// came back before the session of its former self had ended.
void DirectoryReader::settle_contested(DecodedDirectory directory, const NodeStat& stat) {
  struct Inquiry {
    DecodedDirectory directory;
    NodeStat stat;
    std::vector<std::int64_t> czxids;
    std::size_t owed = 0;
    Code worst = Code::Ok;
  };
  const auto inquiry = std::make_shared<Inquiry>();
  inquiry->directory = std::move(directory);
  inquiry->stat = stat;
  const std::vector<std::size_t> contested = inquiry->directory.contested();
  inquiry->czxids.resize(contested.size());
  inquiry->owed = contested.size();
  for (std::size_t i = 0; i < contested.size(); ++i) {
    const std::string path = settings_.path + "/" + inquiry->directory.children[contested[i]].name;
    session_->exists(path, {}, in_this_round([this, inquiry, i](const Existence& answer) {
      inquiry->czxids[i] = answer.code == Code::Ok ? answer.stat.czxid : -1;
      if (answer.code != Code::Ok && answer.code != Code::NoNode) inquiry->worst = answer.code;
      if (--inquiry->owed != 0) return;
      if (inquiry->worst != Code::Ok) return fail(inquiry->worst);
      finish(std::move(inquiry->directory), inquiry->stat, inquiry->czxids);
    }));
  }
}

void DirectoryReader::finish(DecodedDirectory directory, const std::optional<NodeStat>& stat,
                             const std::vector<std::int64_t>& czxids) {
  is_reading_ = false;
  retry_ = settings_.first_retry;
  std::vector<RejectedName> rejected = std::move(directory.rejected);
  MemberDirectory reading{.exists = stat.has_value(),
                          .stat = stat.value_or(NodeStat{}),
                          .members = settle(std::move(directory), czxids)};
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
