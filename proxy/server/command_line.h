// The command line: nginx's switches with nginx's meaning, so that scripts written for nginx keep working.
//
// Nothing here touches a file or the process; what was asked for is a value, and `main` acts on it. Not covered:
// commands of other kinds, such as `weir agent`, which `main` recognises by their first word before coming here.
#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::server {

/// What `-s` sends to a running Weir.
enum class Control { Stop, Quit, Reopen, Reload };

/// The arguments as given; an empty string or no value means "not given".
struct CommandLine {
  bool show_help = false;                ///< -h -? --help; also sets `show_version`, as nginx prints both
  bool show_version = false;             ///< -v --version
  bool show_build = false;               ///< -V; also sets `show_version`
  bool test_configuration = false;       ///< -t
  bool dump_configuration = false;       ///< -T; also sets `test_configuration`
  bool quiet = false;                    ///< -q: with -t, print errors only
  std::optional<Control> control;        ///< -s stop|quit|reopen|reload
  std::string prefix;                    ///< -p
  std::string conf_file;                 ///< -c
  std::optional<std::string> error_log;  ///< -e; empty means the standard error stream (`-e stderr`)
  std::string directives;                ///< -g: statements of the main context, read before the file
};

/// The arguments cannot be understood; `what()` says why in nginx's words, to be printed behind `weir: ` and before where help is.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Reads the arguments behind the program's name.
///
/// Single letters may be run together (`-tq`), and a value may follow its letter directly or as the next argument
/// (`-cfile`, `-c file`, `-tc file`). The last of several equal switches counts.
/// Throws `UsageError`.
CommandLine parse_command_line(std::span<char* const> args);

/// Where things are, all absolute, once prefix and switches are known.
struct Paths {
  std::string prefix;     ///< ends in `/`; relative paths of the configuration start here
  std::string conf_file;  ///< the configuration
  std::string conf_dir;   ///< its folder, ends in `/`; relative `include`s start here
  std::string error_log;  ///< used until and unless the configuration names another; empty: standard error
  std::string pid_file;   ///< used unless the configuration says `pid`
};

/// Turns the command line into paths.
///
/// There are two layouts. Installed (no -p): `/etc/weir/weir.conf`, `/var/log/weir/error.log`, `/run/weir.pid`.
/// Relocated (-p DIR): `DIR/conf/weir.conf`, `DIR/logs/error.log`, `DIR/logs/weir.pid`, so that one folder holds an
/// instance. Relative -c and -e start at the prefix; a relative -p at `working_dir`.
Paths resolve_paths(const CommandLine& arguments, std::string_view working_dir);

/// `path` itself when absolute, else behind `folder` (which may or may not end in `/`).
std::string path_under(std::string_view folder, std::string_view path);

/// The text of -h, without the version lines.
std::string help_text();

}  // namespace weir::server
