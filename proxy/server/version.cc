#include "server/version.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/opensslv.h>

namespace weir::server {
namespace {

using enum Module::Default;
constexpr bool Present = true;
constexpr bool Absent = false;

constexpr Module kModules[] = {
    // HTTP, in nginx unless it is told otherwise
    {"http_access_module", In, Present},
    {"http_auth_basic_module", In, Present},
    {"http_autoindex_module", In, Absent},
    {"http_browser_module", In, Absent},
    {"http-cache", In, Absent},
    {"http_charset_module", In, Absent},
    {"http_empty_gif_module", In, Absent},
    {"http_fastcgi_module", In, Absent},
    {"http_geo_module", In, Present},
    {"http_grpc_module", In, Absent},
    {"http_gzip_module", In, Absent},
    {"http_limit_conn_module", In, Present},
    {"http_limit_req_module", In, Present},
    {"http_map_module", In, Present},
    {"http_memcached_module", In, Absent},
    {"http_mirror_module", In, Absent},
    {"http_proxy_module", In, Present},
    {"http_referer_module", In, Absent},
    {"http_rewrite_module", In, Present},
    {"http_scgi_module", In, Absent},
    {"http_split_clients_module", In, Present},
    {"http_ssi_module", In, Absent},
    {"http_tunnel_module", In, Absent},
    {"http_userid_module", In, Absent},
    {"http_uwsgi_module", In, Absent},
    {"http_upstream_hash_module", In, Present},
    {"http_upstream_ip_hash_module", In, Present},
    {"http_upstream_keepalive_module", In, Present},
    {"http_upstream_least_conn_module", In, Present},
    {"http_upstream_least_time_module", In, Present},
    {"http_upstream_random_module", In, Present},
    {"http_upstream_sticky_module", In, Present},
    {"http_upstream_zone_module", In, Present},

    // HTTP, in nginx only if it is asked for
    {"http_addition_module", Out, Absent},
    {"http_auth_request_module", Out, Present},
    {"http_dav_module", Out, Absent},
    {"http_flv_module", Out, Absent},
    {"http_geoip_module", Out, Absent},
    {"http_gunzip_module", Out, Absent},
    {"http_gzip_static_module", Out, Absent},
    {"http_image_filter_module", Out, Absent},
    {"http_mp4_module", Out, Absent},
    {"http_perl_module", Out, Absent},
    {"http_random_index_module", Out, Absent},
    {"http_realip_module", Out, Present},
    {"http_secure_link_module", Out, Present},
    {"http_slice_module", Out, Absent},
    {"http_ssl_module", Out, Present},
    {"http_stub_status_module", Out, Present},
    {"http_sub_module", Out, Absent},
    {"http_v2_module", Out, Absent},
    {"http_v3_module", Out, Absent},
    {"http_xslt_module", Out, Absent},

    // L4
    {"stream", Out, Present},
    {"stream_ssl_module", Out, Present},
    {"stream_ssl_preread_module", Out, Present},
    {"stream_realip_module", Out, Present},
    {"stream_geoip_module", Out, Absent},
    {"stream_access_module", In, Present},
    {"stream_geo_module", In, Present},
    {"stream_limit_conn_module", In, Present},
    {"stream_map_module", In, Present},
    {"stream_pass_module", In, Present},
    {"stream_return_module", In, Present},
    {"stream_set_module", In, Present},
    {"stream_split_clients_module", In, Present},
    {"stream_upstream_hash_module", In, Present},
    {"stream_upstream_least_conn_module", In, Present},
    {"stream_upstream_least_time_module", In, Present},
    {"stream_upstream_random_module", In, Present},
    {"stream_upstream_zone_module", In, Present},

    // the rest
    {"mail", Out, Absent},
    {"mail_ssl_module", Out, Absent},
    {"pcre-jit", Out, Present},
    {"threads", Out, Present},
};

bool has_tls() {
  for (const Module& module : kModules)
    if (module.name == "http_ssl_module") return module.present;
  return false;
}

std::string openssl_text() {
  const std::string_view running = OpenSSL_version(OPENSSL_VERSION);
  if (running == OPENSSL_VERSION_TEXT) return fmt::format("built with {}", OPENSSL_VERSION_TEXT);
  return fmt::format("built with {} (running with {})", OPENSSL_VERSION_TEXT, running);
}

}  // namespace

std::string_view version() {
  return WEIR_VERSION;
}

std::span<const Module> modules() {
  return kModules;
}

std::string version_text() {
  return fmt::format(
      "weir version: weir/{} (reverse proxy that reads nginx configuration)\n"
      "nginx version: nginx/{} (configuration level)\n",
      version(), kNginxLevel);
}

std::string configure_arguments(std::span<const Module> table) {
  std::string text;
  for (const Module& module : table) {
    if (module.in_nginx == In && !module.present) text += fmt::format(" --without-{}", module.name);
    if (module.in_nginx == Out && module.present) text += fmt::format(" --with-{}", module.name);
  }
  return text;
}

std::string build_text() {
  return fmt::format("{}built by gcc {}\n{}\nTLS SNI support {}\nconfigure arguments:{}\n", version_text(),
                     __VERSION__, openssl_text(), has_tls() ? "enabled" : "disabled", configure_arguments(kModules));
}

}  // namespace weir::server
