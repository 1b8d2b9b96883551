#include "http/backend_pool.h"

#include <algorithm>

#include "net/out_of_memory.h"

namespace weir::http {

namespace {

// For so long a burst of connections in use keeps as many idle ones from being closed.
constexpr std::chrono::seconds kPeakMemory{10};

}  // namespace

void BackendChannel::on_event(net::Stream&) {
  pool_->unlink(*this);
  delete this;
}

void BackendChannel::on_timer() {
  if (!pool_) return;  // in use again; the timer was only left armed
  pool_->unlink(*this);
  delete this;
}

UpstreamPool::~UpstreamPool() {
  while (least_recent_) {
    BackendChannel* const oldest = least_recent_;
    unlink(*oldest);
    delete oldest;
  }
}

void UpstreamPool::unlink(BackendChannel& channel) {
  (channel.newer_ ? channel.newer_->older_ : most_recent_) = channel.older_;
  (channel.older_ ? channel.older_->newer_ : least_recent_) = channel.newer_;
  if (channel.above_)
    channel.above_->below_ = channel.below_;
  else if (channel.below_)
    newest_[channel.backend_] = channel.below_;
  else
    newest_[channel.backend_] = nullptr;  // the entry stays: it is needed again in a moment
  if (channel.below_) channel.below_->above_ = channel.above_;
  channel.newer_ = channel.older_ = channel.above_ = channel.below_ = nullptr;
  channel.pool_ = nullptr;
  channel.disarm();
  channel.stream().watch(nullptr);
  --idle_;
}

std::unique_ptr<BackendChannel> UpstreamPool::take(std::uint64_t backend) {
  const auto found = newest_.find(backend);
  while (found != newest_.end() && found->second) {
    std::unique_ptr<BackendChannel> channel(found->second);
    unlink(*channel);
    // What arrived in this very turn may not have been reported yet.
    if (channel->stream().is_open() && !channel->stream().peer_closed() && !channel->stream().input_pending())
      return channel;
  }
  return nullptr;
}

void UpstreamPool::drop(std::uint64_t backend) {
  const auto found = newest_.find(backend);
  while (found != newest_.end() && found->second) {
    const std::unique_ptr<BackendChannel> channel(found->second);
    unlink(*channel);
  }
}

void UpstreamPool::give(std::uint64_t backend, std::unique_ptr<BackendChannel> given, const PoolLimits& limits) {
  const net::TimePoint now = given->stream().loop().now();
  std::size_t most = limits.connections;
  if (limits.adapts) {
    most = std::max(most, peak_);
    if (now - peak_since_ > kPeakMemory) {
      peak_since_ = now;
      peak_ = lent_;
    }
  }
  net::Stream& stream = given->stream();
  given->sent_before_ += given->octets_sent();
  if (++given->exchanges_ >= limits.requests || now - given->opened_ >= limits.age || most == 0 || !stream.is_open() ||
      stream.peer_closed() || stream.input_pending())
    return;

  BackendChannel** place = nullptr;
  if (!net::OutOfMemory::unless([&] { place = &newest_[backend]; })) return;
  BackendChannel*& top = *place;
  BackendChannel* const channel = given.release();
  channel->pool_ = this;
  channel->backend_ = backend;
  channel->older_ = most_recent_;
  (most_recent_ ? most_recent_->newer_ : least_recent_) = channel;
  most_recent_ = channel;
  channel->below_ = top;
  if (top) top->above_ = channel;
  top = channel;
  ++idle_;
  stream.watch(channel);
  channel->arm(limits.idle);
  while (idle_ > most) {
    const std::unique_ptr<BackendChannel> oldest(least_recent_);
    unlink(*oldest);
  }
  // Backends come and go; their empty stacks would stay.
  if (newest_.size() > 64 + 4 * idle_) std::erase_if(newest_, [](const auto& entry) { return !entry.second; });
}

}  // namespace weir::http
