#include "stream/datagram_relay.h"

#include <unistd.h>

namespace weir::stream {

namespace {

/// A datagram that cannot leave at the moment, or never could: only it is lost.
bool concerns_one_datagram(net::IoError error) {
  return error.would_block() || error.code == ENOBUFS || error.code == ENOMEM || error.code == EMSGSIZE;
}

}  // namespace

DatagramRelay::DatagramRelay(Session& session, AttemptRecord& record, int fd, DatagramRelayOptions options)
    : net::Timer(session.loop().timers()),
      session_(session),
      client_(*session.datagrams()),
      loop_(session.loop()),
      record_(record),
      fd_(fd),
      options_(std::move(options)) {
  if (options_.upload_rate != 0) up_.emplace(*this, options_.upload_rate, &DatagramRelay::take_waiting);
  if (options_.download_rate != 0) down_.emplace(*this, options_.download_rate, &DatagramRelay::resume_reading);
}

DatagramRelay::~DatagramRelay() {
  client_.set_receiver(nullptr);
  if (is_watched_) loop_.readiness().remove_closing(slot_);
  ::close(fd_);
}

bool DatagramRelay::await_ready() {
  if (client_.is_gone()) {
    finish(End::Gone);
    return true;
  }
  if (const int error = loop_.readiness().add(fd_, net::ReadinessSet::kLevelIn, *this, slot_)) {
    finish(End::Failed, {error});
    return true;
  }
  is_watched_ = true;
  moved();
  client_.set_receiver(this);
  take_waiting();
  return end_.has_value();
}

void DatagramRelay::take_waiting() {
  if (end_) return;
  moved();  // it was not idle but held back
  while (const std::string* const next = client_.waiting()) {
    if (!on_datagram(*next)) return;
    client_.pop();
    if (end_) return;
  }
  if (has_all()) finish(End::Done);
}

bool DatagramRelay::on_datagram(std::string_view octets) {
  if (end_) return true;
  if (up_ && up_->pace.allowance(session_.received, loop_.now()) == 0) {
    up_->hold.arm(up_->pace.delay());
    return false;
  }
  pass_on(octets);
  return true;
}

void DatagramRelay::pass_on(std::string_view octets) {
  ++requests_;
  session_.received += octets.size();
  const std::size_t size = options_.header.size() + octets.size();
  const net::IoError error = options_.header.empty() ? net::send_datagram(fd_, octets)
                                                     : net::send_datagram(fd_, std::string(options_.header).append(octets));
  if (error && !concerns_one_datagram(error)) return finish(End::Failed, error);
  if (error.code == EMSGSIZE)
    log::info(session_.error_log(), session_, "a datagram of {} octets is too large for the backend: dropped", octets.size());
  if (!error) {
    // Not before it left: else the client, by one that never could, would get to write what stands before the next one.
    options_.header.clear();
    record_.sent += size;
  }
  moved();
  if (options_.requests != 0 && requests_ >= options_.requests) client_.unbind();
  if (has_all() && client_.waiting() == nullptr) finish(End::Done);
}

void DatagramRelay::on_ready(std::uint32_t) {
  if (end_) return;
  // With a rate one at a time, since it may be the last one for a while.
  net::DatagramBatch batch(loop_.buffers(), down_ ? 1 : net::kDatagramBatch);
  if (const net::IoError error = batch.receive(fd_, false)) {
    if (!error.would_block()) finish(End::Failed, error);
    return;
  }
  for (const net::Datagram& datagram : batch.datagrams()) answer(datagram.octets);
  moved();
  if (has_all() && client_.waiting() == nullptr) return finish(End::Done);
  if (down_ && down_->pace.allowance(record_.received, loop_.now()) == 0) {
    loop_.readiness().change(fd_, slot_, 0);
    down_->hold.arm(down_->pace.delay());
  }
}

void DatagramRelay::answer(std::string_view octets) {
  if (responses_++ == 0 && options_.observer) options_.observer->on_first_from_b();
  record_.received += octets.size();
  session_.sent += octets.size();
  client_.send(octets);
}

void DatagramRelay::resume_reading() {
  if (end_) return;
  moved();  // it was not idle but held back
  if (down_->pace.allowance(record_.received, loop_.now()) == 0) return down_->hold.arm(down_->pace.delay());
  loop_.readiness().change(fd_, slot_, net::ReadinessSet::kLevelIn);
}

/// Whether nothing more is expected from either side.
bool DatagramRelay::has_all() const {
  if (options_.requests != 0 && requests_ < options_.requests) return false;
  return options_.responses && responses_ >= *options_.responses * requests_;
}

void DatagramRelay::moved() { arm_at(loop_.now() + options_.idle); }

void DatagramRelay::on_timer() {
  const bool owes = options_.responses && responses_ < *options_.responses * requests_;
  finish(owes ? End::Silent : End::Idle);
}

// Everything stops here, but whoever waits goes on at the end of the turn: this may be called from within its own calls.
void DatagramRelay::finish(End end, net::IoError error) {
  if (end_) return;
  end_ = end;
  error_ = error;
  disarm();
  if (is_watched_) loop_.readiness().change(fd_, slot_, 0);
  client_.set_receiver(nullptr);
  client_.unbind();
  if (waiter_) loop_.resume_later(waiter_);
}

}  // namespace weir::stream
