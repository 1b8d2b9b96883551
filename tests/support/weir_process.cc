#include "weir_process.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "config_text.h"

namespace weir::test {
namespace {

std::string indented_tail(const std::string& text) {
  return text.size() > 6'000 ? text.substr(text.size() - 6'000) : text;
}

// nginx drops root for `nobody`, who may not enter the test's folder.
const char* user_line(const std::string& binary) {
  return binary.ends_with("nginx") && ::geteuid() == 0 ? "user root;\n" : "";
}

std::size_t resident_of(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0, resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string weir_binary() {
  const char* chosen = std::getenv("WEIR_BINARY");
  return chosen && *chosen ? chosen : WEIR_BUILT_BINARY;
}

void allow_many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool testing_nginx() {
  return weir_binary().ends_with("nginx");
}

WeirProcess::WeirProcess(std::string_view text, Values values, WeirOptions options)
    : values_(std::move(values)), options_(std::move(options)) {
  if (options_.binary.empty()) options_.binary = weir_binary();
  main_address_ = placeholder("listen");
  write_config(text);
  arguments_ = {options_.binary, "-p", dir_.path().string() + "/", "-c", "weir.conf", "-e", "error.log"};
  std::vector<std::string> environment = options_.environment;
  // A small quarantine, so that memory a test measures is the proxy's own.
  environment.push_back("ASAN_OPTIONS=quarantine_size_mb=4:malloc_context_size=12:detect_stack_use_after_return=0:verify_asan_link_order=0");
  environment.push_back("UBSAN_OPTIONS=print_stacktrace=1");
  child_ = ChildProcess(arguments_, (dir_.path() / "output").string(), environment);
  const bool up = wait_until([this] { return !dir_.read("weir.pid").empty() || !child_.running(); });
  if (up && child_.running()) return;
  ended_as_wanted_ = true;
  throw std::runtime_error(std::string(up ? "the proxy ended at once" : "the proxy wrote no pid file") + "\n" +
                           child_.output() + error_log() + "\nconfiguration:\n" + dir_.read("weir.conf"));
}

WeirProcess::~WeirProcess() {
  if (!ended_as_wanted_) {
    if (!child_.running())
      ADD_FAILURE() << "the proxy ended by itself, exit code " << child_.wait().value_or(-1);
    else
      stop();
  }
  check_logs();
}

std::string WeirProcess::placeholder(const std::string& name) {
  if (name == "dir") return dir_.path().string();
  if (const auto given = values_.find(name); given != values_.end()) return given->second;
  if (name.starts_with("listen")) return ports_[name].address();
  if (name.starts_with("port")) return std::to_string(ports_[name].number());
  throw std::runtime_error("the test's configuration has an unknown placeholder: " + name);
}

std::string WeirProcess::complete_text(std::string_view text) {
  const auto fill = [this](std::string_view part) {
    return fill_in(part, [this](const std::string& name) { return placeholder(name); });
  };
  if (options_.whole_file) return fill(text);
  return fill(std::string(user_line(options_.binary)) +
              "daemon off;\n"
              "pid %dir%/weir.pid;\n"
              "error_log %dir%/error.log " +
              options_.log_level +
              ";\n"
              "worker_processes " +
              std::to_string(options_.workers) + ";\n" + options_.main +
              "\nevents { " + options_.events +
              " }\n" + (options_.stream ? "stream {\n" : "http {\naccess_log %dir%/access.log;\n") +
              add_listen(text, "%listen%") + "\n}\n");
}

void WeirProcess::write_config(std::string_view text) {
  // In one step, as a reload may read it at any moment.
  dir_.write("weir.conf.new", complete_text(text));
  std::filesystem::rename(dir_.path() / "weir.conf.new", dir_.path() / "weir.conf");
}

void WeirProcess::reload(std::string_view text) {
  write_config(text);
  signal(SIGHUP);
}

std::string WeirProcess::address(const std::string& name) {
  return placeholder(name);
}

HttpResponse WeirProcess::get(const std::string& target, Fields fields) const {
  return request({.target = target, .fields = std::move(fields)});
}

HttpResponse WeirProcess::request(const Ask& ask) const {
  return HttpClient(main_address_).request(ask);
}

std::optional<int> WeirProcess::wait_for_exit(milliseconds patience) {
  const auto code = child_.wait(patience);
  if (code) ended_as_wanted_ = true;
  return code;
}

int WeirProcess::stop() {
  signal(SIGTERM);
  const auto code = wait_for_exit();
  if (!code) {
    ADD_FAILURE() << "the proxy did not end on SIGTERM";
    child_.kill();
    ended_as_wanted_ = true;
    return -1;
  }
  EXPECT_EQ(*code, 0) << "exit code of the proxy";
  return *code;
}

void WeirProcess::check_logs() {
  const std::string log = error_log(), output = child_.output();
  for (const std::string_view bad : {"Sanitizer", "runtime error:", "[alert]", "[emerg]", "terminate called"}) {
    if (alerts_allowed_ && bad.front() == '[') continue;
    if (log.find(bad) != log.npos || output.find(bad) != output.npos)
      ADD_FAILURE() << "the proxy's log has " << bad << ":\n" << indented_tail(output) << indented_tail(log);
  }
  if (::testing::Test::HasFailure() && std::getenv("WEIR_TEST_VERBOSE"))
    std::fprintf(stderr, "--- output\n%s--- error log\n%s", indented_tail(output).c_str(),
                 indented_tail(log).c_str());
}

bool WeirProcess::logs(std::string_view text, milliseconds patience) const {
  return wait_until([&] { return error_log().find(text) != std::string::npos; }, patience);
}

bool WeirProcess::accesses(std::string_view text, milliseconds patience) const {
  return wait_until([&] { return access_log().find(text) != std::string::npos; }, patience);
}

std::size_t WeirProcess::resident() const {
  const auto id = std::to_string(child_.pid());
  std::size_t total = resident_of(child_.pid());
  std::ifstream children("/proc/" + id + "/task/" + id + "/children");
  for (pid_t child; children >> child;) total += resident_of(child);
  return total;
}

RunResult run_weir(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{weir_binary()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run_program(all);
}

RunResult test_config(std::string_view text) {
  const TempDir dir("config");
  const std::string full =
      fill_in(text, [&](const std::string& name) { return name == "dir" ? dir.path().string() : "%" + name + "%"; });
  dir.write("weir.conf", full);
  return run_weir({"-t", "-p", dir.path().string() + "/", "-c", "weir.conf", "-e", "stderr"});
}

}  // namespace weir::test
