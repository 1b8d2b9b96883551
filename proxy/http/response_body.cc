#include "http/response_body.h"

#include <algorithm>

namespace weir::http {

namespace {

// One turn of reading ahead: others want the loop too.
constexpr int kFillsAhead = 4;

// Without a limit a sender and a receiver that are both fast would never let go of the loop; a rate is kept to by
// small steps.
constexpr std::uint64_t kUnlimited = ~std::uint64_t{0};

Spool::Limits spool_limits(const ProxyConf& conf) {
  return {.memory = conf.buffers->count * conf.buffers->size.count(),
          .file = conf.max_temp_file_size->count(),
          .folder = &*conf.temp_path};
}

}  // namespace

ResponseBody::ResponseBody(Exchange& exchange, Attempt& attempt, const Options& options)
    : exchange_(exchange), attempt_(attempt), options_(options), began_(exchange.loop().now()) {}

void ResponseBody::fail(Reason reason, net::IoError cause, std::string_view detail) {
  backend_ = BodyStatus::Bad;
  error_ = {reason, cause, detail};
}

BodyRead ResponseBody::from_backend() {
  if (backend_ == BodyStatus::End || backend_ == BodyStatus::Bad) return {backend_};
  const BodyRead read = attempt_.next_of_body();
  if (read.status == BodyStatus::Data) taken_ += read.data.size();
  if (read.status == BodyStatus::Bad) fail(Reason::BodyCut);
  if (read.status == BodyStatus::End) {
    backend_ = BodyStatus::End;
    attempt_.note_trailers(options_.pass_trailers);
  }
  return read;
}

BodyRead ResponseBody::next() {
  if (spool_) {
    if (const std::string_view octets = spool_->take(); !octets.empty()) return {BodyStatus::Data, octets};
    if (spool_->in_file() != 0) return {BodyStatus::Empty};
  }
  const BodyRead read = from_backend();
  if (read.status == BodyStatus::Data) handed_out_ = true;
  return read;
}

net::IoError ResponseBody::fill() {
  in_flight_.reset();  // whoever fills has sent what was handed out
  handed_out_ = false;
  if (spool_) {
    spool_->release();
    if (spool_->in_file() != 0) {
      const net::IoError error = spool_->load();
      if (!error) return {};
      log::crit(exchange_.runtime().error_log(), exchange_.subject(),
                "a response could not be read from its temporary file ({})", error.message());
      fail(Reason::Internal, error);
      return error;
    }
  }
  if (backend_ != BodyStatus::Empty) return {};
  if (options_.rate != 0) {
    const std::uint64_t allowed = allowance();
    if (allowed == 0) return {EAGAIN};
    attempt_.channel().limit_reading(static_cast<std::size_t>(std::min<std::uint64_t>(allowed, 65536)));
  }
  return attempt_.channel().fill();
}

/// How much may be read now. The first second's worth at once, as nginx.
std::uint64_t ResponseBody::allowance() const {
  if (options_.rate == 0) return kUnlimited;
  const auto passed = std::chrono::duration_cast<std::chrono::milliseconds>(exchange_.loop().now() - began_);
  const std::uint64_t allowed = options_.rate + options_.rate * static_cast<std::uint64_t>(passed.count()) / 1000;
  return allowed > taken_ ? allowed - taken_ : 0;
}

net::Task<net::IoError> ResponseBody::wait() {
  if (allowance() == 0) {
    // Until a tenth of a second's worth may be read: few steps, and a smooth stream.
    const std::uint64_t step = std::max<std::uint64_t>(1, options_.rate / 10);
    const std::uint64_t missing = taken_ + step;
    const auto at = began_ + std::chrono::milliseconds(
                                 missing > options_.rate ? (missing - options_.rate) * 1000 / options_.rate + 1 : 1);
    const auto pause = std::chrono::ceil<std::chrono::milliseconds>(at - exchange_.loop().now());
    co_await net::sleep(exchange_.loop(), std::max(pause, std::chrono::milliseconds(1)));
    co_return net::IoError{};
  }
  const Result<> waited = co_await attempt_.wait_for_backend();
  if (waited) co_return net::IoError{};
  const Error& why = waited.error();
  fail(why.reason == Reason::ReadTimeout ? Reason::BodyTimeout : why.reason, why.cause, why.detail);
  co_return why.cause ? why.cause : net::IoError{ECANCELED};
}

net::Stream* ResponseBody::ahead() {
  if (!options_.buffered) return nullptr;
  if (backend_ == BodyStatus::End) {
    // Everything is here; the backend need not wait for this client.
    hold_in_flight();
    attempt_.release();
    return nullptr;
  }
  if (backend_ == BodyStatus::Bad || (spool_ && !spool_->has_room()) || allowance() == 0) return nullptr;
  return &attempt_.channel().stream();
}

BodySource::Raw ResponseBody::raw() {
  if (backend_ != BodyStatus::Empty || options_.rate != 0 || attempt_.is_released()) return {};
  if (spool_ && !spool_->is_empty()) return {};
  return attempt_.channel().raw();
}

void ResponseBody::raw_moved(std::uint64_t octets) {
  in_flight_.reset();
  handed_out_ = false;
  taken_ += octets;
  attempt_.channel().raw_moved(octets);
  if (!attempt_.channel().raw().stream) from_backend();  // to notice the end
}

void ResponseBody::keep(std::string_view octets) {
  if (const net::IoError error = spool_->put(octets)) {
    log::crit(exchange_.runtime().error_log(), exchange_.subject(),
              "a response could not be written to a temporary file in \"{}\" ({})",
              *exchange_.conf<ProxyConf>().temp_path, error.message());
    fail(Reason::Internal, error);
  }
}

// What the client is being sent lies where the channel would read to. What was held before has been sent by then.
void ResponseBody::hold_in_flight() {
  if (handed_out_ && !attempt_.is_released()) in_flight_ = attempt_.channel().detach();
  handed_out_ = false;
}

void ResponseBody::read_ahead() {
  if (!spool_) spool_.emplace(exchange_.loop().buffers(), spool_limits(exchange_.conf<ProxyConf>()));
  hold_in_flight();
  for (int i = 0; i < kFillsAhead && backend_ == BodyStatus::Empty && spool_->has_room(); ++i) {
    const std::uint64_t allowed = allowance();
    if (allowed == 0) return;
    attempt_.channel().limit_reading(static_cast<std::size_t>(std::min<std::uint64_t>(allowed, 65536)));
    if (attempt_.channel().fill()) return;  // nothing there; failures come again when it is its turn
    for (;;) {
      const BodyRead read = from_backend();
      if (read.status != BodyStatus::Data) break;
      keep(read.data);
      if (backend_ == BodyStatus::Bad) return;
    }
  }
  if (backend_ == BodyStatus::End) attempt_.release();
}

}  // namespace weir::http
