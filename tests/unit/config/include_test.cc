#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "config/parser.h"

namespace weir::config {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

/// A directory with files, removed at the end.
class Include : public testing::Test {
 protected:
  Include() {
    std::string name = (fs::temp_directory_path() / "weir-include-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~Include() override { fs::remove_all(directory_); }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }

  void write(const std::string& name, std::string_view text) {
    fs::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name, std::ios::binary) << text;
  }

  std::vector<std::string> names(const Limits& limits = {}) {
    document_ = parse_file(path("main.conf"), directory_, diagnostics_, limits);
    std::vector<std::string> found;
    for (const Statement& statement : document_.statements) found.push_back(statement.name);
    return found;
  }

  std::string errors() const { return diagnostics_.to_text("", Severity::Emerg); }

  fs::path directory_;
  Document document_;
  Diagnostics diagnostics_;
};

TEST_F(Include, ReplacesTheStatementByTheFile) {
  write("main.conf", "a;\ninclude sub/x.conf;\nd;\n");
  write("sub/x.conf", "b;\nc;\n");
  EXPECT_THAT(names(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(errors(), "");
  EXPECT_EQ(*document_.statements[2].at.file, path("sub/x.conf"));
  EXPECT_EQ(document_.statements[2].at.line, 2);
}

TEST_F(Include, StartsFromTheMainFilesDirectoryEvenInIncludedFiles) {
  write("main.conf", "include sub/x.conf;");
  write("sub/x.conf", "include y.conf;");
  write("y.conf", "right;");
  write("sub/y.conf", "wrong;");
  EXPECT_THAT(names(), ElementsAre("right"));
}

TEST_F(Include, WorksInsideOfBlocksAndWithAbsoluteNames) {
  write("main.conf", "http { include " + path("types") + "; }");
  write("types", "types { text/html html; }");
  names();
  EXPECT_EQ(errors(), "");
  EXPECT_EQ(document_.statements.at(0).children.at(0).children.at(0).name, "text/html");
}

TEST_F(Include, APatternTakesFilesInOrderAndMayMatchNothing) {
  write("main.conf", "include conf.d/*.conf; include nothing/*; include conf.d/?.txt; include conf.d/[ab].conf;");
  write("conf.d/b.conf", "b;");
  write("conf.d/a.conf", "a;");
  write("conf.d/c.txt", "c;");
  write("conf.d/.hidden.conf", "hidden;");
  EXPECT_THAT(names(), ElementsAre("a", "b", "c", "a", "b"));
  EXPECT_EQ(errors(), "");
}

TEST_F(Include, KeepsEachFileOnceForPrinting) {
  write("main.conf", "include x;\ninclude x;\n");
  write("x", "a;\n");
  EXPECT_THAT(names(), ElementsAre("a", "a"));
  ASSERT_EQ(document_.files.size(), 2u);
  EXPECT_EQ(document_.files[0].path, path("main.conf"));
  EXPECT_EQ(document_.files[0].text, "include x;\ninclude x;\n");
  EXPECT_EQ(document_.files[1].path, path("x"));
}

TEST_F(Include, AMissingFileIsReportedWhereItIsIncluded) {
  write("main.conf", "a;\ninclude missing.conf;\nb;\n");
  EXPECT_THAT(names(), ElementsAre("a", "b"));
  EXPECT_EQ(errors(), "[emerg] open() \"" + path("missing.conf") + "\" failed (2: No such file or directory) in " +
                          path("main.conf") + ":2\n");
}

TEST_F(Include, AMissingMainFileIsReportedWithoutAPosition) {
  names();
  EXPECT_EQ(errors(), "[emerg] open() \"" + path("main.conf") + "\" failed (2: No such file or directory)\n");
}

TEST_F(Include, ADirectoryIsNoFile) {
  write("main.conf", "include sub;");
  fs::create_directory(directory_ / "sub");
  names();
  EXPECT_THAT(errors(), HasSubstr("read() \"" + path("sub") + "\" failed (21: Is a directory)"));
}

TEST_F(Include, ABlockMustEndInTheFileInWhichItBegins) {
  write("main.conf", "http {\ninclude open;\ninclude close;\n}\n");
  write("open", "server {\n");
  write("close", "}\n");
  names();
  EXPECT_EQ(errors(), "[emerg] unexpected end of file, expecting \"}\" in " + path("open") +
                          ":2\n[emerg] unexpected \"}\" in " + path("close") + ":1\n");
}

TEST_F(Include, AFileThatIncludesItselfIsStoppedWithOneError) {
  write("main.conf", "include main.conf;\ninclude main.conf;\n");
  names();
  EXPECT_EQ(diagnostics_.error_count(), 1u);
  EXPECT_THAT(errors(), HasSubstr("files include one another more than 32 deep: \"main.conf\""));
}

TEST_F(Include, FilesThatDoubleAtEachLevelAreStoppedByTheirNumber) {
  write("main.conf", "include 1; include 1;");
  for (int i = 1; i < 20; ++i) {
    const std::string next = "include " + std::to_string(i + 1) + ";";
    write(std::to_string(i), next + next);
  }
  write("20", "a;");
  names({.files = 500});
  EXPECT_THAT(errors(), HasSubstr("more than 500 files are included"));
  EXPECT_EQ(diagnostics_.error_count(), 1u);
}

TEST_F(Include, BoundsTheSizeOfOneFileAndOfAll) {
  write("main.conf", "include x; include x; include x;");
  write("x", std::string(600, '\n'));
  names({.file_bytes = 500});
  EXPECT_THAT(errors(), HasSubstr("is larger than 500 bytes"));
  diagnostics_ = {};
  names({.file_bytes = 1000, .total_bytes = 1500});
  EXPECT_THAT(errors(), HasSubstr("the configuration is larger than 1500 bytes"));
}

TEST_F(Include, AnEndlessDeviceIsStopped) {
  write("main.conf", "include /dev/zero;");
  names({.file_bytes = 1u << 20});
  EXPECT_THAT(errors(), HasSubstr("\"/dev/zero\" is larger than 1048576 bytes"));
}

TEST_F(Include, AFifoWithoutAWriterDoesNotBlock) {
  write("main.conf", "include fifo; a;");
  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  EXPECT_THAT(names(), ElementsAre("a"));
}

TEST_F(Include, ANameWithANulIsRefused) {
  using namespace std::string_literals;
  write("main.conf", "include \"main.conf\0.txt\";"s);
  names();
  EXPECT_THAT(errors(), HasSubstr("invalid name of an included file"));
}

}  // namespace
}  // namespace weir::config
