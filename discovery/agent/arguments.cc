#include "agent/arguments.h"

#include <weir/discovery/zookeeper_source.h>

#include "member/policy.h"
#include "session/server_list.h"

#include <charconv>
#include <algorithm>
#include <fstream>
#include <stdexcept>
#include <utility>

namespace weir::discovery {
namespace {

/// The address in `text` as `canonical` writes it; throws with what was `expected`.
std::string address_by(std::optional<std::string> (*canonical)(std::string_view, NameError&), const std::string& text,
                       std::string_view expected) {
  NameError error{};
  auto address = canonical(text, error);
  if (address) return *std::move(address);
  throw std::invalid_argument("invalid address \"" + text + "\" (" + std::string(to_string(error)) + "), expected " +
                              std::string(expected));
}

}  // namespace

std::optional<std::string_view> Arguments::next() {
  if (args_.empty()) return std::nullopt;
  option_ = args_.front();
  args_ = args_.subspan(1);
  attached_.reset();
  if (const auto equals = option_.find('='); option_.starts_with("--") && equals != std::string_view::npos) {
    attached_ = option_.substr(equals + 1);
    option_ = option_.substr(0, equals);
  }
  return option_;
}

std::string Arguments::value() {
  if (attached_) return std::string(*std::exchange(attached_, std::nullopt));
  if (args_.empty()) throw std::invalid_argument("option " + std::string(option_) + " requires a value");
  const std::string_view value = args_.front();
  args_ = args_.subspan(1);
  return std::string(value);
}

void Arguments::no_value() const {
  if (attached_) throw std::invalid_argument("option " + std::string(option_) + " takes no value");
}

std::vector<std::string> servers_argument(const std::string& text) {
  std::vector<std::string> servers;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    servers.push_back(text.substr(begin, end - begin));
    parse_server(servers.back());
    begin = end + 1;
  }
  return servers;
}

std::string path_argument(std::string text) {
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  if (!valid_path(text)) throw std::invalid_argument("invalid path \"" + text + "\", expected one like /weir/backend");
  return text;
}

std::string address_argument(const std::string& text) {
  return address_by(canonical_address, text, "ip:port or [ipv6]:port");
}

std::string member_argument(const std::string& text) {
  return address_by(canonical_member_address, text, "ip:port, [ipv6]:port or host:port");
}

std::string match_argument(const std::string& text) {
  if (!is_valid_match(text)) {
    throw std::invalid_argument("invalid match \"" + text + "\", expected an address, or KEY=VALUE with z, v, i, p or l.LABEL");
  }
  return canonical_match(text);
}

double percent_argument(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  if (error != std::errc{} || stop != end || !(value >= 0 && value <= 100))
    throw std::invalid_argument("invalid percent \"" + text + "\", expected 0 to 100");
  return value;
}

std::string format_argument(const std::string& text) {
  if (!format_of(text))
    throw std::invalid_argument("invalid format \"" + text + "\", expected one of zk_format, such as native or curator");
  return text;
}

ZooKeeperAuth auth_argument(const std::string& text) {
  constexpr std::string_view kScheme = "digest:";
  constexpr std::streamsize kLongest = 1024;
  if (!text.starts_with(kScheme)) throw std::invalid_argument("invalid auth, expected digest:FILE");
  const std::string path = text.substr(kScheme.size());
  std::ifstream file(path, std::ios::binary);
  std::string secret(static_cast<std::size_t>(kLongest), '\0');
  file.read(secret.data(), kLongest);
  secret.resize(static_cast<std::size_t>(file.gcount()));
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  const std::size_t colon = secret.find(':');
  if (colon == 0 || colon == secret.npos || colon + 1 == secret.size() || secret.find_first_of("\r\n") != secret.npos)
    throw std::invalid_argument("\"" + path + "\" does not hold one line, user:password");
  return {.scheme = "digest", .secret = std::move(secret)};
}

int count_argument(const std::string& text, int most) {
  int value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < 1 || value > most)
    throw std::invalid_argument("invalid number \"" + text + "\", expected 1 to " + std::to_string(most));
  return value;
}

std::uint32_t weight_argument(const std::string& text) {
  std::uint32_t weight = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc{} || stop != end || weight > kGreatestWeight) {
    throw std::invalid_argument("invalid weight \"" + text + "\", expected 0 to 65535");
  }
  return weight;
}

std::chrono::milliseconds time_argument(const std::string& text) {
  constexpr std::int64_t kLongest = 24 * 3600 * 1000;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(stop, static_cast<std::size_t>(end - stop));
  const std::int64_t scale = unit == "ms" ? 1 : unit == "s" || unit.empty() ? 1000 : unit == "m" ? 60'000 : 0;
  if (error != std::errc{} || scale == 0 || number < 0 || number > kLongest / scale) {
    throw std::invalid_argument("invalid time \"" + text + "\", expected one like 500ms, 5s or 2m");
  }
  return std::chrono::milliseconds(number * scale);
}

}  // namespace weir::discovery
