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

/// Heads are written in HTTP/1 only, whatever the version of the message they come from.
std::string_view version_text(Version version) {
  return version == Version::Http10 ? "HTTP/1.0" : "HTTP/1.1";
}

/// Whether `value` can stand in a field: no CR, LF or NUL. Other control octets are bad manners, not a danger.
bool keeps_its_line(std::string_view value) {
  const char* const end = value.data() + value.size();
  for (const char* at = value.data(); (at = find_control(at, end)) != end; ++at)
    if (*at == '\r' || *at == '\n' || *at == '\0') return false;
  return true;
}

}  // namespace

HeadWriter& HeadWriter::put(std::initializer_list<std::string_view> pieces) noexcept {
  std::size_t total = 0;
  for (const std::string_view piece : pieces) total += piece.size();
  if (size_ + total <= space_) {
    char* to = begin_ + size_;
    for (const std::string_view piece : pieces) {
      if (piece.empty()) continue;  // memcpy may not be given null
      std::memcpy(to, piece.data(), piece.size());
      to += piece.size();
    }
  } else {
    space_ = std::min(space_, size_);  // nothing that would still fit may follow a gap
  }
  size_ += total;
  return *this;
}

HeadWriter& HeadWriter::request_line(std::string_view method, std::string_view target, Version version) noexcept {
  return put({method, " ", target, " ", version_text(version), "\r\n"});
}

HeadWriter& HeadWriter::status_line(Version version, int status, std::string_view reason) noexcept {
  const char digits[3] = {static_cast<char>('0' + status / 100 % 10), static_cast<char>('0' + status / 10 % 10),
                          static_cast<char>('0' + status % 10)};
  return put({version_text(version), " ", {digits, 3}, " ", reason, "\r\n"});
}

HeadWriter& HeadWriter::status_line(Version version, int status) noexcept {
  return status_line(version, status, http::reason_phrase(status));
}

/// put({name, ": ", value, "\r\n"}) by hand: most of what is written goes through here.
HeadWriter& HeadWriter::line(std::string_view name, std::string_view value) noexcept {
  const std::size_t total = name.size() + value.size() + 4;
  if (size_ + total > space_ || name.empty() || value.empty()) return put({name, ": ", value, "\r\n"});
  char* to = begin_ + size_;
  std::memcpy(to, name.data(), name.size());
  to += name.size();
  std::memcpy(to, ": ", 2);
  std::memcpy(to + 2, value.data(), value.size());
  std::memcpy(to + 2 + value.size(), "\r\n", 2);
  size_ += total;
  return *this;
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
  return put({lines});
}

std::size_t write_chunk_size(std::uint64_t size, char* out) noexcept {
  char* end = std::to_chars(out, out + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  return static_cast<std::size_t>(end - out);
}

}  // namespace weir::http1
