#include "http1/backend_connection.h"

#include <algorithm>

#include "http1/head_writer.h"

namespace weir::http1 {

using http::BodyRead;
using http::BodyStatus;
using Kind = http::Framing::Kind;

BackendConnection::BackendConnection(std::unique_ptr<net::Stream> stream)
    : BackendChannel(stream->loop()), stream_(std::move(stream)) {}

void BackendConnection::begin(const Plan& plan) {
  plan_ = plan;
  limits_ = {.max_line = plan.head_limit, .max_field_line = plan.head_limit, .max_total = plan.head_limit};
  limits_.max_fields = 1000;
  parser_.start(limits_, plan.method, {.allow_bare_lf = true});
  decoder_.reset();
  received_ = 0;
  read_limit_ = plan.read_limit;
  ended_ = closed_ = failed_ = keep_alive_ = false;
}

void BackendConnection::begin_request(const http::OutgoingRequest& request) {
  std::size_t space = 128 + request.method.size() + request.target.size();
  for (const http::Field& field : request.fields) space += field.name.size() + field.value.size() + 4;
  HeadWriter out({static_cast<char*>(plan_.memory->allocate(space, 1)), space});
  out.request_line(request.method, request.target, request.version);
  out.fields(request.fields.all()).framing(request.framing).end();
  writer_.start(out.text(), request.framing.kind == Kind::Chunked, *plan_.memory);
}

net::IoError BackendConnection::read() {
  const std::size_t before = input_.unread().size();
  const net::IoError error = input_.read(*stream_, read_limit_);
  received_ += input_.unread().size() - before;
  if (error.is_eof()) closed_ = true;
  if (error && !error.would_block() && !error.is_eof()) closed_ = failed_ = true;
  return error;
}

http::Result<> BackendConnection::no_head(net::IoError cause) {
  return http::Error{failed_ ? http::Reason::ReadFailed : http::Reason::ClosedBeforeHead, cause};
}

std::optional<http::Result<>> BackendConnection::try_read_head(http::ResponseHead& head) {
  for (;;) {
    if (!input_.is_empty()) {
      const std::string_view octets = input_.unread();
      switch (parser_.parse(octets, head)) {
        case ParseStatus::Complete: {
          // Kept with the exchange: the connection may be gone, or in other use, when the log reads it.
          const std::string_view kept = plan_.memory->copy(octets.substr(0, parser_.consumed()));
          head.rebase(octets.data(), kept.data());
          input_.consume(parser_.consumed());
          if (head.is_interim())
            parser_.start(limits_, plan_.method, {.allow_bare_lf = true});
          else
            body_begins(head);
          return http::Result<>();
        }
        case ParseStatus::Bad: {
          const bool large = !parser_.error().directive().empty();
          return http::Result<>(http::Error{large ? http::Reason::HeadTooLarge : http::Reason::BadHead, {},
                                            parser_.error().text()});
        }
        case ParseStatus::Incomplete: break;
      }
    }
    const net::IoError error = read();
    if (!error) continue;
    if (error.would_block()) return std::nullopt;
    if (error.code == ENOBUFS) return http::Result<>(http::Error{http::Reason::HeadTooLarge});
    return no_head(error);
  }
}

void BackendConnection::body_begins(const http::ResponseHead& head) {
  framing_ = head.framing;
  left_ = framing_.kind == Kind::Length ? framing_.length : 0;
  keep_alive_ = head.keep_alive;
  if (framing_.kind == Kind::Chunked) {
    decoder_.emplace(plan_.memory);
    decoder_->start(Side::Backend);
  }
  ended_ = framing_.kind == Kind::None || (framing_.kind == Kind::Length && left_ == 0);
}

std::optional<http::Result<bool>> BackendConnection::try_read_ahead(std::uint64_t most) {
  if (ended_) return http::Result<bool>(true);
  if (framing_.kind != Kind::Length || left_ > most) return http::Result<bool>(false);
  while (input_.unread().size() < left_) {
    const net::IoError error = read();
    if (error.would_block()) return std::nullopt;
    if (error.code == ENOBUFS) return http::Result<bool>(false);
    if (error) return http::Result<bool>(http::Error{http::Reason::BodyCut, error});
  }
  return http::Result<bool>(true);
}

const http::Fields* BackendConnection::trailers() const {
  return decoder_ && decoder_->ended() && !decoder_->trailers().empty() ? &decoder_->trailers() : nullptr;
}

BodyRead BackendConnection::next() {
  if (ended_) return {BodyStatus::End};
  std::string_view octets = input_.unread();
  switch (framing_.kind) {
    case Kind::None: return {BodyStatus::End};
    case Kind::Length: {
      if (octets.empty()) return {closed_ ? BodyStatus::Bad : BodyStatus::Empty};
      octets = octets.substr(0, std::min<std::uint64_t>(octets.size(), left_));
      input_.consume(octets.size());
      left_ -= octets.size();
      ended_ = left_ == 0;
      return {BodyStatus::Data, octets};
    }
    case Kind::UntilClose:
      if (!octets.empty()) {
        input_.consume(octets.size());
        return {BodyStatus::Data, octets};
      }
      if (!closed_) return {BodyStatus::Empty};
      if (failed_) return {BodyStatus::Bad};
      ended_ = true;
      return {BodyStatus::End};
    case Kind::Chunked: {
      const std::size_t before = octets.size();
      std::string_view data;
      const auto event = decoder_->next(octets, data);
      input_.consume(before - octets.size());
      switch (event) {
        case ChunkedDecoder::Event::Data: return {BodyStatus::Data, data};
        case ChunkedDecoder::Event::NeedInput: return {closed_ ? BodyStatus::Bad : BodyStatus::Empty};
        case ChunkedDecoder::Event::End: ended_ = true; return {BodyStatus::End};
        case ChunkedDecoder::Event::Bad: return {BodyStatus::Bad};
      }
    }
  }
  return {BodyStatus::Bad};
}

net::IoError BackendConnection::fill() {
  const net::IoError error = read();
  // The end of the connection is for `next` to judge.
  if (error.is_eof() || (closed_ && !error.would_block())) return {};
  return error;
}

net::Task<net::IoError> BackendConnection::wait() {
  input_.release_if_empty();
  co_return co_await stream_->readable(plan_.read_timeout);
}

http::BodySource::Raw BackendConnection::raw() {
  if (framing_.kind != Kind::Length || left_ == 0 || closed_ || !input_.is_empty() || !stream_->can_splice_from()) return {};
  input_.release();
  return {stream_.get(), left_};
}

void BackendConnection::raw_moved(std::uint64_t octets) {
  left_ -= octets;
  received_ += octets;
  ended_ = left_ == 0;
}

void BackendConnection::end() {
  decoder_.reset();
  input_.release_if_empty();
}

bool BackendConnection::is_reusable() const {
  return ended_ && keep_alive_ && !closed_ && input_.is_empty() && framing_.kind != Kind::UntilClose &&
         stream_->is_open() && !stream_->peer_closed() && is_quiet();
}

/// Whether nothing follows the response. Who read exactly as much as there was, as a pipe does, has not seen that.
bool BackendConnection::is_quiet() const {
  char octet;
  return !stream_->input_pending() || stream_->try_read({&octet, 1}).error.would_block();
}

}  // namespace weir::http1
