// Boost.JSON as far as this library uses it: strict, bounded, and without exceptions.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <optional>
#include <string_view>

namespace weir::discovery {

/// Parses strict JSON in valid UTF-8, nested no deeper than `depth`. Nothing if `text` is anything else.
std::optional<boost::json::value> parse_json(std::string_view text, std::size_t depth);

/// The member `key`; null if there is none, or it is JSON's null.
const boost::json::value* find_key(const boost::json::object& object, std::string_view key);
/// Empty unless there is a string.
std::string_view string_at(const boost::json::object& object, std::string_view key);
/// Nothing unless there is a number that is a whole one of 0 to 2^31.
std::optional<std::int64_t> whole_at(const boost::json::object& object, std::string_view key);
/// Nothing unless there is a number.
std::optional<double> number_of(const boost::json::value& value);

}  // namespace weir::discovery
