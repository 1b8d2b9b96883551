#include "http1/head_writer.h"

#include "http/reason_phrase.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "http1/octets.h"

namespace weir::http1 {
namespace {

using http::Framing;
using http::Version;
using namespace std::string_view_literals;

/// Heads are written in HTTP/1 only, whatever the version of the message they come from.
std::string_view version_text(Version version) {
  return version == Version::Http10 ? "HTTP/1.0" : "HTTP/1.1";
}

/// Whether `value` can stand in a field: no CR, LF or NUL. Other control octets are bad manners, not a danger.
bool keeps_its_line(std::string_view value) {
  if (!may_end_line(value)) return true;
  return std::none_of(value.begin(), value.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

char* append(char* to, std::string_view piece) {
  if (!piece.empty()) std::memcpy(to, piece.data(), piece.size());  // memcpy may not be given null
  return to + piece.size();
}

}  // namespace

template <class... Pieces>
HeadWriter& HeadWriter::put(const Pieces&... pieces) noexcept {
  const std::size_t total = (pieces.size() + ...);
  if (size_ + total <= space_) {
    char* to = begin_ + size_;
    ((to = append(to, pieces)), ...);
  } else {
    space_ = std::min(space_, size_);  // nothing that would still fit may follow a gap
  }
  size_ += total;
  return *this;
}

HeadWriter& HeadWriter::request_line(std::string_view method, std::string_view target, Version version) noexcept {
  return put(method, " "sv, target, " "sv, version_text(version), "\r\n"sv);
}

HeadWriter& HeadWriter::status_line(Version version, int status, std::string_view reason) noexcept {
  const char digits[3] = {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
                          static_cast<char>('0' + status % 10)};
  return put(version_text(version), " "sv, std::string_view(digits, 3), " "sv, reason, "\r\n"sv);
}

HeadWriter& HeadWriter::status_line(Version version, int status) noexcept {
  return status_line(version, status, http::reason_phrase(status));
}

HeadWriter& HeadWriter::line(std::string_view name, std::string_view value) noexcept {
  return put(name, ": "sv, value, "\r\n"sv);
}

HeadWriter& HeadWriter::field(std::string_view name, std::string_view value) noexcept {
  if (is_token(name) && keeps_its_line(value)) return line(name, value);
  ++refused_;
  return *this;
}

HeadWriter& HeadWriter::field(std::string_view name, std::uint64_t value) noexcept {
  if (is_token(name)) return own(name, value);
  ++refused_;
  return *this;
}

HeadWriter& HeadWriter::own(std::string_view name, std::string_view value) noexcept {
  if (keeps_its_line(value)) return line(name, value);
  ++refused_;
  return *this;
}

HeadWriter& HeadWriter::own(std::string_view name, std::uint64_t value) noexcept {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  return line(name, {digits, static_cast<std::size_t>(end - digits)});
}

HeadWriter& HeadWriter::fields(std::span<const http::Field> fields) noexcept {
  for (auto next = fields.begin(); next != fields.end();) {
    if (!next->is_line) {
      field(*next++);
      continue;
    }
    const char* const begin = next->name.data();
    const char* end = begin;
    do end += (next++)->line().size(); while (next != fields.end() && next->is_line && next->name.data() == end);
    raw({begin, static_cast<std::size_t>(end - begin)});
  }
  return *this;
}

HeadWriter& HeadWriter::framing(const Framing& framing) noexcept {
  switch (framing.kind) {
    case Framing::Kind::Length:
      return own("Content-Length", framing.length);
    case Framing::Kind::Chunked:
      return line("Transfer-Encoding", "chunked");
    case Framing::Kind::None:
    case Framing::Kind::UntilClose:
      break;
  }
  return *this;
}

HeadWriter& HeadWriter::raw(std::string_view lines) noexcept {
  return put(lines);
}

HeadWriter& HeadWriter::end() noexcept {
  return put("\r\n"sv);
}

std::size_t write_chunk_size(std::uint64_t size, char* out) noexcept {
  char* end = std::to_chars(out, out + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - out);
}

}  // namespace weir::http1
