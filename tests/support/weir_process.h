// The real proxy binary, running in a folder of its own.
//
// The binary is the build's `weir`, or what WEIR_BINARY names. With WEIR_BINARY=/usr/sbin/nginx the same tests run
// against nginx: so a test can be shown to ask for what nginx does. What only Weir does is marked with WEIR_ONLY.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "child_process.h"
#include "http_client.h"
#include "ports.h"
#include "temp_dir.h"

namespace weir::test {

/// Path of the program under test.
std::string weir_binary();
/// True if that program is nginx.
bool testing_nginx();

/// Lets this process, and those it starts, open as many descriptors as the system grants them.
void allow_many_descriptors();

/// Skips the rest of a test when it runs against nginx.
#define WEIR_ONLY(reason) \
  if (::weir::test::testing_nginx()) GTEST_SKIP() << "not nginx's behaviour: " << reason

using Values = std::map<std::string, std::string>;

struct WeirOptions {
  /// Lines for the main context.
  std::string main = {};
  /// Lines for `events { }`.
  std::string events = {};
  /// `worker_processes`.
  int workers = 2;
  /// The text is a whole configuration file: nothing is put around it.
  bool whole_file = false;
  /// The text is put inside `stream { }`, and there is no `http { }`.
  bool stream = false;
  /// Level of the error log.
  std::string log_level = "info";
  std::vector<std::string> environment = {};
  /// Another program than weir_binary().
  std::string binary = {};
};

class WeirProcess {
 public:
  /// Starts the proxy with `text` inside `http { }` and waits until it listens.
  ///
  /// `%name%` in `text` stands for the value in `values`; `%dir%` is the process's folder, and each name that begins
  /// with `listen` or `port` is a free address or port of its own. A `server` block without `listen` gets
  /// `listen %listen%;`. Throws std::runtime_error with everything it wrote when it does not start.
  explicit WeirProcess(std::string_view text, Values values = {}, WeirOptions options = {});
  /// Stops it, and fails the test if it crashed, or if a sanitizer, `[alert]` or `[emerg]` line is in its logs.
  ~WeirProcess();
  WeirProcess(const WeirProcess&) = delete;

  /// The address of `%listen%`, or of another placeholder.
  std::string address(const std::string& name = "listen");

  /// One request on a connection of its own.
  HttpResponse get(const std::string& target, Fields fields = {}) const;
  HttpResponse request(const Ask& ask) const;
  RawClient connect() const { return RawClient(main_address_); }
  HttpClient client() const { return HttpClient(main_address_); }

  /// Replaces the configuration file; nothing else.
  void write_config(std::string_view text);
  /// Replaces the configuration and sends SIGHUP. The new one is in force some time later: wait for what it changes.
  void reload(std::string_view text);
  void signal(int number) const { child_.signal(number); }

  pid_t pid() const { return child_.pid(); }
  bool running() { return child_.running(); }
  /// Waits until it has ended; its exit code, nothing if it is still there. It counts as wanted then.
  std::optional<int> wait_for_exit(milliseconds patience = kPatience);
  /// Ends it with SIGTERM; called by the destructor. Returns the exit code.
  int stop();

  std::string error_log() const { return dir_.read("error.log"); }
  std::string access_log() const { return dir_.read("access.log"); }
  /// True once the error log contains `text`.
  bool logs(std::string_view text, milliseconds patience = kPatience) const;
  /// True once the access log contains `text`.
  bool accesses(std::string_view text, milliseconds patience = kPatience) const;
  /// `[alert]` and `[emerg]` lines belong to the test.
  void allow_alerts() { alerts_allowed_ = true; }

  /// Resident memory of the process and its children, in octets.
  std::size_t resident() const;

  const TempDir& dir() const { return dir_; }
  /// The arguments it was started with, the program first.
  const std::vector<std::string>& arguments() const { return arguments_; }

 private:
  std::string complete_text(std::string_view text);
  std::string placeholder(const std::string& name);
  void check_logs();

  TempDir dir_{"proxy"};
  Values values_;
  WeirOptions options_;
  std::map<std::string, Port> ports_;
  std::string main_address_;
  std::vector<std::string> arguments_;
  ChildProcess child_;
  bool alerts_allowed_ = false;
  bool ended_as_wanted_ = false;
};

/// Runs the binary with `arguments` in `dir` until it ends: for `-t`, `-T`, `-v`, `-s` and refused configurations.
RunResult run_weir(const std::vector<std::string>& arguments);
/// Writes `text` (a whole file) to a folder and runs `-t` on it.
RunResult test_config(std::string_view text);

}  // namespace weir::test
