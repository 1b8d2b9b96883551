#include "http_message.h"

#include <algorithm>
#include <charconv>

namespace weir::test {
namespace {

constexpr std::size_t kMaxHead = 256 << 10;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool is_token(std::string_view text) {
  static constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.find(c) != kMarks.npos;
  });
}

bool is_value(std::string_view text) {
  return std::ranges::all_of(text,
                             [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= ' ' && c != 127); });
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void parse_field(std::string_view line, Fields& fields) {
  const auto colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon)))
    throw ProtocolError("bad field line: " + std::string(line));
  const auto value = trim(line.substr(colon + 1));
  if (!is_value(value)) throw ProtocolError("bad field value: " + std::string(line));
  fields.emplace_back(line.substr(0, colon), value);
}

template <class Number>
bool parse_number(std::string_view text, Number& number, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

bool is_version(std::string_view text) {
  return text == "HTTP/1.1" || text == "HTTP/1.0";
}

/// The length a Content-Length field gives; nothing if there is none.
std::optional<std::uint64_t> content_length(const Message& message) {
  if (!message.has("Content-Length")) return std::nullopt;
  std::uint64_t length = 0;
  if (message.fields.count("Content-Length") != 1 || !parse_number(message.field("Content-Length"), length))
    throw ProtocolError("bad Content-Length: " + message.fields.joined("Content-Length"));
  return length;
}

bool is_chunked(const Message& message) {
  if (!message.has("Transfer-Encoding")) return false;
  if (message.has("Content-Length")) throw ProtocolError("Content-Length beside Transfer-Encoding");
  if (!equal_ignoring_case(message.fields.joined("Transfer-Encoding"), "chunked"))
    throw ProtocolError("bad Transfer-Encoding: " + message.fields.joined("Transfer-Encoding"));
  return true;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

std::size_t Fields::count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(*this, [&](const auto& field) { return equal_ignoring_case(field.first, name); }));
}

std::string Fields::get(std::string_view name) const {
  for (const auto& [key, value] : *this)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

std::string Fields::joined(std::string_view name) const {
  std::string all;
  for (const auto& [key, value] : *this)
    if (equal_ignoring_case(key, name)) all += (all.empty() ? "" : ", ") + value;
  return all;
}

void Body::add(std::string_view bytes) {
  if (kept_.size() < kKept) kept_.append(bytes.substr(0, kKept - kept_.size()));
  size_ += bytes.size();
  auto hash = hash_;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash_ = hash;
}

// A prime number of octets repeated: no power of two, the usual size of a lost block, is a multiple of it.
PatternBytes::PatternBytes(std::uint64_t size, unsigned seed) : size_(size) {
  constexpr std::size_t kPeriod = 65'521;
  std::string period(kPeriod, '\0');
  std::uint32_t state = seed * 2'654'435'761u + 12'345;
  for (char& c : period) {
    state = state * 1'664'525 + 1'013'904'223;
    c = static_cast<char>(state >> 24);
  }
  block_ = period + period;
}

std::string_view PatternBytes::next(std::size_t max) {
  const auto half = block_.size() / 2;
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>({max, half, size_ - at_}));
  const std::string_view piece(block_.data() + at_ % half, size);
  at_ += size;
  return piece;
}

std::uint64_t PatternBytes::hash() const {
  PatternBytes again = *this;
  again.at_ = 0;
  Body all;
  for (auto piece = again.next(); !piece.empty(); piece = again.next()) all.add(piece);
  return all.hash();
}

std::string PatternBytes::whole() const {
  PatternBytes again = *this;
  again.at_ = 0;
  std::string all;
  for (auto piece = again.next(); !piece.empty(); piece = again.next()) all += piece;
  return all;
}

IoStatus MessageReader::read_head(Message& message, milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  std::size_t end;
  for (std::size_t from = 0; (end = buffer_.find("\r\n\r\n", from)) == std::string::npos;) {
    from = buffer_.size() < 3 ? 0 : buffer_.size() - 3;
    if (buffer_.size() > kMaxHead) throw ProtocolError("head too large");
    const auto left = std::max(std::chrono::ceil<milliseconds>(deadline - Clock::now()), milliseconds(0));
    const auto status = socket_->receive(buffer_, 65'536, left);
    if (status != IoStatus::Ok) return message.end = status;
  }
  message.raw_head = buffer_.substr(0, end + 4);
  std::string_view head = std::string_view(buffer_).substr(0, end + 2);
  for (bool first = true; !head.empty(); first = false) {
    const auto line = head.substr(0, head.find("\r\n"));
    if (line.find_first_of("\r\n") != line.npos) throw ProtocolError("bare CR or LF in head: " + message.raw_head);
    if (first)
      message.start_line = line;
    else
      parse_field(line, message.fields);
    head.remove_prefix(line.size() + 2);
  }
  buffer_.erase(0, end + 4);
  return IoStatus::Ok;
}

bool MessageReader::read_request_head(HttpRequest& request, milliseconds patience) {
  if (read_head(request, patience) != IoStatus::Ok) return false;
  const std::string_view line = request.start_line;
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == line.npos || first == last) throw ProtocolError("bad request line: " + request.start_line);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  request.version = line.substr(last + 1);
  if (!is_token(request.method) || !is_version(request.version) || request.target.empty() ||
      std::ranges::any_of(request.target, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; }))
    throw ProtocolError("bad request line: " + request.start_line);
  return true;
}

void MessageReader::read_request_body(HttpRequest& request, milliseconds patience) {
  const auto length = content_length(request);
  request.chunked = is_chunked(request);
  if (request.chunked)
    read_chunks(request, patience);
  else
    read_length(request, length.value_or(0), patience);
}

HttpResponse MessageReader::read_response_head(milliseconds patience) {
  HttpResponse response;
  if (const auto status = read_head(response, patience); status != IoStatus::Ok)
    throw SocketError(std::string("no response head: ") + to_string(status) + " after \"" + buffer_.substr(0, 200) +
                      "\"");
  const std::string_view line = response.start_line;
  if (line.size() < 13 || line[8] != ' ' || line[12] != ' ' || !is_version(line.substr(0, 8)) ||
      !parse_number(line.substr(9, 3), response.status) || response.status < 100 || !is_value(line.substr(13)))
    throw ProtocolError("bad status line: " + response.start_line);
  response.version = line.substr(0, 8);
  response.reason = line.substr(13);
  return response;
}

HttpResponse MessageReader::read_response(std::string_view method, milliseconds patience) {
  std::vector<HttpResponse> interim;
  for (;;) {
    HttpResponse response = read_response_head(patience);
    if (response.status < 200 && response.status != 101) {
      interim.push_back(std::move(response));
      continue;
    }
    response.interim = std::move(interim);
    read_response_body(response, method, patience);
    return response;
  }
}

void MessageReader::read_response_body(HttpResponse& response, std::string_view method, milliseconds patience) {
  const auto length = content_length(response);
  response.chunked = is_chunked(response);
  const bool empty = method == "HEAD" || response.status < 200 || response.status == 204 || response.status == 304;
  if (empty) {
    response.complete = true;
  } else if (response.chunked) {
    read_chunks(response, patience);
  } else if (length) {
    read_length(response, *length, patience);
  } else {
    response.until_close = true;
    read_until_close(response, patience);
  }
}

void MessageReader::read_length(Message& message, std::uint64_t length, milliseconds patience) {
  while (length != 0) {
    if (buffer_.empty()) {
      message.end = socket_->receive(buffer_, 65'536, patience);
      if (message.end != IoStatus::Ok) return;
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(length, buffer_.size()));
    message.body.add(std::string_view(buffer_).substr(0, size));
    buffer_.erase(0, size);
    length -= size;
  }
  message.complete = true;
}

bool MessageReader::read_line(std::string& line, Message& message, milliseconds patience) {
  for (;;) {
    const auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      if (end == 0 || buffer_[end - 1] != '\r') throw ProtocolError("bare LF in chunked framing");
      line = buffer_.substr(0, end - 1);
      buffer_.erase(0, end + 1);
      return true;
    }
    if (buffer_.size() > kMaxHead) throw ProtocolError("chunk line too long");
    message.end = socket_->receive(buffer_, 65'536, patience);
    if (message.end != IoStatus::Ok) return false;
  }
}

void MessageReader::read_chunks(Message& message, milliseconds patience) {
  std::string line;
  for (;;) {
    if (!read_line(line, message, patience)) return;
    std::uint64_t size = 0;
    if (!parse_number(std::string_view(line).substr(0, line.find(';')), size, 16))
      throw ProtocolError("bad chunk size: " + line);
    if (size == 0) break;
    read_length(message, size, patience);
    if (!std::exchange(message.complete, false)) return;
    if (!read_line(line, message, patience)) return;
    if (!line.empty()) throw ProtocolError("octets after a chunk's data: " + line);
  }
  while (read_line(line, message, patience)) {
    if (line.empty()) {
      message.complete = true;
      return;
    }
    parse_field(line, message.trailers);
  }
}

void MessageReader::read_until_close(Message& message, milliseconds patience) {
  do {
    message.body.add(buffer_);
    buffer_.clear();
    message.end = socket_->receive(buffer_, 65'536, patience);
  } while (message.end == IoStatus::Ok);
  message.complete = message.end == IoStatus::Closed;
}

}  // namespace weir::test
