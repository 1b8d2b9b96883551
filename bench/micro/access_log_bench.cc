// What a line of the access log costs: its variables read from an exchange, escaped, and put into the worker's buffer,
// which goes to /dev/null in blocks.
//
//   build/bench/micro/access_log_bench --benchmark_repetitions=7 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "http/exchange.h"
#include "http/silent_channel.h"
#include "log/access_log_file.h"
#include "server/configuration.h"
#include "shared/access_log.h"

namespace {

using namespace weir;

/// A client that has sent a request and got its answer.
class PastClient final : public http::SilentChannel {
 public:
  PastClient() { info_.client = *net::Endpoint::parse("203.0.113.7:51234"); }
  const http::ConnectionInfo& connection() const override { return info_; }
  net::Stream& stream() override { std::abort(); }  // no log asks for it
  std::uint64_t octets_sent() const override { return 371; }
  std::uint64_t octets_received() const override { return 402; }

 private:
  http::ConnectionInfo info_;
};

/// A configuration that logs to /dev/null, and what one worker needs for it.
struct Served {
  net::Loop loop;
  http::ProcessCounters counters;
  log::ErrorLog error_log = log::ErrorLog::to_stderr(log::Level::Warn);
  http::WorkerState worker{loop, nullptr, counters};
  std::shared_ptr<http::HttpConfig> config;
  http::RuntimeRef runtime;

  explicit Served(const std::string& logging) {
    char folder[] = "/tmp/weir-bench-XXXXXX";
    if (!mkdtemp(folder)) throw std::runtime_error("no folder for the configuration");
    const std::string file = std::string(folder) + "/weir.conf";
    std::ofstream(file) << "events {}\nhttp {\n" << logging << "\nserver { listen 127.0.0.1:8080; location / { } }\n}\n";
    server::Paths paths;
    paths.prefix = paths.conf_dir = std::string(folder) + "/";
    paths.conf_file = file;
    config::Diagnostics problems;
    config = server::load_configuration(paths, {}, problems, shared::Names::Resolve).http;
    std::filesystem::remove_all(folder);
    if (problems.has_errors()) throw std::runtime_error("the configuration has errors");
    int error = 0;
    log::LogFiles files;
    for (const auto& log : config->access_logs)
      worker.access_logs.emplace(log.path, std::make_unique<log::AccessLogFile>(files.open(log.path, error), error_log));
    runtime = http::RuntimeRef(new http::Runtime(worker, config, error_log));
  }
};

/// As if it had been served: what logs ask of it.
void fill(http::Exchange& exchange, const http::ServerBlock& server) {
  exchange.server = &server;
  exchange.enter(server.root);
  exchange.request.line = "GET /static/app.js?v=17 HTTP/1.1";
  exchange.request.fields.add("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0");
  exchange.request.fields.add("Referer", "https://www.example.com/");
  exchange.response.status = 200;
  exchange.attempts.push_back({.address = "10.0.0.5:8080", .status = 200, .total = std::chrono::microseconds(1250)});
}

/// Values live as long as their exchange, so each exchange is logged a few times only.
void write_lines(benchmark::State& state, const std::string& logging) {
  constexpr std::int64_t kLines = 32;
  Served served(logging);
  PastClient client;
  while (state.KeepRunningBatch(kLines)) {
    net::Arena arena(served.loop.buffers());
    http::Exchange exchange(served.runtime, client, arena);
    fill(exchange, *served.config->servers.front());
    for (std::int64_t i = 0; i < kLines; ++i) shared::write_access_logs(exchange, nullptr);
  }
}
BENCHMARK_CAPTURE(write_lines, off, "access_log off;");
BENCHMARK_CAPTURE(write_lines, combined, "access_log /dev/null;");
BENCHMARK_CAPTURE(write_lines, with_upstream,
                  "log_format timed '$remote_addr [$time_iso8601] \"$request\" $status $bytes_sent $request_time '\n"
                  "'$upstream_addr $upstream_status $upstream_response_time';\n"
                  "access_log /dev/null timed;");
BENCHMARK_CAPTURE(write_lines, json,
                  "log_format json escape=json '{\"client\":\"$remote_addr\",\"request\":\"$request\",'\n"
                  "'\"status\":$status,\"agent\":\"$http_user_agent\"}';\n"
                  "access_log /dev/null json;");

}  // namespace
