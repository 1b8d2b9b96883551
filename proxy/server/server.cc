#include "server/server.h"

#include <signal.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <cstring>
#include <filesystem>
#include <latch>
#include <optional>
#include <stdexcept>
#include <thread>

#include <fmt/format.h>

#include "net/tls_key_log.h"
#include "server/certificate_watch.h"
#include "server/staple_watch.h"
#include "server/privileges.h"
#include "server/version.h"

namespace weir::server {

namespace {

std::shared_ptr<log::LogFile> open_log(log::LogFiles& files, const std::string& path) {
  int error = 0;
  auto file = files.open(path, error);
  if (!file && error == ENOENT) {  // the folder of a fresh prefix
    std::error_code ignored;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
    file = files.open(path, error);
  }
  if (!file) throw std::runtime_error(system_error_text(fmt::format("open() \"{}\"", path), error));
  return file;
}

void add_target(log::ErrorLog& log, const std::shared_ptr<log::Syslog>& server, const std::string& path,
                log::Level level, log::LogFiles& files) {
  if (server)
    log.add(server, level);
  else
    log.add(open_log(files, path), level);
}

unsigned count_workers(const MainConf& conf) {
  if (*conf.worker_processes != 0) return *conf.worker_processes;
  return std::max(1u, std::thread::hardware_concurrency());
}

ListenOptions options_of(const shared::ListenSocket& listen) {
  ListenOptions options;
  options.backlog = listen.backlog;
  if (listen.receive_buffer != 0) options.receive_buffer = listen.receive_buffer;
  if (listen.send_buffer != 0) options.send_buffer = listen.send_buffer;
  options.ipv6_only = listen.ipv6_only;
  options.reuse_port = listen.reuse_port;
  options.deferred = listen.deferred;
  options.fast_open = listen.fast_open;
  if (listen.keep_alive)
    options.keep_alive = KeepAliveProbes{listen.keep_alive->enabled, listen.keep_alive->idle, listen.keep_alive->interval,
                                         listen.keep_alive->count};
  return options;
}

std::array<const shared::ProtocolConfig*, 2> protocols(const Configuration& configuration) {
  return {configuration.http.get(), configuration.stream.get()};
}

void report(const log::ErrorLog& error_log, const config::Diagnostics& diagnostics) {
  for (const config::Diagnostic& each : diagnostics.all()) {
    const log::Level level = each.severity == config::Severity::Emerg  ? log::Level::Emerg
                             : each.severity == config::Severity::Warn ? log::Level::Warn
                                                                       : log::Level::Notice;
    log::write(error_log, level, "{}{}", each.message, config::to_text(each.at));
  }
}

/// A limit that the system refuses is no reason not to serve: nginx says so and goes on, too.
void make_room_for_descriptors(const MainConf& conf, const log::ErrorLog& error_log) {
  if (conf.descriptor_limit.is_set()) {
    try {
      set_descriptor_limit(*conf.descriptor_limit);
      return;
    } catch (const std::runtime_error& error) {
      log::alert(error_log, "{}: worker_rlimit_nofile is not kept", error.what());
    }
  }
  set_descriptor_limit(std::nullopt);
}

constexpr int kSignals[] = {SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH};

// Signals wait from before the pid file invites them until run() takes them, else one that comes early kills. Threads
// started meanwhile never see them.
void mask_signals(int how) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : kSignals) sigaddset(&set, number);
  ::pthread_sigmask(how, &set, nullptr);
}

}  // namespace

// Whatever run() needs is there before the workers are: they may use up all descriptors before it begins.
struct Server::Control {
  explicit Control(std::function<std::shared_ptr<log::ErrorLog>()> log) : certificates(context, log), staples(context, log) {
    for (const int number : kSignals) signals.add(number);
  }

  boost::asio::io_context context;
  boost::asio::signal_set signals{context};
  boost::asio::steady_timer check{context}, limit{context};
  CertificateWatch certificates;
  StapleWatch staples;
};

Server::Server(CommandLine arguments, Paths paths) : arguments_(std::move(arguments)), paths_(std::move(paths)) {}

Server::~Server() {
  for (auto& worker : workers_)
    if (!worker->has_ended()) worker->stop();
  for (auto& worker : workers_) worker->join();
}

std::shared_ptr<log::ErrorLog> Server::open_error_log(const MainConf& conf) {
  auto log = std::make_shared<log::ErrorLog>();
  if (!conf.error_logs.is_set()) {
    log->add(open_log(log_files_, paths_.error_log), log::Level::Error);
    return log;
  }
  for (const ErrorLogTarget& target : *conf.error_logs)
    add_target(*log, target.server, target.path, target.level, log_files_);
  return log;
}

std::vector<std::pair<std::string, std::shared_ptr<log::LogFile>>> Server::open_access_logs(
    const Configuration& configuration) {
  std::vector<std::pair<std::string, std::shared_ptr<log::LogFile>>> opened;
  for (const auto& keys : net::TlsKeyLog::all())
    if (const int error = keys->open()) throw std::runtime_error(system_error_text(fmt::format("open() \"{}\"", keys->path()), error));
  for (const shared::ProtocolConfig* protocol : protocols(configuration)) {
    for (const auto& log : protocol->access_logs) opened.emplace_back(log.path, open_log(log_files_, log.path));
    for (const shared::ErrorLogToOpen& wanted : protocol->error_logs)
      add_target(*wanted.log, wanted.server, wanted.path, wanted.level, log_files_);
  }
  return opened;
}

const std::string& Server::pid_path(const MainConf& conf) const { return conf.pid.is_set() ? *conf.pid : paths_.pid_file; }

// The addresses of http first, then those of stream: workers tell them apart by their number.
ListenSockets Server::bind(const Configuration& configuration) {
  std::vector<WantedSocket> wanted;
  const auto add = [&wanted](const shared::ListenSocket& listen) {
    const auto endpoint = net::Endpoint::parse(listen.text);
    if (!endpoint) throw std::runtime_error(fmt::format("\"{}\" is no address to listen on", listen.text));
    wanted.push_back({*endpoint, options_of(listen)});
  };
  for (const auto& listen : configuration.http->listens) add(*listen);
  for (const auto& listen : configuration.stream->listens) {
    add(*listen);
    wanted.back().options.datagrams = listen->datagrams;
  }
  ListenSockets::Opened opened = ListenSockets::open(wanted, worker_count_, sockets_);
  if (!opened.errors.empty()) {
    std::string text;
    for (const std::string& error : opened.errors) text += (text.empty() ? "" : "; ") + error;
    throw std::runtime_error(text);
  }
  for (const std::string& warning : opened.warnings) log::alert(*error_log_, "{}", warning);
  return std::move(opened.sockets);
}

void Server::number(const Configuration& configuration) {
  configuration.http->generation = configuration.stream->generation = ++generation_;
  // In the words that nginx has for the end of an old worker, as scripts wait for them after a reload.
  const auto tell = [log = error_log_, number = generation_, &ending = ending_](const void*) {
    if (!ending)
      log::notice(*log, "generation {} of the configuration is not used any more: it exited with code 0", number);
  };
  configuration.http->in_use = configuration.stream->in_use = std::shared_ptr<const void>(nullptr, tell);
}

void Server::distribute(const Configuration& configuration, const ListenSockets& sockets) {
  std::latch taken(static_cast<std::ptrdiff_t>(workers_.size()));
  for (unsigned i = 0; i < workers_.size(); ++i) {
    const auto own = sockets.of_worker(i);
    workers_[i]->adopt({.http = configuration.http,
                        .stream = configuration.stream,
                        .error_log = error_log_,
                        .sockets = {own.begin(), own.end()},
                        .access_logs = access_logs_,
                        .connections = *configuration.main().worker_connections,
                        .shutdown_timeout = *configuration.main().shutdown_timeout},
                       [&taken] { taken.count_down(); });
  }
  taken.wait();
}

void Server::start(Configuration configuration) {
  mask_signals(SIG_BLOCK);
  const MainConf& conf = configuration.main();
  error_log_ = open_error_log(conf);
  make_room_for_descriptors(conf, *error_log_);
  access_logs_ = open_access_logs(configuration);
  worker_count_ = count_workers(conf);
  number(configuration);

  sockets_ = bind(configuration);
  Background background;
  if (*conf.daemon) background = Background::daemonize();
  pid_file_ = PidFile::write(pid_path(conf));
  if (const std::optional<Identity>& user = *conf.user) {
    for (const int fd : sockets_.descriptors()) give_to(*user, fd);
    drop_privileges(*user);
  }
  control_ = std::make_unique<Control>([this] { return error_log_; });
  commit_upstreams(configuration);
  for (unsigned i = 0; i < worker_count_; ++i) {
    workers_.push_back(std::make_unique<Worker>(i, connection_serial_, counters_, udp_sessions_));
    counters_.add(workers_.back()->counters());
    workers_.back()->start();
  }
  distribute(configuration, sockets_);
  current_ = std::move(configuration);
  log::notice(*error_log_, "weir/{} started: {} workers, {} listening addresses", version(), worker_count_,
              current_.http->listens.size() + current_.stream->listens.size());
  CertificateWatch::report_endings(*error_log_);
  background.ready(!conf.error_logs.is_set() ? paths_.error_log.empty() : false);
}

void Server::commit_upstreams(const Configuration& configuration) {
  http_upstreams_.prepare(*configuration.http);
  stream_upstreams_.prepare(*configuration.stream);
  http_upstreams_.commit(configuration.http, error_log_);
  stream_upstreams_.commit(configuration.stream, error_log_);
  await_members();
}

void Server::await_members() {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  http_upstreams_.wait_for_members(deadline, *error_log_);
  stream_upstreams_.wait_for_members(deadline, *error_log_);
}

void Server::reload() {
  try {
    take_new_configuration();
  } catch (const std::bad_alloc&) {
    log::alert(*error_log_, "out of memory while the configuration was read: generation {} goes on serving", generation_);
  }
}

void Server::take_new_configuration() {
  log::notice(*error_log_, "reloading the configuration from {}", paths_.conf_file);
  config::Diagnostics diagnostics;
  Configuration configuration = load_configuration(paths_, arguments_.directives, diagnostics, shared::Names::Resolve);
  report(*error_log_, diagnostics);
  if (diagnostics.has_errors()) {
    log::error(*error_log_, "the new configuration was refused; generation {} goes on serving", generation_);
    return;
  }
  try {
    auto error_log = open_error_log(configuration.main());
    auto access_logs = open_access_logs(configuration);
    ListenSockets sockets = bind(configuration);
    std::optional<PidFile> pid_file;
    const std::string& pid_place = pid_path(configuration.main());
    // By whatever name: what is the same file must not be taken away as the old one.
    if (std::error_code missing; !std::filesystem::equivalent(pid_place, pid_file_.path(), missing))
      pid_file = PidFile::write(pid_place);
    // From here on nothing fails.
    if (count_workers(configuration.main()) != worker_count_)
      log::warn(*error_log, "worker_processes changed: the {} workers stay until the next start", worker_count_);
    error_log_ = std::move(error_log);
    access_logs_ = std::move(access_logs);
    if (pid_file) pid_file_ = std::move(*pid_file);
    number(configuration);
    commit_upstreams(configuration);
    distribute(configuration, sockets);
    sockets_ = std::move(sockets);  // closes what is no longer listened on
    current_ = std::move(configuration);
    log::notice(*error_log_, "generation {} of the configuration is in force", generation_);
    CertificateWatch::report_endings(*error_log_);
  } catch (const std::runtime_error& error) {
    log::emerg(*error_log_, "{}", error.what());
    log::error(*error_log_, "the new configuration was refused; generation {} goes on serving", generation_);
  }
}

void Server::reopen_logs() {
  log::notice(*error_log_, "reopening logs");
  const auto complain = [this](const std::string& path, int error) {
    log::emerg(*error_log_, "{}", system_error_text(fmt::format("open() \"{}\"", path), error));
  };
  log_files_.reopen(complain);
  for (const auto& keys : net::TlsKeyLog::all())
    if (const int error = keys->reopen()) complain(keys->path(), error);
}

void Server::begin_end(bool graceful) {
  const bool again = ending_.exchange(true);
  if (!graceful) {
    for (auto& worker : workers_) worker->stop();
    return;
  }
  if (again) return;
  std::latch drained(static_cast<std::ptrdiff_t>(workers_.size()));
  for (auto& worker : workers_) worker->drain([&drained] { drained.count_down(); });
  drained.wait();
  sockets_ = ListenSockets();  // who comes now is refused at once, and not left waiting
}

bool Server::all_ended() const {
  for (const auto& worker : workers_)
    if (!worker->has_ended()) return false;
  return true;
}

int Server::run() {
  auto& [context, signals, check, limit, certificates, staples] = *control_;

  std::function<void()> wait_for_end = [&] {
    check.expires_after(std::chrono::milliseconds(20));
    check.async_wait([&](boost::system::error_code) {
      if (all_ended()) return context.stop();
      wait_for_end();
    });
  };
  std::function<void()> wait_for_signal = [&] {
    signals.async_wait([&](boost::system::error_code error, int number) {
      if (error) return;
      log::notice(*error_log_, "signal {} ({}) received", number, ::sigabbrev_np(number));
      switch (number) {
        case SIGHUP:
          if (!ending_) reload();
          break;
        case SIGUSR1: reopen_logs(); break;
        case SIGUSR2:   // with nginx, scripts send these to put a new binary in place of the running one
        case SIGWINCH:  // (and terminals this one, when their size changes)
          log::warn(*error_log_, "nothing is done at signal {}: a new binary is taken with a restart", number);
          break;
        default: {
          const bool graceful = number == SIGQUIT;
          if (!ending_) wait_for_end();
          begin_end(graceful);
          const auto most = *current_.main().shutdown_timeout;
          if (graceful && most.count() > 0) {
            limit.expires_after(most);
            limit.async_wait([&](boost::system::error_code failed) {
              if (!failed) begin_end(false);
            });
          }
        }
      }
      wait_for_signal();
    });
  };
  wait_for_signal();
  certificates.start();
  staples.start();
  mask_signals(SIG_UNBLOCK);
  context.run();
  for (auto& worker : workers_) worker->join();
  log::notice(*error_log_, "exited with code 0");
  return 0;
}

}  // namespace weir::server
