// What the commands of this library have in common on their command lines.
#pragma once

#include <weir/discovery/zookeeper_clients.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::discovery {

/// Walks over `--option value` and `--option=value`.
class Arguments {
 public:
  explicit Arguments(std::span<char*> args) : args_(args) {}

  /// The next argument; its `=value`, if it has one, is what `value` returns next. Nothing at the end.
  std::optional<std::string_view> next();
  /// The value of the option that `next` returned. Throws std::invalid_argument if there is none.
  std::string value();
  /// Throws std::invalid_argument if the last option came with a value that nobody asked for.
  void no_value() const;

 private:
  std::span<char*> args_;
  std::string_view option_;
  std::optional<std::string_view> attached_;
};

/// Splits at commas and checks each part as a server. Throws std::invalid_argument.
std::vector<std::string> servers_argument(const std::string& text);
/// Checks a path, and takes a trailing slash off. Throws std::invalid_argument.
std::string path_argument(std::string text);
/// Checks an `ip:port`. Returns it in canonical form. Throws std::invalid_argument.
std::string address_argument(const std::string& text);
/// Checks an `ip:port` or `host:port`. Returns it in canonical form. Throws std::invalid_argument.
std::string member_argument(const std::string& text);
/// Checks an address, or `key=value` of a member's facts, as in a policy. Throws std::invalid_argument.
std::string match_argument(const std::string& text);
/// Throws std::invalid_argument unless 0 to 100.
double percent_argument(const std::string& text);
/// Throws std::invalid_argument unless a word that `zk_format` takes.
std::string format_argument(const std::string& text);
/// Reads `digest:FILE`, and `user:password` from that file. Throws std::invalid_argument, never with the secret in it.
ZooKeeperAuth auth_argument(const std::string& text);
/// Throws std::invalid_argument unless a whole number of 1 to `most`.
int count_argument(const std::string& text, int most);
/// Throws std::invalid_argument unless 0 to 65535.
std::uint32_t weight_argument(const std::string& text);
/// Reads `500ms`, `5s`, `2m`, or seconds without a unit; at most a day. Throws std::invalid_argument.
std::chrono::milliseconds time_argument(const std::string& text);

}  // namespace weir::discovery
