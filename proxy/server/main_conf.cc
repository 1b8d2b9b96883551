#include "server/main_conf.h"

#include <fmt/format.h>

#include <optional>
#include <stdexcept>

#include "config/values.h"
#include "shared/features/syslog.h"
#include "server/configuration.h"

namespace weir::server {

namespace {

using config::Call;
using config::directive;
using config::DirectiveSpec;

std::string path(const Call& call) { return call.load<MainLoader>().full_path(call.args[0]); }

unsigned workers(const Call& call) {
  if (call.args[0] == "auto") return 0;
  const auto number = config::parse_number(call.args[0], 1024);
  if (!number || *number == 0) call.fail_value(call.args[0], "\"auto\" or a number from 1 to 1024");
  return static_cast<unsigned>(*number);
}

void set_user(const Call& call) {
  MainConf& conf = call.settings.edit<MainConf>();
  if (conf.user.is_set_here()) call.fail_duplicate();
  if (!is_root()) return conf.user.set(std::nullopt);  // then nobody is looked for
  try {
    conf.user.set(find_identity(call.args[0], call.args.size() > 1 ? std::optional(call.args[1]) : std::nullopt));
  } catch (const std::runtime_error& error) {
    call.fail(error.what());
  }
}

void add_error_log(const Call& call) {
  ErrorLogTarget target;
  const MainLoader& loader = call.load<MainLoader>();
  if (call.args[0].starts_with(shared::kSyslogPrefix))
    target.server = shared::parse_syslog(call, call.args[0], loader.names());
  else if (call.args[0] != "stderr")
    target.path = loader.full_path(call.args[0]);
  if (call.args.size() > 1) {
    const auto level = log::parse_level(call.args[1]);
    if (!level) call.fail(fmt::format("invalid log level \"{}\"", call.args[1]));
    target.level = *level;
  }
  call.settings.edit<MainConf>().error_logs.edit().push_back(std::move(target));
}

void open_events(const Call& call) { call.apply_children(config::Events, call.settings); }
void open_http(const Call& call) { call.load<MainLoader>().load_http(call); }
void open_stream(const Call& call) { call.load<MainLoader>().load_stream(call); }
void nothing(const Call&) {}

constexpr DirectiveSpec kDirectives[] = {
    directive<&MainConf::daemon, &config::on_off>("daemon", config::Main, {1, 1}, "on | off",
        "Whether Weir goes into the background."),
    config::custom("master_process", config::Main, {1, 1}, "on | off", "Whether workers are processes.", &nothing)
        .accepted("Weir is one process; its workers are threads"),
    directive<&MainConf::pid, &path>("pid", config::Main, {1, 1}, "file", "Where the process's number is written."),
    config::custom("user", config::Main, {1, 2}, "user [group]", "Who Weir becomes when it was started by root.",
        &set_user),
    directive<&MainConf::worker_processes, &workers>("worker_processes", config::Main, {1, 1}, "number | auto",
        "How many event loops, each a thread; auto: one a processor."),
    directive<&MainConf::descriptor_limit, &config::number>("worker_rlimit_nofile", config::Main, {1, 1}, "number",
        "How many descriptors may be open."),
    directive<&MainConf::shutdown_timeout, &config::time_ms>("worker_shutdown_timeout", config::Main, {1, 1}, "time",
        "How long a graceful end may take, and after a reload what still is under the earlier configuration; 0: as long as "
        "the clients need."),
    config::custom("error_log", config::Main, {1, 2}, "file | stderr | syslog:server=address[,parameter=value …] [level]",
        "Where errors are logged, and from which level on.", &add_error_log),
    config::block("events", config::Main, {0, 0}, "{ … }", "Settings of the event loops.", &open_events),
    directive<&MainConf::worker_connections, &config::number>("worker_connections", config::Events, {1, 1}, "number",
        "How many client connections one worker holds; then idle ones are closed for new ones."),
    config::block("http", config::Main, {0, 0}, "{ … }", "The HTTP proxy.", &open_http),
    config::block("stream", config::Main, {0, 0}, "{ … }", "The proxy for connections, whatever is spoken on them.",
        &open_stream),
};

}  // namespace

void add_main_directives(config::DirectiveTable& table) { table.add(kDirectives); }

}  // namespace weir::server
