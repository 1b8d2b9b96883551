// From arguments to an exit code.
#include <unistd.h>

#include <climits>
#include <iostream>

#include <fmt/format.h>

#include "server/server.h"
#include "server/version.h"

namespace weir::server {

namespace {

std::string working_directory() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) ? path : "/";
}

void print_diagnostics(const config::Diagnostics& diagnostics, bool quiet) {
  std::cerr << diagnostics.to_text("weir: ", quiet ? config::Severity::Warn : config::Severity::Notice);
}

int test(const Paths& paths, const CommandLine& arguments, const Configuration& configuration,
         const config::Diagnostics& diagnostics) {
  print_diagnostics(diagnostics, arguments.quiet);
  if (diagnostics.has_errors()) {
    std::cerr << fmt::format("weir: configuration file {} test failed\n", paths.conf_file);
  } else if (!arguments.quiet) {
    std::cerr << fmt::format("weir: the configuration file {} syntax is ok\n", paths.conf_file);
    std::cerr << fmt::format("weir: configuration file {} test is successful\n", paths.conf_file);
  }
  if (arguments.dump_configuration && !diagnostics.has_errors())
    for (const config::SourceFile& file : configuration.document.files)
      std::cout << "# configuration file " << file.path << ":\n" << file.text << "\n";
  return diagnostics.has_errors() ? 1 : 0;
}

int control(const Paths& paths, const CommandLine& arguments, const Configuration& configuration) {
  const MainConf& conf = configuration.main();
  send_control(read_pid_file(conf.pid.is_set() ? *conf.pid : paths.pid_file), *arguments.control);
  return 0;
}

int run_checked(std::span<char* const> words) {
  const CommandLine arguments = parse_command_line(words);
  if (arguments.show_version) std::cerr << (arguments.show_build ? build_text() : version_text());
  if (arguments.show_help) std::cerr << help_text();
  if (arguments.show_version && !arguments.test_configuration) return 0;

  const Paths paths = resolve_paths(arguments, working_directory());
  config::Diagnostics diagnostics;
  const bool will_serve = !arguments.test_configuration && !arguments.control;
  Configuration configuration = load_configuration(paths, arguments.directives, diagnostics,
                                                   will_serve ? shared::Names::Resolve : http::Names::Leave);
  if (arguments.test_configuration) return test(paths, arguments, configuration, diagnostics);
  if (diagnostics.has_errors()) {
    print_diagnostics(diagnostics, true);
    return 1;
  }
  if (arguments.control) return control(paths, arguments, configuration);
  print_diagnostics(diagnostics, true);
  ensure_standard_streams();
  reset_signals();
  Server server(arguments, paths);
  server.start(std::move(configuration));
  return server.run();
}

}  // namespace

int run_server(std::span<char* const> words) {
  try {
    return run_checked(words);
  } catch (const UsageError& error) {
    std::cerr << "weir: " << error.what() << "; see weir -h\n";
  } catch (const std::exception& error) {
    std::cerr << "weir: [emerg] " << error.what() << '\n';
  }
  return 1;
}

}  // namespace weir::server
