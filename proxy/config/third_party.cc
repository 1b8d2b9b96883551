// Directives of well-known modules that are not part of nginx, so that they are refused by name and not taken for
// typing errors.
#include "config/catalogue.h"
#include "config/name_pattern.h"

namespace weir::config {
namespace {

struct Family {
  std::string_view pattern;
  std::string_view reason;
};

constexpr std::string_view kLua =
    "it belongs to the Lua module, and Weir runs no scripts; move the logic into a backend";
constexpr std::string_view kBrotli = "it belongs to the brotli module, which Weir does not have yet; use `gzip`";
constexpr std::string_view kZstd = "it belongs to the zstd module, which Weir does not have; use `gzip`";
constexpr std::string_view kHeadersMore =
    "it belongs to the headers-more module; use `add_header … always`, `proxy_hide_header` or `proxy_set_header`";
constexpr std::string_view kFirewall =
    "it belongs to a web application firewall module, which Weir does not have; run the firewall as a proxy of its "
    "own";
constexpr std::string_view kGeoip =
    "it belongs to the GeoIP2 module, which Weir does not have; use `geo` with ranges";
constexpr std::string_view kStatus = "it belongs to a status module, which Weir does not have; use `weir_status`";
constexpr std::string_view kChecks = "it belongs to Tengine's health checks, which Weir does not have yet";
constexpr std::string_view kMembers =
    "it belongs to a module for changing upstreams at run time; Weir takes members from ZooKeeper with `zk_cluster`";
constexpr std::string_view kSticky =
    "it belongs to a sticky session module, which Weir does not have; use `ip_hash` or `hash`";
constexpr std::string_view kTracing = "it belongs to a tracing module, which Weir does not have yet";
constexpr std::string_view kAuth =
    "it belongs to a third-party login module; ask a login service with `auth_request`";
constexpr std::string_view kMedia = "it belongs to a media module, and Weir has no media streaming";
constexpr std::string_view kPush =
    "it belongs to a push module, which Weir does not have; let a backend keep the connections";
constexpr std::string_view kDatabase = "it belongs to a database module, and Weir speaks to HTTP backends only";
constexpr std::string_view kOther = "it belongs to a third-party module, which Weir does not have";

constexpr Family kFamilies[] = {
    {"*_by_lua", kLua},
    {"*_by_lua_block", kLua},
    {"*_by_lua_file", kLua},
    {"lua_*", kLua},
    {"brotli", kBrotli},
    {"brotli_*", kBrotli},
    {"zstd", kZstd},
    {"zstd_*", kZstd},
    {"more_set_headers", kHeadersMore},
    {"more_clear_headers", kHeadersMore},
    {"more_set_input_headers", kHeadersMore},
    {"more_clear_input_headers", kHeadersMore},
    {"modsecurity", kFirewall},
    {"modsecurity_*", kFirewall},
    {"ModSecurityEnabled", kFirewall},
    {"ModSecurityConfig", kFirewall},
    {"SecRulesEnabled", kFirewall},
    {"SecRulesDisabled", kFirewall},
    {"LearningMode", kFirewall},
    {"CheckRule", kFirewall},
    {"BasicRule", kFirewall},
    {"MainRule", kFirewall},
    {"DeniedUrl", kFirewall},
    {"geoip2", kGeoip},
    {"geoip2_*", kGeoip},
    {"vhost_traffic_status", kStatus},
    {"vhost_traffic_status_*", kStatus},
    {"stream_server_traffic_status*", kStatus},
    {"sts_*", kStatus},
    {"req_status*", kStatus},
    {"check", kChecks},
    {"check_*", kChecks},
    {"healthcheck_*", kChecks},
    {"dyups_*", kMembers},
    {"upsync", kMembers},
    {"upsync_*", kMembers},
    {"dynamic_upstream", kMembers},
    {"dynamic_resolve", kMembers},
    {"jdomain", kMembers},
    {"session_sticky*", kSticky},
    {"jvm_route*", kSticky},
    {"sticky_hide_cookie", kSticky},
    {"consistent_hash", "it belongs to a hashing module; use `hash … consistent`"},
    {"fair", "it belongs to the fair module; use `least_conn`"},
    {"upstream_show", kStatus},
    {"opentracing", kTracing},
    {"opentracing_*", kTracing},
    {"opentelemetry*", kTracing},
    {"zipkin_*", kTracing},
    {"jaeger_*", kTracing},
    {"datadog_*", kTracing},
    {"auth_ldap*", kAuth},
    {"ldap_server", kAuth},
    {"auth_pam*", kAuth},
    {"auth_gss*", kAuth},
    {"auth_digest*", kAuth},
    {"rtmp", kMedia},
    {"rtmp_*", kMedia},
    {"vod", kMedia},
    {"vod_*", kMedia},
    {"push_stream_*", kPush},
    {"push_publisher", kPush},
    {"push_subscriber*", kPush},
    {"nchan_*", kPush},
    {"redis_*", kDatabase},
    {"redis2_*", kDatabase},
    {"memc_*", kDatabase},
    {"drizzle_*", kDatabase},
    {"postgres_*", kDatabase},
    {"mongo*", kDatabase},
    {"srcache_*", kDatabase},
    {"rds_json*", kDatabase},
    {"rds_csv*", kDatabase},
    {"passenger_*", "it belongs to Passenger; run the application server by itself and use `proxy_pass`"},
    {"pagespeed", kOther},
    {"pagespeed_*", kOther},
    {"echo", kOther},
    {"echo_*", kOther},
    {"set_escape_uri", kOther},
    {"set_unescape_uri", kOther},
    {"set_if_empty", kOther},
    {"set_md5", kOther},
    {"set_sha1", kOther},
    {"set_hmac_sha1", kOther},
    {"set_random", kOther},
    {"set_secure_random_*", kOther},
    {"set_encode_*", kOther},
    {"set_decode_*", kOther},
    {"set_quote_*", kOther},
    {"array_*", kOther},
    {"encrypted_session_*", kOther},
    {"eval", kOther},
    {"eval_*", kOther},
    {"fancyindex", "it belongs to the fancyindex module; use `autoindex`"},
    {"fancyindex_*", "it belongs to the fancyindex module; use `autoindex`"},
    {"subs_filter", "it belongs to the substitutions module; use `sub_filter`"},
    {"subs_filter_*", "it belongs to the substitutions module; use `sub_filter`"},
    {"dav_ext_methods", kOther},
    {"dav_ext_lock*", kOther},
    {"upload_*", kOther},
    {"ajp_*", "it belongs to the AJP module; let the application listen with HTTP and use `proxy_pass`"},
    {"testcookie", kFirewall},
    {"testcookie_*", kFirewall},
    {"limit_upstream_*", "it belongs to the limit-upstream module; use `max_conns`"},
    {"xss_*", kOther},
};

}  // namespace

std::optional<Verdict> verdict_on_third_party(std::string_view name) {
  for (const Family& family : kFamilies)
    if (fits(family.pattern, name)) return Verdict{Support::Refused, family.reason};
  return std::nullopt;
}

}  // namespace weir::config
