// access_log: one line for each request or session.
#include "shared/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "log/descriptor_cache.h"
#include "shared/context.h"
#include "shared/features/features.h"
#include "shared/features/scopes.h"
#include "shared/features/syslog.h"
#include "shared/json.h"

namespace weir::shared {

namespace {

using config::Call;
using namespace scopes;

enum class Escape : std::uint8_t { Default, Json, None };

/// A `log_format`: literal runs and variables, which are escaped.
struct LogFormat {
  struct Part {
    std::string text;
    VariableTable::Index variable = 0;
    bool is_variable = false;
  };
  std::vector<Part> parts;
  Escape escape = Escape::Default;
};

struct AccessLog {
  std::string path;
  Template variable_path;  // not empty: `path` is made for each request
  std::shared_ptr<const LogFormat> format;
  std::shared_ptr<log::Syslog> server;  // instead of a file
  Template condition;                   // `if=`; empty: always
};

struct Conf {
  config::Setting<std::vector<AccessLog>> logs;
  config::Setting<std::shared_ptr<const log::DescriptorCacheOptions>> file_cache;  // null: off
  std::map<std::string, std::shared_ptr<LogFormat>> formats;              // of the protocol's block only
};

bool is_escaped_by_default(char c) { return c == '"' || c == '\\' || c < 0x20 || c > 0x7e; }

/// Whether one of eight octets is escaped.
bool is_one_escaped(const char* at) {
  constexpr std::uint64_t kEach = 0x0101010101010101;
  std::uint64_t octets;
  std::memcpy(&octets, at, sizeof octets);
  const auto has = [octets](char wanted) {
    const std::uint64_t difference = octets ^ (kEach * static_cast<unsigned char>(wanted));
    return (difference - kEach) & ~difference;
  };
  return (((octets - kEach * 0x20) | octets | has('"') | has('\\') | has('\x7f')) & (kEach * 0x80)) != 0;
}

const char* find_escaped(const char* from, const char* end) {
  while (end - from >= 8 && !is_one_escaped(from)) from += 8;
  return std::find_if(from, end, is_escaped_by_default);
}

void append_escaped(std::string& line, std::string_view value, Escape escape) {
  constexpr char kHex[] = "0123456789ABCDEF";
  if (escape == Escape::Json) return append_json_text(line, value);
  if (escape == Escape::Default) {
    // Hardly anything needs it, so what lies between is copied as a whole.
    for (;;) {
      const char* const end = value.data() + value.size();
      const char* const found = find_escaped(value.data(), end);
      if (found == end) break;
      const auto octet = static_cast<unsigned char>(*found);
      line.append(value.data(), found).append("\\x").append({kHex[octet >> 4], kHex[octet & 15]});
      value = {found + 1, end};
    }
  }
  line += value;
}

std::shared_ptr<LogFormat> compile_format(std::string_view text, Escape escape, VariableTable& variables) {
  auto format = std::make_shared<LogFormat>();
  format->escape = escape;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dollar = text.find('$', at);
    if (dollar != at) {
      format->parts.push_back({std::string(text.substr(at, dollar - at)), 0, false});
      if (dollar == text.npos) break;
    }
    const bool braced = dollar + 1 < text.size() && text[dollar + 1] == '{';
    const std::size_t begin = dollar + (braced ? 2 : 1);
    std::size_t end = begin;
    while (end < text.size() && (std::isalnum(static_cast<unsigned char>(text[end])) || text[end] == '_')) ++end;
    const std::string_view name = text.substr(begin, end - begin);
    const auto index = variables.find(name);
    if (name.empty()) throw config::ValueError("invalid variable name in log_format");
    if (!index) throw config::ValueError(fmt::format("unknown \"{}\" variable", name));
    format->parts.push_back({{}, *index, true});
    at = end + (braced ? 1 : 0);
  }
  return format;
}

Conf& block_conf(Loader& loader) { return loader.protocol.settings.edit<Conf>(); }

/// What http has without any `log_format`.
constexpr std::string_view kCombinedName = "combined";
constexpr std::string_view kCombined =
    "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

std::shared_ptr<LogFormat> find_format(Loader& loader, const std::string& name) {
  Conf& conf = block_conf(loader);
  if (const auto found = conf.formats.find(name); found != conf.formats.end()) return found->second;
  if (name != kCombinedName || loader.protocol.name != "http") return nullptr;
  return conf.formats.emplace(name, compile_format(kCombined, Escape::Default, loader.protocol.variables)).first->second;
}

void add_format(const Call& call) {
  Loader& loader = Loader::of(call);
  const std::string& name = call.args[0];
  if ((name == kCombinedName && loader.protocol.name == "http") || block_conf(loader).formats.contains(name))
    call.fail(fmt::format("duplicate \"log_format\" name \"{}\"", name));
  std::size_t first = 1;
  Escape escape = Escape::Default;
  if (call.args[1].starts_with("escape=")) {
    constexpr config::EnumName<Escape> kEscapes[] = {
        {"default", Escape::Default}, {"json", Escape::Json}, {"none", Escape::None}};
    escape = config::enum_value(call, std::string_view(call.args[1]).substr(7), kEscapes);
    first = 2;
  }
  std::string text;
  for (const std::string& piece : call.args.subspan(first)) text += piece;
  // Its variables may be defined further down.
  auto format = std::make_shared<LogFormat>();
  block_conf(loader).formats.emplace(name, format);
  loader.afterwards([&loader, format, text, escape, at = call.statement.at] {
    try {
      *format = *compile_format(text, escape, loader.protocol.variables);
    } catch (const config::ValueError& error) {
      loader.diagnostics.error(at, error.what());
    }
  });
}

/// Returns false if the file is there already with another buffer.
bool add_file(Loader& loader, AccessLogToOpen file) {
  for (const AccessLogToOpen& known : loader.protocol.access_logs)
    if (known.path == file.path) return known.buffer == file.buffer && known.flush == file.flush;
  loader.protocol.access_logs.push_back(std::move(file));
  return true;
}

std::size_t buffer_size(const Call& call, const std::string& word) {
  const auto size = config::parse_size(std::string_view(word).substr(7));
  if (!size || size->count() == 0) call.fail(fmt::format("invalid buffer size \"{}\"", word));
  return static_cast<std::size_t>(size->count());
}

std::chrono::milliseconds flush_time(const Call& call, const std::string& word) {
  const auto time = config::parse_time_ms(std::string_view(word).substr(6));
  if (!time || time->count() == 0) call.fail(fmt::format("invalid flush time \"{}\"", word));
  return *time;
}

void add_log(const Call& call) {
  Loader& loader = Loader::of(call);
  std::vector<AccessLog>& logs = call.settings.edit<Conf>().logs.edit();
  if (call.args[0] == "off") {
    if (call.args.size() > 1) call.fail_value(call.args[1]);
    logs.clear();
    return;
  }
  AccessLog log;
  if (call.args[0].starts_with(kSyslogPrefix)) {
    log.server = parse_syslog(call, call.args[0], loader.names);
  } else if (call.args[0].find('$') != std::string::npos) {
    const std::string path = call.args[0].starts_with('$') ? call.args[0] : loader.full_path(call.args[0]);
    log.variable_path = Template::compile(path, loader.protocol.variables);
  } else {
    log.path = loader.full_path(call.args[0]);
  }
  std::string format(loader.protocol.name == "http" ? kCombinedName : std::string_view());
  AccessLogToOpen file{log.path};
  bool is_buffered = false;
  for (std::size_t i = 1; i < call.args.size(); ++i) {
    const std::string& word = call.args[i];
    if (word.starts_with("if="))
      log.condition = Template::compile(std::string_view(word).substr(3), loader.protocol.variables);
    else if (word.starts_with("gzip"))
      call.warn("\"gzip\" has no effect: logs are not compressed by Weir yet");
    else if (word.starts_with("buffer="))
      is_buffered = true, file.buffer = buffer_size(call, word);
    else if (word.starts_with("flush="))
      file.flush = flush_time(call, word);
    else if (i == 1)
      format = word;
    else
      call.fail(fmt::format("invalid parameter \"{}\"", word));
  }
  if (format.empty()) call.fail("log format is not specified");
  log.format = find_format(loader, format);
  if (!log.format) call.fail(fmt::format("unknown log format \"{}\"", format));
  if (log.server && (is_buffered || file.flush.count() != 0)) call.fail("logs to syslog cannot be buffered");
  if (file.flush.count() != 0 && !is_buffered) call.fail(fmt::format("no buffer is defined for access_log \"{}\"", call.args[0]));
  if (is_buffered && !log.server && log.path.empty()) call.fail("buffered logs cannot have variables in name");
  if (!log.path.empty() && !add_file(loader, file))
    call.fail(fmt::format("access_log \"{}\" already defined with conflicting parameters", log.path));
  logs.push_back(std::move(log));
}

void set_file_cache(const Call& call) {
  Conf& conf = call.settings.edit<Conf>();
  if (conf.file_cache.is_set_here()) call.fail_duplicate();
  if (call.args[0] == "off" && call.args.size() == 1) return conf.file_cache.set(nullptr);
  log::DescriptorCacheOptions options;
  for (const std::string& word : call.args) {
    const std::string_view value = std::string_view(word).substr(std::min(word.size(), word.find('=') + 1));
    const auto number = config::parse_number(value);
    const auto time = config::parse_time_s(value);
    if (word.starts_with("max=") && number && *number > 0)
      options.most = *number;
    else if (word.starts_with("min_uses=") && number && *number > 0)
      options.min_uses = *number;
    else if (word.starts_with("inactive=") && time)
      options.inactive = *time;
    else if (word.starts_with("valid=") && time)
      options.valid = *time;
    else
      call.fail(fmt::format("invalid \"open_log_file_cache\" parameter \"{}\"", word));
  }
  if (options.most == 0) call.fail("\"open_log_file_cache\" must have \"max\" parameter");
  conf.file_cache.set(std::make_shared<const log::DescriptorCacheOptions>(options));
}

constexpr config::DirectiveSpec kDirectives[] = {
    config::custom("access_log", kWithIf | config::LimitExcept | kStreamAndServer, {1, -1},
        "path | syslog:server=address[,parameter=value …] [format [buffer=size] [flush=time] [if=condition]] | off",
        "Where requests or sessions are logged.", &add_log, false, &config::inherit_members<&Conf::logs>),
    config::custom("open_log_file_cache", kHttpServerLocation | kStreamAndServer, {1, 4},
        "max=N [inactive=time] [min_uses=N] [valid=time] | off",
        "Keeps log files open whose paths have variables.", &set_file_cache, false,
        &config::inherit_members<&Conf::file_cache>),
    config::custom("log_format", kProtocols, {2, -1}, "name [escape=default|json|none] string …",
        "The form of a line.", &add_format),
};
void send_to_syslog(Context& context, log::Syslog& server, std::string_view line) {
  line.remove_suffix(1);  // the newline
  const int error = server.send(line);
  if (error == 0 || !server.complaint_is_due()) return;
  log::alert(context.error_log(), "send() to syslog server \"{}\" failed ({}), {} lines lost so far", server.name(),
             net::IoError{error}.message(), server.lost());
}

void write_to_variable_path(Context& context, const AccessLog& log, std::string_view line) {
  const std::string path(log.variable_path.evaluate(context));
  if (path.empty() || path.find('\0') != path.npos) return;
  thread_local log::DescriptorCache cache;
  const int error = cache.append(path, line, context.settings().get<Conf>().file_cache->get(), context.loop().now());
  if (error != 0)
    log::crit(context.error_log(), context, "writing to log \"{}\" failed ({}: {})", path, error,
              std::strerror(error));
}

}  // namespace

void write_access_logs(Context& context, bool (*may_name_files)(Context&)) {
  thread_local std::string line;
  for (const AccessLog& log : *context.settings().get<Conf>().logs) {
    if (!log.condition.source().empty()) {
      const std::string_view wanted = log.condition.evaluate(context);
      if (wanted.empty() || wanted == "0") continue;
    }
    line.clear();
    for (const LogFormat::Part& part : log.format->parts) {
      if (!part.is_variable) {
        line += part.text;
        continue;
      }
      const VariableValue value = context.variables().get(part.variable, context);
      if (!value.found)
        line += log.format->escape == Escape::Default ? "-" : "";
      else
        append_escaped(line, value.text, log.format->escape);
    }
    line += '\n';
    if (log.server)
      send_to_syslog(context, *log.server, line);
    else if (log.variable_path.source().empty())
      context.base_runtime().base_worker().access_log(log.path).append(line);
    else if (!may_name_files || may_name_files(context))
      write_to_variable_path(context, log, line);
  }
}

bool has_access_logs(const config::Settings& settings) { return !settings.get<Conf>().logs->empty(); }

void add_default_access_log(config::Settings& settings, Loader& loader, const std::string& path) {
  if (settings.get<Conf>().logs.is_set()) return;
  AccessLog log;
  log.path = path;
  log.format = find_format(loader, std::string(kCombinedName));
  add_file(loader, {log.path});
  settings.edit<Conf>().logs.set({std::move(log)});
}

extern const Directives access_log_directives;
const Directives access_log_directives = kDirectives;

}  // namespace weir::shared
