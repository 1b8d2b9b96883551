#include "net/dns_message.h"

#include <algorithm>
#include <cstring>

namespace weir::net::dns {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kMostName = 253;
constexpr std::size_t kMostRecords = 512;  // a TCP answer holds some thousand; nobody has so many addresses
constexpr unsigned kMostAliases = 16;
constexpr std::uint16_t kInternet = 1;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// Walks through a packet; `ok` tells whether everything asked for was there.
class Reader {
 public:
  explicit Reader(std::string_view packet, std::size_t at = 0) : packet_(packet), at_(at) {}

  bool ok() const { return ok_; }
  std::size_t at() const { return at_; }
  std::uint16_t u16() {
    if (!has(2)) return 0;
    const auto value = static_cast<std::uint16_t>(octet(at_) << 8 | octet(at_ + 1));
    at_ += 2;
    return value;
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view octets(std::size_t count) {
    if (!has(count)) return {};
    const std::string_view value = packet_.substr(at_, count);
    at_ += count;
    return value;
  }

  /// A domain name in lower case, without dot at the end. A pointer leads to before the name it stands in, and each
  /// next one further back, so this ends.
  std::string name() {
    std::string text;
    std::size_t position = at_, earliest = at_;
    bool jumped = false;
    for (;;) {
      if (position >= packet_.size()) return fail();
      const unsigned length = octet(position);
      if (length >= 0xc0) {
        if (position + 1 >= packet_.size()) return fail();
        const std::size_t target = (length & 0x3fu) << 8 | octet(position + 1);
        if (!jumped) at_ = position + 2;
        jumped = true;
        if (target >= earliest) return fail();
        position = earliest = target;
        continue;
      }
      if (length > 63) return fail();
      ++position;
      if (length == 0) break;
      if (position + length > packet_.size() || text.size() + length + 1 > kMostName + 1) return fail();
      if (!text.empty()) text += '.';
      for (std::size_t i = 0; i < length; ++i) {
        const char c = packet_[position + i];
        if (c == '.' || c == '\0') return fail();  // no host is called so
        text += lower(c);
      }
      position += length;
    }
    if (!jumped) at_ = position;
    return text;
  }

 private:
  unsigned octet(std::size_t at) const { return static_cast<unsigned char>(packet_[at]); }
  bool has(std::size_t count) {
    if (ok_ && packet_.size() - at_ >= count && at_ <= packet_.size()) return true;
    ok_ = false;
    return false;
  }
  std::string fail() {
    ok_ = false;
    return {};
  }

  std::string_view packet_;
  std::size_t at_;
  bool ok_ = true;
};

struct Record {
  std::string owner;
  std::uint16_t type;
  std::uint32_t ttl;
  std::string_view data;
  std::size_t data_at;
};

Endpoint address_of(std::string_view data) {
  if (data.size() == 4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, data.data(), 4);
    return Endpoint(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, data.data(), 16);
  return Endpoint(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
}

/// Reads one record into `answer` if it is of the kind asked for. Returns false if it is malformed.
bool use(const Record& record, std::string_view packet, Type type, Answer& answer) {
  if (type == Type::Srv) {
    Reader in(packet, record.data_at);
    Service service;
    service.priority = in.u16();
    service.weight = in.u16();
    service.port = in.u16();
    service.target = in.name();
    if (!in.ok() || in.at() != record.data_at + record.data.size()) return false;
    answer.services.push_back(std::move(service));
  } else {
    if (record.data.size() != (type == Type::A ? 4u : 16u)) return false;
    answer.addresses.push_back(address_of(record.data));
  }
  answer.ttl = std::min(answer.ttl, record.ttl);
  return true;
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](char c) { return lower(c); });
  return result;
}

}  // namespace

std::optional<std::string> make_query(std::uint16_t id, std::string_view name, Type type) {
  if (name.empty() || name.size() > kMostName) return std::nullopt;
  std::string packet;
  const auto put = [&packet](std::uint16_t value) {
    packet += static_cast<char>(value >> 8);
    packet += static_cast<char>(value & 0xff);
  };
  put(id);
  put(0x0100);  // recursion desired
  put(1);       // one question
  put(0), put(0), put(0);
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (label.empty() || label.size() > 63) return std::nullopt;
    packet += static_cast<char>(label.size());
    packet += label;
    if (dot == name.npos) break;
    name.remove_prefix(dot + 1);
    if (name.empty()) return std::nullopt;
  }
  packet += '\0';
  put(static_cast<std::uint16_t>(type));
  put(kInternet);
  return packet;
}

std::optional<Answer> parse_answer(std::string_view packet, std::uint16_t id, std::string_view name, Type type) {
  if (packet.size() < kHeader) return std::nullopt;
  Reader in(packet);
  if (in.u16() != id) return std::nullopt;
  const std::uint16_t flags = in.u16();
  const std::uint16_t questions = in.u16(), answers = in.u16();
  in.octets(4);  // authority and additional records are of no use here
  const bool is_answer = (flags & 0x8000) != 0, is_query_kind = (flags & 0x7800) == 0;
  if (!is_answer || !is_query_kind) return std::nullopt;
  Answer answer;
  answer.code = flags & 0xf;
  answer.truncated = (flags & 0x0200) != 0;
  // An error may come without repeating the question.
  if (questions == 0 && answer.code != 0) return answer;
  std::string current = lower(name);
  if (questions != 1 || in.name() != current || in.u16() != static_cast<std::uint16_t>(type) ||
      in.u16() != kInternet || !in.ok())
    return std::nullopt;
  if (answer.code != 0 || answer.truncated) return answer;

  std::vector<Record> records;
  for (std::size_t i = 0; i < std::min<std::size_t>(answers, kMostRecords); ++i) {
    Record record;
    record.owner = in.name();
    record.type = in.u16();
    const std::uint16_t class_of = in.u16();
    record.ttl = std::min<std::uint32_t>(in.u32(), 0x7fffffff);
    const std::uint16_t length = in.u16();
    record.data_at = in.at();
    record.data = in.octets(length);
    if (!in.ok()) return std::nullopt;
    if (class_of == kInternet) records.push_back(std::move(record));
  }

  answer.ttl = 0x7fffffff;
  for (unsigned aliases = 0;; ++aliases) {
    for (const Record& record : records)
      if (record.type == static_cast<std::uint16_t>(type) && record.owner == current && !use(record, packet, type, answer))
        return std::nullopt;
    if (!answer.addresses.empty() || !answer.services.empty()) return answer;
    const auto alias = std::find_if(records.begin(), records.end(), [&](const Record& record) {
      return record.type == static_cast<std::uint16_t>(Type::Cname) && record.owner == current;
    });
    if (alias == records.end()) break;
    if (aliases == kMostAliases) return std::nullopt;
    Reader target(packet, alias->data_at);
    current = target.name();
    if (!target.ok() || current.empty()) return std::nullopt;
    answer.ttl = std::min(answer.ttl, alias->ttl);
    answer.alias = current;
  }
  if (answer.alias.empty()) answer.ttl = 0;
  return answer;
}

}  // namespace weir::net::dns
