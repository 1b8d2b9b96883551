// JSON as Weir writes it: logs and status outputs.
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <string>
#include <string_view>

namespace weir::shared {

/// Appends `text` as it stands between the quotes of a JSON string (RFC 8259, section 7). Octets from 0x80 on stay as they
/// are.
void append_json_text(std::string& to, std::string_view text);

/// Writes one value, from its beginning to its end: who calls sees to it that brackets match and that a member of an
/// object has a key.
///
///   JsonWriter json;
///   json.object().key("name").text("app").key("sizes").array().number(1).number(2).end_array().end_object();
///   json.str();   // {"name":"app","sizes":[1,2]}
class JsonWriter {
 public:
  JsonWriter& object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& truth(bool value) { return put(value ? "true" : "false"); }
  JsonWriter& number(std::integral auto value) { return put(fmt::format_int(value).c_str()); }
  /// With three digits after the point: seconds and milliseconds.
  JsonWriter& number(double value) { return put(fmt::format("{:.3f}", value)); }

  const std::string& str() const { return json_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& put(std::string_view value);
  void separate();

  std::string json_;
  bool needs_comma_ = false;
};

}  // namespace weir::shared
