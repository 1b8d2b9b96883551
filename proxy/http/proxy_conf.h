// Settings of proxy_pass and its family. The directives that set them stand in features/proxy.cc.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/setting.h"
#include "http/core_conf.h"
#include "http/error.h"
#include "http/message.h"
#include "http/proxy_cookie.h"
#include "http/proxy_redirect.h"
#include "http/variable.h"

namespace weir::http {



/// Where `proxy_pass` sends a request.
struct ProxyTarget {
  UpstreamBlock* upstream = nullptr;  // nothing: `address` has variables
  std::string scheme = "http";
  std::string host_and_port;  // as written: `$proxy_host`
  std::string uri;            // what replaces the location's prefix; empty: the request's own URI goes on
  bool has_uri = false;
  std::string prefix;         // the location's, which `uri` replaces
  Template address;           // the whole argument, when it has variables
  bool is_set() const { return upstream != nullptr || !address.source().empty(); }
};

/// One field of `proxy_set_header`. An empty value removes the field.
struct HeaderAssignment {
  std::string name;
  FieldId id = FieldId::Other;
  Template value;
};

/// What is written before the client's own fields, and which of those are left out. Made once per location.
struct RequestFields {
  std::vector<HeaderAssignment> set;
  FieldSet known_skipped;
  std::vector<std::string> other_skipped;  // lower case
};

/// `proxy_bind`: the address that connections to backends come from.
struct ProxyBind {
  Template address;  // empty: the system chooses
  bool transparent = false;
};

/// Fields of a backend's response that `proxy_ignore_headers` names, as bits.
namespace ignored {
inline constexpr std::uint32_t kAccelRedirect = 1, kAccelExpires = 2, kAccelLimitRate = 4, kAccelBuffering = 8,
                               kAccelCharset = 16, kExpires = 32, kCacheControl = 64, kSetCookie = 128, kVary = 256;
}

struct ProxyConf {
  Setting<ProxyTarget> pass;
  Setting<ProxyTarget> outer_pass;  // of the scope around, for `if` and `limit_except` blocks
  Setting<std::vector<HeaderAssignment>> set_header;
  Setting<std::vector<std::string>> hide_header;
  Setting<std::vector<std::string>> pass_header;
  Setting<Version> http_version{Version::Http11};
  Setting<bool> refuse_ambiguous_target{true};
  Setting<milliseconds> connect_timeout{milliseconds(60'000)};
  Setting<milliseconds> send_timeout{milliseconds(60'000)};
  Setting<milliseconds> read_timeout{milliseconds(60'000)};
  Setting<std::uint32_t> next_upstream{condition::kError | condition::kTimeout};
  Setting<std::uint64_t> next_upstream_tries{0};
  Setting<milliseconds> next_upstream_timeout{milliseconds(0)};
  Setting<bool> buffering{true};
  Setting<config::BufferSizes> buffers{{8, ByteCount(8 * 1024)}};
  Setting<ByteCount> busy_buffers_size{ByteCount(0)};
  Setting<ByteCount> max_temp_file_size{ByteCount(std::uint64_t{1} << 30)};
  Setting<ByteCount> temp_file_write_size{ByteCount(0)};
  Setting<std::string> temp_path{"proxy_temp"};
  Setting<Template> limit_rate;
  Setting<bool> request_buffering{true};
  Setting<ByteCount> buffer_size{ByteCount(32 * 1024)};
  Setting<bool> ignore_client_abort{false};
  Setting<bool> intercept_errors{false};
  Setting<bool> pass_request_headers{true};
  Setting<bool> pass_request_body{true};
  Setting<bool> socket_keepalive{false};
  Setting<bool> pass_trailers{false};
  Setting<std::optional<Template>> set_body;
  Setting<Template> method;
  Setting<ProxyBind> bind;
  Setting<std::uint32_t> ignore_headers{0};
  Setting<std::vector<Template>> early_hints;  // not set: they are passed on
  Setting<std::vector<CookieRewrite>> cookie_domain, cookie_path;
  Setting<std::vector<CookieFlags>> cookie_flags;
  Setting<std::vector<ProxyRedirect>> redirect;
  Setting<bool> redirects_by_default{true};  // `proxy_redirect default` stands among the rules, or no rule at all

  // Derived when the configuration was read.
  std::shared_ptr<const RequestFields> request_fields;
  std::vector<ProxyRedirect> redirects;  // the default one included
  FieldSet hidden;
  std::vector<std::string> hidden_others;  // lower case
};

}  // namespace weir::http
