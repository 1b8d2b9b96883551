#include "member/formats/json.h"

#include <boost/json/parse.hpp>

#include <cmath>

namespace weir::discovery {

namespace json = boost::json;

std::optional<json::value> parse_json(std::string_view text, std::size_t depth) {
  boost::system::error_code error;
  json::parse_options options;
  options.max_depth = depth;
  json::value value = json::parse({text.data(), text.size()}, error, {}, options);
  if (error) return std::nullopt;
  return value;
}

const json::value* find_key(const json::object& object, std::string_view key) {
  const json::value* const value = object.if_contains({key.data(), key.size()});
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string_view string_at(const json::object& object, std::string_view key) {
  const json::value* const value = find_key(object, key);
  if (value == nullptr || !value->is_string()) return {};
  const json::string& text = value->get_string();
  return {text.data(), text.size()};
}

std::optional<double> number_of(const json::value& value) {
  if (value.is_int64()) return static_cast<double>(value.get_int64());
  if (value.is_uint64()) return static_cast<double>(value.get_uint64());
  if (value.is_double()) return value.get_double();
  return std::nullopt;
}

std::optional<std::int64_t> whole_at(const json::object& object, std::string_view key) {
  const json::value* const value = find_key(object, key);
  if (value == nullptr) return std::nullopt;
  const auto number = number_of(*value);
  if (!number || !(*number >= 0) || *number > 2147483648.0 || *number != std::floor(*number)) return std::nullopt;
  return static_cast<std::int64_t>(*number);
}

}  // namespace weir::discovery
