// The map of the code, checked: which folder may include which, and where each third-party library is met.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string>;

// What a folder may include besides itself. `balancer` and `discovery` are libraries; the others lie in proxy/.
const std::map<std::string, Names> kArrows = {
    {"balancer", {}},
    {"discovery", {"balancer"}},
    {"log", {}},
    {"config", {"log"}},
    {"net", {"log"}},
    {"shared", {"log", "config", "net", "balancer"}},
    {"http", {"log", "config", "net", "balancer", "shared"}},
    {"http1", {"log", "config", "net", "balancer", "shared", "http"}},
    {"http2", {"log", "config", "net", "balancer", "shared", "http"}},
    {"admin", {"log", "config", "net", "balancer", "shared", "http"}},
    {"features", {"log", "config", "net", "balancer", "shared", "http"}},
    {"stream", {"log", "config", "net", "balancer", "shared"}},
    {"server",
     {"log", "config", "net", "balancer", "discovery", "shared", "http", "http1", "http2", "admin", "features", "stream"}},
    {"main", {"log", "server", "discovery"}},
};

struct Library {
  std::string_view prefix;  // of the name between < and >
  Names folders;
};

// Each third-party library is met in one place; tests may use any.
const std::vector<Library> kLibraries = {
    {"pcre2", {"config"}},
    {"openssl/", {"net", "server"}},  // server: the version text of -V only
    {"nghttp2/", {"http2"}},
    {"zookeeper/", {"discovery"}},
    {"boost/beast", {"admin"}},
    {"boost/json", {"admin", "discovery"}},
    {"boost/asio", {"net", "admin", "server", "stream"}},
    {"zlib.h", {"features"}},
    {"brotli/", {"features"}},
    {"gtest/", {}},
    {"gmock/", {}},
};

const fs::path kRoot = WEIR_SOURCE_DIR;

bool is_source(const fs::path& path) {
  return path.extension() == ".h" || path.extension() == ".cc";
}

/// The folder of the map in which `file` (relative to the root) lies; empty if it is on none.
std::string folder_of(const fs::path& file) {
  auto part = file.begin();
  const std::string top = part->string();
  if (top == "balancer" || top == "discovery") return top;
  if (top != "proxy") return {};
  const std::string next = (++part)->string();
  return next == "main.cc" ? "main" : next;
}

struct Include {
  fs::path file;  // relative to the root
  int line;
  std::string folder;  // that of the file
  std::string name;    // what is included
  bool quoted;
  std::string where() const { return file.string() + ":" + std::to_string(line) + ": includes " + name; }
};

std::vector<Include> includes_of(const fs::path& file) {
  std::vector<Include> found;
  std::ifstream in(kRoot / file);
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    const auto start = line.find_first_not_of(" \t");
    if (start == line.npos || line.compare(start, 8, "#include") != 0) continue;
    const auto open = line.find_first_of("<\"", start + 8);
    if (open == line.npos) continue;
    const auto close = line.find_first_of(">\"", open + 1);
    found.push_back({file, number, folder_of(file), line.substr(open + 1, close - open - 1), line[open] == '"'});
  }
  return found;
}

std::vector<Include> all_includes() {
  std::vector<Include> all;
  for (const char* top : {"balancer", "discovery", "proxy"}) {
    for (const auto& entry : fs::recursive_directory_iterator(kRoot / top)) {
      if (!entry.is_regular_file() || !is_source(entry.path())) continue;
      const auto found = includes_of(fs::relative(entry.path(), kRoot));
      all.insert(all.end(), found.begin(), found.end());
    }
  }
  return all;
}

/// The folder that `include` names; empty for a system header or a neighbour in the same folder.
std::string target_of(const Include& include) {
  const std::string_view name = include.name;
  if (name.starts_with("weir/")) return std::string(name.substr(5, name.find('/', 5) - 5));
  if (!include.quoted) return {};
  const auto slash = name.find('/');
  if (slash == name.npos) return {};
  const std::string first(name.substr(0, slash));
  // A library's own private folders are not on the map; what is not there is the compiler's to find.
  const bool in_library = include.folder == "balancer" || include.folder == "discovery";
  if (in_library && fs::exists(kRoot / include.folder / first)) return {};
  return kArrows.contains(first) ? first : std::string();
}

TEST(Architecture, EverySourceLiesInAFolderOfTheMap) {
  const auto all = all_includes();
  ASSERT_GT(all.size(), 100u) << "the sources were not found under " << kRoot;
  for (const auto& include : all)
    EXPECT_TRUE(kArrows.contains(include.folder)) << include.where() << " from no known folder";
}

TEST(Architecture, IncludesFollowTheArrows) {
  for (const auto& include : all_includes()) {
    const std::string target = target_of(include);
    if (target.empty() || target == include.folder) continue;
    EXPECT_TRUE(kArrows.at(include.folder).contains(target))
        << include.where() << ": " << include.folder << " may not use " << target;
  }
}

TEST(Architecture, NoIncludeClimbsOutOfItsFolder) {
  for (const auto& include : all_includes()) EXPECT_EQ(include.name.find(".."), std::string::npos) << include.where();
}

TEST(Architecture, EachThirdPartyLibraryIsMetInItsPlace) {
  for (const auto& include : all_includes()) {
    const auto library =
        std::ranges::find_if(kLibraries, [&](const Library& row) { return include.name.starts_with(row.prefix); });
    if (library == kLibraries.end()) continue;
    EXPECT_TRUE(library->folders.contains(include.folder)) << include.where();
  }
}

TEST(Architecture, TheBalancerUsesTheStandardLibraryAlone) {
  for (const auto& include : all_includes()) {
    if (include.folder != "balancer" || include.quoted || include.name.starts_with("weir/balancer/")) continue;
    // Standard headers have neither a folder nor an ending; the compiler's own intrinsics need no library either.
    if (include.name == "immintrin.h") continue;
    EXPECT_EQ(include.name.find_first_of("./"), std::string::npos) << include.where();
  }
}

TEST(Architecture, PublicHeadersOfTheLibrariesAreFoundUnderTheirName) {
  for (const auto& include : all_includes()) {
    if (!include.name.starts_with("weir/")) continue;
    const auto library = include.name.substr(5, include.name.find('/', 5) - 5);
    EXPECT_TRUE(fs::exists(kRoot / library / "include" / include.name)) << include.where();
  }
}

}  // namespace
