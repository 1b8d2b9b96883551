// Formats whose data is JSON: Nerve, Finagle ServerSet, Curator and Spring, the JSON of the nginx modules, plain lists.
// Keys that are not known are ignored, as all of these have been extended over time.
#include "member/formats/format.h"

#include "member/formats/json.h"

#include <boost/json/array.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir::discovery {
namespace {

namespace json = boost::json;

FromData rejected(const char* reason) { return {.reason = reason, .is_rejected = true}; }

constexpr const char* kNotJson = "not JSON";
constexpr const char* kNotAnObject = "not a JSON object";

template <class Decode>
FromData with_object(std::string_view data, Decode decode) {
  const auto value = parse_json(data, kDeepestJson);
  if (!value) return rejected(kNotJson);
  if (!value->is_object()) return rejected(kNotAnObject);
  return decode(value->get_object());
}

// `port` must be there as a number; a string of digits is not one for those who write these formats.
const char* address_from(const json::object& object, std::string_view host_key, MemberBuilder& builder) {
  const std::string_view host = string_at(object, host_key);
  if (host.empty()) return to_string(NameError::BadAddress);
  return builder.set_address(host, whole_at(object, "port").value_or(0));
}

// The text value of a label; numbers and truths as JSON writes them.
std::string label_text(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_bool()) return value.get_bool() ? "true" : "false";
  if (value.is_int64()) return std::to_string(value.get_int64());
  return {};
}

void add_labels(const json::object& object, std::string_view key, MemberBuilder& builder) {
  const json::value* const labels = find_key(object, key);
  if (labels == nullptr || !labels->is_object()) return;
  for (const auto& entry : labels->get_object()) {
    const std::string_view label(entry.key().data(), entry.key().size());
    if (is_valid_key("l." + std::string(label))) builder.add_fact("l." + std::string(label), label_text(entry.value()));
  }
}

// Whether `word` is one of the words of `text`.
bool has_word(std::string_view text, std::string_view word) {
  for (std::size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
    const bool begins = at == 0 || text[at - 1] == ' ';
    const bool ends = at + word.size() == text.size() || text[at + word.size()] == ' ';
    if (begins && ends) return true;
  }
  return false;
}

FromData nerve(const json::object& object, const DecodeRules& rules) {
  MemberBuilder builder(rules);
  if (const char* const wrong = address_from(object, "host", builder)) return rejected(wrong);
  const char* reason = nullptr;
  if (const json::value* const weight = find_key(object, "weight")) {
    // HAProxy's weights: 1 unless given.
    const auto number = number_of(*weight);
    if (!number || !builder.set_weight(*number, rules.default_weight)) reason = "bad weight";
  }
  builder.member().backup = has_word(string_at(object, "haproxy_server_options"), "backup");
  add_labels(object, "labels", builder);
  return {.members = {std::move(builder.member())}, .reason = reason};
}

FromData serverset(const json::object& object, const DecodeRules& rules) {
  const json::value* const endpoint = find_key(object, "serviceEndpoint");
  if (endpoint == nullptr || !endpoint->is_object()) return rejected("no serviceEndpoint");
  MemberBuilder builder(rules);
  if (const char* const wrong = address_from(endpoint->get_object(), "host", builder)) return rejected(wrong);
  const std::string_view status = string_at(object, "status");
  if (status.empty()) return rejected("no status");
  builder.member().down = status != "ALIVE";
  if (const auto shard = whole_at(object, "shard")) builder.add_fact("l.shard", std::to_string(*shard));
  add_labels(object, "metadata", builder);
  return {.members = {std::move(builder.member())}};
}

FromData curator(const json::object& object, const DecodeRules& rules) {
  MemberBuilder builder(rules);
  if (const char* const wrong = address_from(object, "address", builder)) return rejected(wrong);
  if (const json::value* const enabled = find_key(object, "enabled"); enabled != nullptr && enabled->is_bool())
    builder.member().down = !enabled->get_bool();
  builder.add_fact("i", string_at(object, "id"));
  const json::value* const payload = find_key(object, "payload");
  if (payload != nullptr && payload->is_object()) {
    // Spring Cloud: whatever is not UP is out.
    const json::value* const metadata = find_key(payload->get_object(), "metadata");
    if (metadata != nullptr && metadata->is_object()) {
      const std::string_view status = string_at(metadata->get_object(), "instance_status");
      if (!status.empty() && status != "UP") builder.member().down = true;
    }
    add_labels(payload->get_object(), "metadata", builder);
  }
  return {.members = {std::move(builder.member())}};
}

// What nginx-upsync keeps under `ip:port`, and the older form of ngx_zookeeper_upstream, `{"port":8080}`.
FromData nginx(std::string_view name, const json::object& object, const DecodeRules& rules) {
  MemberBuilder builder(rules);
  const auto port = whole_at(object, "port");
  const char* const wrong = port ? builder.set_address(name.substr(0, name.rfind(':')), *port) : builder.set_address(name);
  if (wrong != nullptr) return rejected(wrong);
  KnownMember& member = builder.member();
  const char* reason = nullptr;
  if (const json::value* const weight = find_key(object, "weight")) {
    const auto number = number_of(*weight);
    if (!number || !builder.set_weight(*number, rules.default_weight)) reason = "bad weight";
  }
  constexpr std::int64_t kMost = 1'000'000;
  const auto take = [&](const char* key, std::uint32_t& into) {
    if (const auto count = whole_at(object, key); count && *count <= kMost) into = static_cast<std::uint32_t>(*count);
    else if (find_key(object, key) != nullptr) reason = "bad parameter";
  };
  take("max_fails", member.max_fails);
  take("max_conns", member.max_conns);
  std::uint32_t seconds = static_cast<std::uint32_t>(member.fail_timeout.count() / 1000);
  if (find_key(object, "fail_timeout") != nullptr) {
    take("fail_timeout", seconds);
    member.fail_timeout = std::chrono::seconds(std::min<std::uint32_t>(seconds, 86'400));
  }
  const auto is_set = [&](const char* key) {
    const json::value* const flag = find_key(object, key);
    return flag != nullptr && ((flag->is_bool() && flag->get_bool()) || number_of(*flag).value_or(0) != 0);
  };
  member.down = member.down || is_set("down");
  member.backup = member.backup || is_set("backup");
  return {.members = {std::move(member)}, .reason = reason};
}

// A list of objects with host and port: one node, many members (as APISIX-Seed reads).
FromData list(const json::array& entries, const DecodeRules& rules) {
  if (entries.size() > kMostPerChild) return rejected("too many members in one node");
  FromData result;
  for (const json::value& entry : entries) {
    if (!entry.is_object()) return rejected(kNotAnObject);
    FromData one = nerve(entry.get_object(), rules);
    if (one.is_rejected) return one;
    if (one.reason != nullptr) result.reason = one.reason;
    result.members.push_back(std::move(one.members.front()));
  }
  return result;
}

}  // namespace

// Nerve: `{"host":…,"port":…,"name":…,"weight":…,"haproxy_server_options":…,"labels":{…}}`.
// Source: README of airbnb/nerve, and what airbnb/synapse reads of it.
FromData decode_nerve(std::string_view data, const DecodeRules& rules) {
  return with_object(data, [&](const json::object& object) { return nerve(object, rules); });
}

// The same in the name, for readers who want to save the reading: `base64_<length>_<urlsafe base64>_<sequence>`.
FromName decode_nerve_name(std::string_view name, const DecodeRules& rules) {
  constexpr std::string_view kPrefix = "base64_";
  constexpr std::size_t kLongestBase64 = 65'536;
  std::size_t length = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + std::min(kPrefix.size(), name.size()), end, length);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  if (!name.starts_with(kPrefix) || error != std::errc{} || length > kLongestBase64 || rest.size() < length + 1 ||
      rest[0] != '_' || (rest.size() > length + 1 && rest[length + 1] != '_')) {
    return {.reason = "bad encoding"};
  }
  std::string data;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : rest.substr(1, length)) {
    std::uint32_t value = 0;
    if (c >= 'A' && c <= 'Z') value = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z') value = static_cast<std::uint32_t>(c - 'a' + 26);
    else if (c >= '0' && c <= '9') value = static_cast<std::uint32_t>(c - '0' + 52);
    else if (c == '-' || c == '+') value = 62;
    else if (c == '_') value = 63;
    else if (c == '=') break;
    else return {.reason = "bad encoding"};
    bits = bits << 6 | value;
    if ((count += 6) < 8) continue;
    count -= 8;
    data += static_cast<char>(bits >> count & 0xff);
  }
  FromData decoded = decode_nerve(data, rules);
  return {.what = decoded.is_rejected ? FromName::What::Rejected : FromName::What::Members,
          .members = std::move(decoded.members),
          .reason = decoded.reason};
}

// Finagle: `{"serviceEndpoint":{"host":…,"port":…},"additionalEndpoints":{…},"status":"ALIVE","shard":3,"metadata":{…}}`.
// Source: finagle-serversets and the ServerSet documentation of Twitter Commons. Only ALIVE is used.
FromData decode_serverset(std::string_view data, const DecodeRules& rules) {
  return with_object(data, [&](const json::object& object) { return serverset(object, rules); });
}

// Curator's ServiceInstance: `{"name":…,"id":…,"address":…,"port":…,"payload":…,"serviceType":"DYNAMIC"}`.
// Source: Curator's documentation of Service Discovery; for the payload, that of Spring Cloud Zookeeper.
FromData decode_curator(std::string_view data, const DecodeRules& rules) {
  return with_object(data, [&](const json::object& object) { return curator(object, rules); });
}

FromData decode_any_json(std::string_view name, std::string_view data, const DecodeRules& rules) {
  const auto value = parse_json(data, kDeepestJson);
  if (!value) return rejected(kNotJson);
  if (value->is_array()) return list(value->get_array(), rules);
  if (!value->is_object()) return rejected(kNotAnObject);
  const json::object& object = value->get_object();
  if (object.contains("serviceEndpoint")) return serverset(object, rules);
  if (object.contains("address") && (object.contains("serviceType") || object.contains("registrationTimeUTC")))
    return curator(object, rules);
  if (object.contains("host")) return nerve(object, rules);
  return nginx(name, object, rules);
}

}  // namespace weir::discovery
