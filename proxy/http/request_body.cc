#include "http/request_body.h"

#include <algorithm>
#include <cstring>

#include "http/core_conf.h"
#include "http/exchange.h"

namespace weir::http {

namespace {

/// A client that has paused this long is slow; it may hold no more memory than this for its body.
constexpr std::chrono::milliseconds kSlow{1'000}, kSlowWhenMany{100};
constexpr std::size_t kHeldForSlow = 2048;
constexpr std::size_t kMany = 4 << 20;  // octets of blocks in use on this worker

}  // namespace

/// Hands out the kept body from its beginning: memory, or the file block by block.
class RequestBody::Replay final : public BodySource {
 public:
  explicit Replay(RequestBody& body) : body_(body) {}

  void rewind() {
    in_memory_ = body_.in_memory();
    from_file_ = 0;
    loaded_ = {};
    failed_ = false;
  }

  BodyRead next() override {
    if (!in_memory_.empty()) return {BodyStatus::Data, std::exchange(in_memory_, {})};
    if (!loaded_.empty()) return {BodyStatus::Data, std::exchange(loaded_, {})};
    if (failed_) return {BodyStatus::Bad};
    return {!body_.file_.is_open() || from_file_ == body_.octets_ ? BodyStatus::End : BodyStatus::Empty};
  }

  net::IoError fill() override {
    if (!body_.file_.is_open() || from_file_ == body_.octets_) return {};
    if (!block_) block_ = body_.exchange_.loop().buffers().take();
    const net::IoResult got = body_.file_.read(from_file_, block_.span());
    if (got.error) {
      failed_ = true;
      body_.status_ = 500;
      log::crit(body_.exchange_.runtime().error_log(), body_.exchange_.subject(),
                "the request's body could not be read from its temporary file ({})", got.error.message());
      return {};  // `next` says it
    }
    from_file_ += got.bytes;
    loaded_ = {block_.data(), got.bytes};
    return {};
  }

  net::Task<net::IoError> wait() override { co_return net::IoError{}; }

 private:
  RequestBody& body_;
  std::string_view in_memory_, loaded_;
  std::uint64_t from_file_ = 0;
  net::Buffer block_;
  bool failed_ = false;
};

/// Hands out what the client sends, and keeps a copy as long as it fits into client_body_buffer_size: until then the
/// body can be begun again, and $request_body is known.
class RequestBody::Live final : public BodySource {
 public:
  explicit Live(RequestBody& body) : body_(body), client_(body.exchange_.client()) {}

  bool can_rewind() const { return keeps_; }
  void rewind() { replay_ = keeps_ && body_.used_ != 0; }

  BodyRead next() override {
    if (replay_) {
      replay_ = false;
      was_replayed_ = true;
      return {BodyStatus::Data, {body_.memory_, body_.used_}};
    }
    const BodyRead read = client_.next();
    if (read.status == BodyStatus::End) body_.whole_ = keeps_;
    if (read.status != BodyStatus::Data) return read;
    body_.octets_ += read.data.size();
    if (body_.is_too_large(body_.octets_)) {
      body_.status_ = 413;
      return {BodyStatus::Bad};
    }
    // What was replayed may be on its way: its memory must not move.
    const bool may_grow = !was_replayed_ || body_.used_ + read.data.size() <= body_.room_;
    if (keeps_ && may_grow && body_.make_room(read.data.size())) {
      std::memcpy(body_.memory_ + body_.used_, read.data.data(), read.data.size());
      body_.used_ += read.data.size();
    } else {
      keeps_ = false;
    }
    return read;
  }

  net::IoError fill() override { return client_.fill(); }
  net::Task<net::IoError> wait() override { return client_.wait(); }

 private:
  RequestBody& body_;
  ClientChannel& client_;
  bool keeps_ = true, replay_ = false, was_replayed_ = false;
};

RequestBody::~RequestBody() {
  if (replay_) replay_->~Replay();
}

bool RequestBody::is_present() const { return exchange_.request.framing.kind != Framing::Kind::None; }

std::string_view RequestBody::in_memory() const {
  if (file_.is_open()) return {};
  return borrowed_.data() ? borrowed_ : std::string_view(memory_, used_);
}

bool RequestBody::belongs_in_file() const {
  return file_.is_open() || borrowed_.size() > exchange_.conf<CoreConf>().client_body_buffer_size->count();
}

std::string_view RequestBody::file_name() {
  if (!whole_ || !belongs_in_file()) return {};
  if (!file_.is_open()) {  // a borrowed one
    if (!open_file()) return {};
    octets_ = 0;
    const bool written = write_file(borrowed_);
    octets_ = borrowed_.size();
    if (!written) return {};
  }
  if (*exchange_.conf<CoreConf>().client_body_in_file_only == BodyInFile::Keep) file_.keep_name();
  return exchange_.keep(file_.name());
}

BodySource& RequestBody::replay() {
  if (!replay_) replay_ = exchange_.make<Replay>(*this);
  replay_->rewind();
  return *replay_;
}

BodySource& RequestBody::live() {
  if (!live_) live_ = exchange_.make<Live>(*this);
  live_->rewind();
  return *live_;
}

bool RequestBody::can_restart() const { return !live_ || live_->can_rewind(); }

Result<> RequestBody::failed(int status, net::IoError cause) {
  status_ = status;
  if (status == 408) exchange_.count_refusal(Refusal::BodyTime);
  return Error{status == 500 ? Reason::Internal : Reason::RequestBodyFailed, cause};
}

bool RequestBody::is_too_large(std::uint64_t octets) {
  const std::uint64_t most = exchange_.conf<CoreConf>().client_max_body_size->count();
  if (most == 0 || octets <= most) return false;
  exchange_.count_refusal(Refusal::BodySize);
  log::error(exchange_.runtime().error_log(), exchange_.subject(),
             "client intended to send too large chunked body: more than {} bytes (client_max_body_size)", most);
  return true;
}

bool RequestBody::open_file() {
  const std::string& folder = *exchange_.conf<CoreConf>().client_body_temp_path;
  const net::IoError error = file_.open(folder);
  if (!error) return true;
  log::crit(exchange_.runtime().error_log(), exchange_.subject(),
            "a temporary file for the request's body could not be made in \"{}\" ({})", folder, error.message());
  return false;
}

bool RequestBody::write_file(std::string_view octets) {
  const net::IoError error = file_.write(octets_, octets);
  if (!error) return true;
  log::crit(exchange_.runtime().error_log(), exchange_.subject(),
            "the request's body could not be written to its temporary file ({})", error.message());
  return false;
}

/// Room for `octets` more in memory. Returns false if client_body_buffer_size does not allow it.
bool RequestBody::make_room(std::size_t octets) {
  const std::uint64_t limit = exchange_.conf<CoreConf>().client_body_buffer_size->count();
  const std::uint64_t wanted = used_ + octets;
  if (wanted > limit) return false;
  if (wanted <= room_) return true;
  // A known length needs one piece of memory; an unknown one grows by doubling.
  const Framing& framing = exchange_.request.framing;
  const std::uint64_t size = framing.kind == Framing::Kind::Length ? std::max(framing.length, wanted) : wanted * 2;
  const std::size_t room = static_cast<std::size_t>(std::min(size, limit));
  net::Buffer block;
  char* memory;
  if (room <= net::bytes_of(net::BufferSize::k64K)) {
    block = exchange_.loop().buffers().take(net::BufferPool::fitting(room));
    memory = block.data();
  } else {
    memory = static_cast<char*>(exchange_.arena().allocate(room, 1));
  }
  if (used_ != 0) std::memcpy(memory, memory_, used_);
  block_ = std::move(block);
  memory_ = memory;
  room_ = room;
  return true;
}

// Memory first, up to client_body_buffer_size; from then on everything is in the file.
bool RequestBody::keep(std::string_view octets) {
  const CoreConf& conf = exchange_.conf<CoreConf>();
  const bool in_memory =
      !file_.is_open() && *conf.client_body_in_file_only == BodyInFile::WhenLarge && make_room(octets.size());
  if (in_memory) {
    std::memcpy(memory_ + used_, octets.data(), octets.size());
    used_ += octets.size();
  } else {
    if (!file_.is_open()) {
      if (!open_file()) return false;
      octets_ = 0;
      if (!write_file({memory_, used_})) return false;
      octets_ = used_;
      block_.reset();
      memory_ = nullptr;
      used_ = room_ = 0;
    }
    if (!write_file(octets)) return false;
  }
  octets_ += octets.size();
  return true;
}

Result<> RequestBody::finish() {
  whole_ = true;
  if (spilled_ && !unspill()) return failed(500, {});
  switch (*exchange_.conf<CoreConf>().client_body_in_file_only) {
    case BodyInFile::WhenLarge: break;
    case BodyInFile::Clean:
    case BodyInFile::Keep:
      // Also a body without octets: what is behind the proxy is going to open the file.
      if (!file_.is_open() && !open_file()) return failed(500, {});
      if (*exchange_.conf<CoreConf>().client_body_in_file_only == BodyInFile::Keep) file_name();
  }
  return Result<>();
}

/// Puts what is in memory into the file. If that is not possible it stays where it is.
void RequestBody::spill() {
  if (file_.open(*exchange_.conf<CoreConf>().client_body_temp_path)) return;
  if (file_.write(0, {memory_, used_})) return file_.close();
  block_.reset();
  memory_ = nullptr;
  used_ = room_ = 0;
  spilled_ = true;
}

/// Takes what was spilled back into memory, where it would be if the client had been quicker. Returns false on failure.
bool RequestBody::unspill() {
  spilled_ = false;
  used_ = 0;
  if (octets_ == 0 || !make_room(octets_)) return true;  // too large for memory by now: the file is its place
  while (used_ < octets_) {
    const net::IoResult got = file_.read(used_, {memory_ + used_, static_cast<std::size_t>(octets_ - used_)});
    if (got.error) return false;
    used_ += got.bytes;
  }
  file_.close();
  return true;
}

net::Task<Result<>> RequestBody::read_whole() {
  if (whole_ || !is_present()) {
    whole_ = true;
    co_return Result<>();
  }
  ClientChannel& client = exchange_.client();
  if (const net::IoError error = co_await client.invite_body()) co_return failed(400, error);

  const bool may_borrow = *exchange_.conf<CoreConf>().client_body_in_file_only == BodyInFile::WhenLarge;
  bool is_first = true;
  for (;;) {
    const BodyRead read = client.next();
    switch (read.status) {
      case BodyStatus::Data:
        if (is_too_large(octets_ + read.data.size())) co_return failed(413, {});
        // A small body that came with its head stays where it is, if it is whole.
        if (is_first && may_borrow && client.request_ended()) {
          borrowed_ = read.data;
          octets_ = read.data.size();
          co_return finish();
        }
        is_first = false;
        if (!keep(read.data)) co_return failed(500, {});
        continue;
      case BodyStatus::End: co_return finish();
      case BodyStatus::Bad: co_return failed(status_, {net::IoError::kEof});
      case BodyStatus::Empty: break;
    }
    const net::IoError filled = client.fill();
    if (!filled) continue;
    if (!filled.would_block()) co_return failed(400, filled);
    if (used_ > kHeldForSlow) {
      client.begin_body_wait();
      const bool many = exchange_.loop().buffers().lent() > kMany;
      const net::IoError waited = co_await client.stream().readable(many ? kSlowWhenMany : kSlow);
      if (const net::IoError pace = client.end_body_wait()) co_return failed(408, pace);
      if (!waited) continue;
      if (!waited.timed_out()) co_return failed(400, waited);
      spill();
    }
    if (const net::IoError waited = co_await client.wait()) co_return failed(waited.timed_out() ? 408 : 400, waited);
  }
}

}  // namespace weir::http
