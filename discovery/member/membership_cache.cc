#include "member/membership_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace weir::discovery {
namespace {

constexpr std::string_view kMagic = "weir membership 1 ";

std::uint32_t crc32(std::string_view text) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0u);
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t sum = 0xffffffff;
  for (const char c : text) sum = table[(sum ^ static_cast<unsigned char>(c)) & 0xff] ^ sum >> 8;
  return ~sum;
}

// Fields are separated by tabs and lines, so those and the escape itself are `%XX`.
void add_text(std::string& line, std::string_view text) {
  for (const char c : text) {
    if (c == '\t' || c == '\n' || c == '%' || c == '\0') {
      fmt::format_to(std::back_inserter(line), "%{:02X}", static_cast<unsigned char>(c));
    } else {
      line += c;
    }
  }
}

std::optional<std::string> text_of(std::string_view field) {
  std::string text;
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '%') {
      text += field[i];
      continue;
    }
    unsigned value = 0;
    if (field.size() - i < 3) return std::nullopt;
    const char* const end = field.data() + i + 3;
    if (std::from_chars(field.data() + i + 1, end, value, 16).ptr != end) return std::nullopt;
    text += static_cast<char>(value);
    i += 2;
  }
  return text;
}

void add_member(std::string& text, char kind, const KnownMember& member) {
  text += kind;
  text += '\t';
  add_text(text, member.address);
  fmt::format_to(std::back_inserter(text), "\t{}\t{}\t{}\t{}\t{}{}{}\t", member.weight, member.max_fails,
                 member.fail_timeout.count(), member.max_conns, member.backup ? "b" : "", member.down ? "d" : "",
                 member.draining ? "n" : "");
  add_text(text, member.facts);
  text += '\t';
  add_text(text, member.name);
  text += '\n';
}

void add_host(std::string& text, const std::string& host, const std::vector<std::string>& addresses) {
  text += "host\t" + host;
  for (const std::string& address : addresses) {
    text += '\t';
    add_text(text, address);
  }
  text += '\n';
}

void add_directory(std::string& text, const char* name, const DirectoryMemory& memory) {
  if (!memory.is_known) return;
  fmt::format_to(std::back_inserter(text), "directory\t{}\t{}\t{}\t{}\t{}\t{}\n", name, memory.existed ? 1 : 0,
                 memory.czxid, memory.ctime, memory.pzxid, memory.before);
  for (const KnownMember& member : memory.present) add_member(text, '+', member);
  for (const HeldMember& held : memory.held) add_member(text, held.until ? 'w' : 'h', held.member);
}

/// Thrown for what is not as written; decode_cache catches it.
struct Malformed {};

// The fields of one line.
class Fields {
 public:
  explicit Fields(std::string_view line) : rest_(line) {}

  std::string_view next() {
    if (is_done_) throw Malformed{};
    const std::size_t tab = rest_.find('\t');
    const std::string_view field = rest_.substr(0, tab);
    is_done_ = tab == rest_.npos;
    if (!is_done_) rest_.remove_prefix(tab + 1);
    return field;
  }
  std::string text() {
    auto text = text_of(next());
    if (!text) throw Malformed{};
    return std::move(*text);
  }
  template <class Number>
  Number number(Number least, Number most) {
    const std::string_view field = next();
    Number value{};
    const char* const end = field.data() + field.size();
    const auto [stop, error] = std::from_chars(field.data(), end, value);
    if (error != std::errc{} || stop != end || value < least || value > most) throw Malformed{};
    return value;
  }
  bool is_at_end() const { return is_done_; }
  void end() const {
    if (!is_done_) throw Malformed{};
  }

 private:
  std::string_view rest_;
  bool is_done_ = false;
};

KnownMember read_member(Fields& fields) {
  KnownMember member;
  NameError error{};
  member.address = fields.text();
  if (canonical_member_address(member.address, error) != member.address) throw Malformed{};
  member.weight = fields.number<std::uint32_t>(1, balancer::kMaxWeight);
  member.max_fails = fields.number<std::uint32_t>(0, 1'000'000'000);
  member.fail_timeout = std::chrono::milliseconds(fields.number<std::int64_t>(0, 1'000'000'000'000));
  member.max_conns = fields.number<std::uint32_t>(0, 1'000'000'000);
  for (const char flag : fields.next()) {
    if (flag == 'b') member.backup = true;
    else if (flag == 'd') member.down = true;
    else if (flag == 'n') member.draining = true;
    else throw Malformed{};
  }
  member.facts = fields.text();
  member.zone = zone_of(member.facts);
  member.name = fields.text();
  fields.end();
  return member;
}

void read_host(Fields& fields, HostAddresses& hosts) {
  NameError error{};
  const std::string host(fields.next()), as_address = host + ":1";
  if (!is_named(as_address) || canonical_member_address(as_address, error) != as_address) throw Malformed{};
  const auto [known, is_new] = hosts.try_emplace(host);
  if (!is_new || hosts.size() > kMostHosts) throw Malformed{};
  while (!fields.is_at_end()) known->second.push_back(fields.text());
  if (known->second.size() > kMostAddresses) throw Malformed{};
}

// What was read so far.
struct Contents {
  CachedMembership cached{};
  DirectoryMemory* directory = nullptr;  // whose members are being read
  KnownMembers present{};                // of these, so far

  void end_directory() {
    if (directory != nullptr) directory->present = std::exchange(present, {});
  }
};

void read_line(std::string_view line, Contents& contents) {
  CachedMembership& cached = contents.cached;
  DirectoryMemory*& directory = contents.directory;
  KnownMembers& present = contents.present;
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  Fields fields(line);
  const std::string_view kind = fields.next();
  if (kind == "origin") {
    cached.origin = fields.text();
  } else if (kind == "policy") {
    cached.policy = fields.text();
  } else if (kind == "lost") {
    cached.policy_is_lost = true;
  } else if (kind == "host") {
    read_host(fields, cached.hosts);
  } else if (kind == "accepted") {
    cached.memory.accepted = fields.number<std::int64_t>(0, kMost);
  } else if (kind == "directory") {
    const std::string_view name = fields.next();
    contents.end_directory();
    directory = name == "members" ? &cached.memory.members
                : name == "static" ? &cached.memory.fixed
                : name == "direct" ? &cached.memory.direct
                                   : nullptr;
    if (directory == nullptr || directory->is_known) throw Malformed{};
    directory->is_known = true;
    directory->existed = fields.number<int>(0, 1) != 0;
    directory->czxid = fields.number<std::int64_t>(0, kMost);
    directory->ctime = fields.number<std::int64_t>(0, kMost);
    directory->pzxid = fields.number<std::int64_t>(0, kMost);
    directory->before = fields.number<std::size_t>(0, 10'000'000);
  } else if ((kind == "+" || kind == "h" || kind == "w") && directory != nullptr) {
    KnownMember member = read_member(fields);
    const auto is_after = [&](const KnownMember& last) { return last.address < member.address; };
    if (kind == "+") {
      if (!present.empty() && !is_after(present.back())) throw Malformed{};
      present.push_back(std::move(member));
    } else {
      if (!directory->held.empty() && !is_after(directory->held.back().member)) throw Malformed{};
      directory->held.push_back({std::move(member), kind == "w" ? std::optional(TimePoint()) : std::nullopt});
    }
    return;
  } else {
    throw Malformed{};
  }
  fields.end();
}

}  // namespace

std::string encode_cache(const CachedMembership& cached) {
  std::string body = "origin\t";
  add_text(body, cached.origin);
  body += "\npolicy\t";
  add_text(body, cached.policy);
  if (cached.policy_is_lost) body += "\nlost";
  fmt::format_to(std::back_inserter(body), "\naccepted\t{}\n", cached.memory.accepted);
  for (const auto& [host, addresses] : cached.hosts) add_host(body, host, addresses);
  add_directory(body, "members", cached.memory.members);
  add_directory(body, "static", cached.memory.fixed);
  add_directory(body, "direct", cached.memory.direct);
  return fmt::format("{}{:08x} {}\n", kMagic, crc32(body), body.size()) + body;
}

std::optional<CachedMembership> decode_cache(std::string_view text, std::string& error) {
  error = "not a membership of this version";
  if (!text.starts_with(kMagic)) return std::nullopt;
  const std::size_t end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const std::string_view body = text.substr(end + 1);
  error = "damaged";
  if (text.substr(kMagic.size(), end - kMagic.size()) != fmt::format("{:08x} {}", crc32(body), body.size()))
    return std::nullopt;
  Contents contents;
  error = "malformed";
  try {
    for (std::size_t begin = 0; begin < body.size();) {
      const std::size_t line_end = body.find('\n', begin);
      if (line_end == body.npos) return std::nullopt;
      read_line(body.substr(begin, line_end - begin), contents);
      begin = line_end + 1;
    }
    contents.end_directory();
  } catch (const Malformed&) {
    return std::nullopt;
  }
  error.clear();
  return std::move(contents.cached);
}

}  // namespace weir::discovery
