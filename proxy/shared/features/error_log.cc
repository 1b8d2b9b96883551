// error_log of a server or a location. (That of the main context belongs to the process: server/main_conf.cc.)
#include <fmt/format.h>

#include "shared/error_log_conf.h"
#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/features/syslog.h"

namespace weir::shared {

namespace {

using config::Call;

void add_error_log(const Call& call) {
  if (call.args[0].starts_with("memory:")) call.fail("logging to memory is not implemented by Weir; log to a file");
  Loader& loader = Loader::of(call);
  ErrorLogToOpen wanted;
  if (call.args[0].starts_with(kSyslogPrefix))
    wanted.server = parse_syslog(call, call.args[0], loader.names);
  else if (call.args[0] != "stderr")
    wanted.path = loader.full_path(call.args[0]);
  if (call.args.size() > 1) {
    const auto level = log::parse_level(call.args[1]);
    if (!level) call.fail(fmt::format("invalid log level \"{}\"", call.args[1]));
    wanted.level = *level;
  }
  std::shared_ptr<log::ErrorLog>& log = call.settings.edit<ErrorLogConf>().log.edit();
  if (!log) log = std::make_shared<log::ErrorLog>();
  wanted.log = log;
  loader.protocol.error_logs.push_back(std::move(wanted));
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("error_log", scopes::kHttpServerLocation | scopes::kStreamAndServer, {1, 2},
        "file | stderr | syslog:server=address[,parameter=value …] [level]",
        "Where errors are logged, and from which level on.", &add_error_log, false,
        &config::inherit_members<&ErrorLogConf::log>),
};

}  // namespace

extern const Directives error_log_directives;
const Directives error_log_directives = kDirectives;

}  // namespace weir::shared
