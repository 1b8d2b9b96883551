#include "server/command_line.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::server {
namespace {

CommandLine parse(std::vector<std::string> words) {
  std::vector<char*> args;
  for (std::string& word : words) args.push_back(word.data());
  return parse_command_line(args);
}

std::string complaint_about(std::vector<std::string> words) {
  try {
    parse(std::move(words));
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(CommandLine, WithoutArgumentsAsksForNothing) {
  const CommandLine line = parse({});
  EXPECT_FALSE(line.show_help || line.show_version || line.show_build || line.test_configuration || line.quiet);
  EXPECT_FALSE(line.control || line.error_log);
  EXPECT_TRUE(line.prefix.empty() && line.conf_file.empty() && line.directives.empty());
}

TEST(CommandLine, TakesAValueFromTheSameWordOrTheNext) {
  EXPECT_EQ(parse({"-c", "a.conf"}).conf_file, "a.conf");
  EXPECT_EQ(parse({"-ca.conf"}).conf_file, "a.conf");
  EXPECT_EQ(parse({"-p", "/srv/"}).prefix, "/srv/");
  EXPECT_EQ(parse({"-g", "daemon off;"}).directives, "daemon off;");
  EXPECT_EQ(parse({"-gdaemon off;"}).directives, "daemon off;");
}

TEST(CommandLine, LettersMayBeRunTogether) {
  const CommandLine line = parse({"-tqc", "a.conf", "-V"});
  EXPECT_TRUE(line.test_configuration);
  EXPECT_TRUE(line.quiet);
  EXPECT_EQ(line.conf_file, "a.conf");
  EXPECT_TRUE(line.show_build);
  EXPECT_TRUE(line.show_version);
}

TEST(CommandLine, AValueMayLookLikeASwitch) {
  EXPECT_EQ(parse({"-c", "-t"}).conf_file, "-t");
}

TEST(CommandLine, DumpingTestsToo) {
  const CommandLine line = parse({"-T"});
  EXPECT_TRUE(line.dump_configuration);
  EXPECT_TRUE(line.test_configuration);
}

TEST(CommandLine, BothLettersAskForHelp) {
  EXPECT_TRUE(parse({"-h"}).show_help);
  EXPECT_TRUE(parse({"-?"}).show_help);
  EXPECT_TRUE(parse({"-?"}).show_version);
  EXPECT_TRUE(parse({"--help"}).show_help);
  EXPECT_TRUE(parse({"--version"}).show_version);
  EXPECT_FALSE(parse({"--version"}).show_help);
}

TEST(CommandLine, ErrorLogNamedStderrIsTheErrorStream) {
  EXPECT_EQ(parse({"-e", "stderr"}).error_log, "");
  EXPECT_EQ(parse({"-eerror.log"}).error_log, "error.log");
}

TEST(CommandLine, KnowsTheFourControls) {
  EXPECT_EQ(parse({"-s", "stop"}).control, Control::Stop);
  EXPECT_EQ(parse({"-squit"}).control, Control::Quit);
  EXPECT_EQ(parse({"-s", "reopen"}).control, Control::Reopen);
  EXPECT_EQ(parse({"-s", "reload"}).control, Control::Reload);
}

TEST(CommandLine, ComplainsInNginxWords) {
  EXPECT_EQ(complaint_about({"conf"}), "invalid option: \"conf\"");
  EXPECT_EQ(complaint_about({""}), "invalid option: \"\"");
  EXPECT_EQ(complaint_about({"-tx"}), "invalid option: \"x\"");
  EXPECT_EQ(complaint_about({"--halp"}), "invalid option: \"-\"");
  EXPECT_EQ(complaint_about({"-s", "restart"}), "invalid option: \"-s restart\"");
  EXPECT_EQ(complaint_about({"-s"}), "option \"-s\" requires parameter");
  EXPECT_EQ(complaint_about({"-c"}), "option \"-c\" requires file name");
  EXPECT_EQ(complaint_about({"-te"}), "option \"-e\" requires file name");
  EXPECT_EQ(complaint_about({"-p"}), "option \"-p\" requires directory name");
  EXPECT_EQ(complaint_about({"-g"}), "option \"-g\" requires parameter");
}

TEST(Paths, AreTheInstalledOnesByDefault) {
  const Paths paths = resolve_paths(parse({}), "/home/me");
  EXPECT_EQ(paths.prefix, "/etc/weir/");
  EXPECT_EQ(paths.conf_file, "/etc/weir/weir.conf");
  EXPECT_EQ(paths.conf_dir, "/etc/weir/");
  EXPECT_EQ(paths.error_log, "/var/log/weir/error.log");
  EXPECT_EQ(paths.pid_file, "/run/weir.pid");
}

TEST(Paths, LieInThePrefixWhenOneIsGiven) {
  const Paths paths = resolve_paths(parse({"-p", "work"}), "/home/me");
  EXPECT_EQ(paths.prefix, "/home/me/work/");
  EXPECT_EQ(paths.conf_file, "/home/me/work/conf/weir.conf");
  EXPECT_EQ(paths.conf_dir, "/home/me/work/conf/");
  EXPECT_EQ(paths.error_log, "/home/me/work/logs/error.log");
  EXPECT_EQ(paths.pid_file, "/home/me/work/logs/weir.pid");
}

TEST(Paths, RelativeFilesStartAtThePrefix) {
  const Paths paths = resolve_paths(parse({"-p", "/srv/", "-c", "nginx.conf", "-e", "error.log"}), "/");
  EXPECT_EQ(paths.conf_file, "/srv/nginx.conf");
  EXPECT_EQ(paths.conf_dir, "/srv/");
  EXPECT_EQ(paths.error_log, "/srv/error.log");
}

TEST(Paths, AbsoluteFilesStay) {
  const Paths paths = resolve_paths(parse({"-p", "/srv", "-c", "/a/b.conf", "-e", "stderr"}), "/");
  EXPECT_EQ(paths.conf_file, "/a/b.conf");
  EXPECT_EQ(paths.conf_dir, "/a/");
  EXPECT_EQ(paths.error_log, "");
}

}  // namespace
}  // namespace weir::server
