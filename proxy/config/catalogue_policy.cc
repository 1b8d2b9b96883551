// What becomes of documented directives that no feature implements. A feature's row always wins, so a line here may
// stay when its directive gets implemented.
#include "config/catalogue.h"
#include "config/name_pattern.h"

namespace weir::config {
namespace {

constexpr std::string_view kNotYet = "not implemented by Weir yet";

// Reasons that several lines share.
constexpr std::string_view kTables = "tables grow as needed";
constexpr std::string_view kFiles = "Weir chooses by itself how files are read and sent";
constexpr std::string_view kPackets = "Weir sends at once and in as few packets as possible";
constexpr std::string_view kEvents = "Weir waits with epoll and accepts in bounded turns on every worker";
constexpr std::string_view kNoFileCache = "Weir does not cache open files";
constexpr std::string_view kNoTempFiles = "Weir needs no such temporary files";
constexpr std::string_view kMemory = "Weir sizes its own memory pools";
constexpr std::string_view kOldBrowsers = "it is for browsers that are no longer in use";
constexpr std::string_view kObsolete = "it is obsolete, current nginx ignores it too";
constexpr std::string_view kThreads = "Weir is one process with a thread for each worker";
constexpr std::string_view kNoGzip = "responses pass as the backends encode them; Weir does not compress yet";
constexpr std::string_view kGzipTuning = "Weir chooses the memory and the form of compression";

struct Line {
  std::string_view pattern;
  Support support;
  std::string_view reason;
};

// The first line that fits decides.
constexpr Line kByName[] = {
    {"*_hash_bucket_size", Support::Accepted, kTables},
    {"*_hash_max_size", Support::Accepted, kTables},
    {"sendfile", Support::Accepted, kFiles},
    {"sendfile_max_chunk", Support::Accepted, kFiles},
    {"aio", Support::Accepted, kFiles},
    {"aio_write", Support::Accepted, kFiles},
    {"directio", Support::Accepted, kFiles},
    {"directio_alignment", Support::Accepted, kFiles},
    {"output_buffers", Support::Accepted, kFiles},
    {"read_ahead", Support::Accepted, kFiles},
    {"thread_pool", Support::Accepted, kFiles},
    {"tcp_nopush", Support::Accepted, kPackets},
    {"tcp_nodelay", Support::Accepted, kPackets},
    {"postpone_output", Support::Accepted, kPackets},
    {"send_lowat", Support::Accepted, kPackets},
    {"*_send_lowat", Support::Accepted, kPackets},
    {"use", Support::Accepted, kEvents},
    {"multi_accept", Support::Accepted, kEvents},
    {"accept_mutex", Support::Accepted, kEvents},
    {"accept_mutex_delay", Support::Accepted, kEvents},
    {"epoll_events", Support::Accepted, kEvents},
    {"worker_aio_requests", Support::Accepted, kEvents},
    {"timer_resolution", Support::Accepted, kEvents},
    {"open_file_cache*", Support::Accepted, kNoFileCache},
    {"open_log_file_cache", Support::Accepted, "Weir keeps log files open until they are reopened"},
    {"*_temp_path", Support::Accepted, kNoTempFiles},
    {"*_max_temp_file_size", Support::Accepted, kNoTempFiles},
    {"*_temp_file_write_size", Support::Accepted, kNoTempFiles},
    {"client_body_in_single_buffer", Support::Accepted, kNoTempFiles},
    {"connection_pool_size", Support::Accepted, kMemory},
    {"request_pool_size", Support::Accepted, kMemory},
    {"client_header_buffer_size", Support::Accepted, kMemory},
    {"http2_recv_buffer_size", Support::Accepted, kMemory},
    {"http2_body_preread_size", Support::Accepted, kMemory},
    {"http2_chunk_size", Support::Accepted, kMemory},
    {"http2_pool_size", Support::Accepted, kMemory},
    {"http2_streams_index_size", Support::Accepted, kTables},
    {"gzip_buffers", Support::Accepted, kGzipTuning},
    {"gzip_hash", Support::Accepted, kGzipTuning},
    {"gzip_window", Support::Accepted, kGzipTuning},
    {"gzip_no_buffer", Support::Accepted, kGzipTuning},
    {"postpone_gzipping", Support::Accepted, kGzipTuning},
    {"gzip_disable", Support::Accepted, kOldBrowsers},
    {"gzip_http_version", Support::Accepted, "clients of HTTP/1.0 that accept gzip get it as well"},
    {"gzip", Support::Degraded, kNoGzip},
    {"gzip_*", Support::Degraded, kNoGzip},
    {"http2", Support::Degraded, "clients are served with HTTP/1.1, to which they fall back by themselves"},
    {"ssl", Support::Refused, "nginx removed it as well; write `listen … ssl`"},
    {"ssl_certificate_compression", Support::Accepted, "OpenSSL 3.0 does not compress certificates"},
    {"ssl_ech_file", Support::Accepted, "OpenSSL 3.0 does not encrypt hellos"},
    {"keyval*", Support::Refused, "Weir has no API that would fill such tables; use `map` with `include` and a reload"},
    {"ssl_object_cache_inheritable", Support::Accepted, "files that did not change are not asked for again"},
    {"ssl_engine", Support::Refused, "engines are obsolete in OpenSSL 3; keys are read from PEM files"},
    {"msie_padding", Support::Accepted, kOldBrowsers},
    {"msie_refresh", Support::Accepted, kOldBrowsers},
    {"keepalive_disable", Support::Accepted, kOldBrowsers},
    {"http2_idle_timeout", Support::Accepted, kObsolete},
    {"http2_recv_timeout", Support::Accepted, kObsolete},
    {"http2_max_field_size", Support::Accepted, kObsolete},
    {"http2_max_header_size", Support::Accepted, kObsolete},
    {"http2_max_requests", Support::Accepted, kObsolete},
    {"http2_push", Support::Accepted, kObsolete},
    {"http2_push_preload", Support::Accepted, kObsolete},
    {"http2_max_concurrent_pushes", Support::Accepted, kObsolete},
    {"master_process", Support::Accepted, kThreads},
    {"lock_file", Support::Accepted, kThreads},
    {"zone", Support::Accepted, "all workers share the counters of an upstream anyway"},
    {"env", Support::Accepted, "the whole environment is kept"},
    {"pcre_jit", Support::Accepted, "regular expressions are always compiled to machine code"},
    {"load_module", Support::Accepted, "modules cannot be loaded; directives that Weir does not have are reported"},
    {"google_perftools_profiles", Support::Accepted, "Weir can be profiled with perf"},
    {"debug_points", Support::Accepted, "Weir has no debug points"},
    {"lingering_close", Support::Accepted, "Weir always reads on for a bounded time, so that clients see its answer"},
    {"lingering_time", Support::Accepted, "Weir always reads on for a bounded time, so that clients see its answer"},
    {"lingering_timeout", Support::Accepted,
     "Weir always reads on for a bounded time, so that clients see its answer"},
    {"debug_connection", Support::Degraded, "the level of the error log is the same for all clients"},
    {"worker_priority", Support::Degraded, "the priority stays as it is; set it where Weir is started (nice)"},
    {"proxy_bind_dynamic", Support::Accepted, "the address of `proxy_bind` is found anew for each attempt anyway"},
    {"state", Support::Refused, "members are kept by who announces them: ZooKeeper or DNS (`zk_cluster`, `resolve`)"},
    {"worker_cpu_affinity", Support::Degraded, "the system places the threads; bind the process with taskset"},
    {"worker_rlimit_core", Support::Degraded, "the limit stays as it is; set it where Weir is started (ulimit -c)"},
    {"working_directory", Support::Degraded, "the directory stays as it is; set it where Weir is started"},
    {"rewrite_log", Support::Degraded, "what `rewrite` and its like do is not logged"},
    {"log_subrequest", Support::Degraded, "subrequests have no line in the access log"},
    {"uninitialized_variable_warn", Support::Accepted, "a variable without a value is empty, and no warning is given"},
    {"upstream_conf", Support::Refused, "nginx removed it as well; members are announced through ZooKeeper"},
    {"post_action", Support::Refused, "nginx does not document it; `mirror` sends a copy of a request elsewhere"},
};

// Modules whose directives share a fate.
constexpr Line kByModule[] = {
    {"ngx_mgmt_module", Support::Accepted, "Weir needs no license"},
    {"ngx_mail_*", Support::Refused, "Weir does not proxy mail protocols"},
    {"ngx_http_fastcgi_module", Support::Refused,
     "Weir does not speak FastCGI yet; put an HTTP server before the application and use `proxy_pass`"},
    {"ngx_http_scgi_module", Support::Refused,
     "Weir does not speak SCGI yet; put an HTTP server before the application and use `proxy_pass`"},
    {"ngx_http_uwsgi_module", Support::Refused,
     "Weir does not speak uwsgi yet; let the application listen with `http-socket` and use `proxy_pass`"},
    {"ngx_http_memcached_module", Support::Refused, "Weir does not speak memcached's protocol"},
    {"ngx_http_perl_module", Support::Refused, "Weir runs no scripts; move the logic into a backend"},
    {"ngx_http_js_module", Support::Refused, "Weir runs no scripts; move the logic into a backend"},
    {"ngx_http_geoip_module", Support::Refused, "Weir does not read MaxMind's old databases; make a file for `geo` of them"},
    {"ngx_stream_geoip_module", Support::Refused, "Weir does not read MaxMind's old databases; make a file for `geo` of them"},
    {"ngx_stream_mqtt_*", Support::Refused, "Weir passes MQTT on without looking into it; choose servers by address, or by name with TLS"},
    {"ngx_stream_zone_sync_module", Support::Refused,
     "each Weir counts by itself; what has to be common to several is announced in ZooKeeper"},
    {"ngx_stream_js_module", Support::Refused, "Weir runs no scripts; move the logic into a backend"},
    {"ngx_http_xslt_module", Support::Refused, "Weir does not transform documents; let a backend do it"},
    {"ngx_http_image_filter_module", Support::Refused, "Weir does not transform images; let a backend do it"},
    {"ngx_http_charset_module", Support::Refused, "Weir converts no texts; `charset` says which charset they are in"},
    {"ngx_http_f4f_module", Support::Refused, "Weir has no media streaming; the format is no longer in use"},
    {"ngx_http_flv_module", Support::Refused, "Weir has no media streaming; the format is no longer in use"},
    {"ngx_http_hls_module", Support::Refused, "Weir has no media streaming; prepare the segments as files"},
    {"ngx_http_mp4_module", Support::Refused, "Weir has no media streaming; players seek with byte ranges"},
};

}  // namespace

Verdict verdict_on(const DocumentedDirective& directive) {
  // By module first: `ssl_*` and `server_name` of mail must not get the reasons of their HTTP namesakes.
  for (const Line& line : kByModule)
    if (line.support == Support::Accepted && fits(line.pattern, directive.module)) return {line.support, line.reason};
  for (const Line& line : kByName)
    if (fits(line.pattern, directive.name) && !directive.is_block) return {line.support, line.reason};
  for (const Line& line : kByModule)
    if (fits(line.pattern, directive.module)) return {line.support, line.reason};
  return {Support::Refused, kNotYet};
}

}  // namespace weir::config
