#include "server/command_line.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace weir::server {
namespace {

struct ControlName {
  std::string_view name;
  Control control;
};
constexpr std::array kControls = {ControlName{"stop", Control::Stop}, ControlName{"quit", Control::Quit},
                                  ControlName{"reopen", Control::Reopen}, ControlName{"reload", Control::Reload}};

Control control_named(std::string_view name) {
  for (const ControlName& row : kControls)
    if (row.name == name) return row.control;
  throw UsageError(fmt::format("invalid option: \"-s {}\"", name));
}

struct Layout {
  std::string_view conf_file, error_log, pid_file;
};
constexpr std::string_view kInstalledPrefix = "/etc/weir/";
constexpr Layout kInstalled{"weir.conf", "/var/log/weir/error.log", "/run/weir.pid"};
constexpr Layout kRelocated{"conf/weir.conf", "logs/error.log", "logs/weir.pid"};

/// The letters of an option word; the words that other programs have for two of them mean the same.
std::string_view letters_of(std::string_view word) {
  if (word == "--help") return "h";
  if (word == "--version") return "v";
  return word.substr(1);
}

/// Walks over the arguments: letters of a group one by one, or a value that belongs to the last letter.
class Arguments {
 public:
  explicit Arguments(std::span<char* const> args) : args_(args) {}

  bool next_group() {
    if (at_ == args_.size()) return false;
    const std::string_view word = args_[at_++];
    if (word.empty() || word[0] != '-') throw UsageError(fmt::format("invalid option: \"{}\"", word));
    letters_ = letters_of(word);
    return true;
  }

  bool next_letter(char& letter) {
    if (letters_.empty()) return false;
    letter = letters_[0];
    letters_.remove_prefix(1);
    return true;
  }

  /// The rest of this word, or the whole next one.
  std::string value(char letter, std::string_view kind) {
    if (!letters_.empty()) return std::string(std::exchange(letters_, {}));
    if (at_ == args_.size()) throw UsageError(fmt::format("option \"-{}\" requires {}", letter, kind));
    return args_[at_++];
  }

 private:
  std::span<char* const> args_;
  std::size_t at_ = 0;
  std::string_view letters_;
};

void apply(char letter, Arguments& arguments, CommandLine& result) {
  switch (letter) {
    case '?':
    case 'h':
      result.show_help = result.show_version = true;
      break;
    case 'v':
      result.show_version = true;
      break;
    case 'V':
      result.show_version = result.show_build = true;
      break;
    case 't':
      result.test_configuration = true;
      break;
    case 'T':
      result.test_configuration = result.dump_configuration = true;
      break;
    case 'q':
      result.quiet = true;
      break;
    case 'p':
      result.prefix = arguments.value(letter, "directory name");
      break;
    case 'c':
      result.conf_file = arguments.value(letter, "file name");
      break;
    case 'e':
      result.error_log = arguments.value(letter, "file name");
      if (*result.error_log == "stderr") result.error_log->clear();
      break;
    case 'g':
      result.directives = arguments.value(letter, "parameter");
      break;
    case 's':
      result.control = control_named(arguments.value(letter, "parameter"));
      break;
    default:
      throw UsageError(fmt::format("invalid option: \"{}\"", letter));
  }
}

std::string folder_of(const std::string& file) {
  return file.substr(0, file.rfind('/') + 1);
}

}  // namespace

CommandLine parse_command_line(std::span<char* const> args) {
  CommandLine result;
  Arguments arguments(args);
  char letter;
  while (arguments.next_group())
    while (arguments.next_letter(letter)) apply(letter, arguments, result);
  return result;
}

std::string path_under(std::string_view folder, std::string_view path) {
  if (path.starts_with('/') || folder.empty()) return std::string(path);
  return fmt::format("{}{}{}", folder, folder.ends_with('/') ? "" : "/", path);
}

Paths resolve_paths(const CommandLine& arguments, std::string_view working_dir) {
  const Layout& layout = arguments.prefix.empty() ? kInstalled : kRelocated;
  Paths paths;
  paths.prefix = arguments.prefix.empty() ? kInstalledPrefix : path_under(working_dir, arguments.prefix);
  if (!paths.prefix.ends_with('/')) paths.prefix += '/';

  const auto in_prefix = [&paths](std::string_view path) { return path_under(paths.prefix, path); };
  paths.conf_file = in_prefix(arguments.conf_file.empty() ? layout.conf_file : arguments.conf_file);
  paths.conf_dir = folder_of(paths.conf_file);
  paths.pid_file = in_prefix(layout.pid_file);
  if (!arguments.error_log)
    paths.error_log = in_prefix(layout.error_log);
  else if (!arguments.error_log->empty())
    paths.error_log = in_prefix(*arguments.error_log);
  return paths;
}

std::string help_text() {
  return fmt::format(
      R"(Usage: weir [-?hvVtTq] [-s signal] [-p prefix]
            [-e filename] [-c filename] [-g directives]
       weir agent --help    registers a server in ZooKeeper
       weir zk --help       shows and changes an upstream in ZooKeeper
       weir sim --help      plays a balancing method on a virtual clock

Options:
  -?,-h,--help  : this help
  -v,--version  : show version and exit
  -V            : show version and what this build can do, and exit
  -t            : test the configuration and exit; opens no socket
  -T            : test the configuration, print every file of it and exit
  -q            : print errors only while testing the configuration
  -s signal     : tell a running weir: stop, quit, reopen, reload
  -p prefix     : keep everything under this folder: {}, {}, {}
                  (default: {})
  -e filename   : error log until the configuration names one (default: {}); "stderr" for the terminal
  -c filename   : configuration file (default: {}{})
  -g directives : directives to read before the configuration file
)",
      kRelocated.conf_file, kRelocated.error_log, kRelocated.pid_file, kInstalledPrefix, kInstalled.error_log,
      kInstalledPrefix, kInstalled.conf_file);
}

}  // namespace weir::server
