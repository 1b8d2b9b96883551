#include "server/version.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace weir::server {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Version, SaysWeirFirstAndThenTheLevelOfItsConfiguration) {
  EXPECT_THAT(version_text(), StartsWith("weir version: weir/" + std::string(version()) + " "));
  EXPECT_THAT(version_text(), HasSubstr("\nnginx version: nginx/1.31.5 (configuration level)\n"));
}

TEST(Version, BuildNamesTheTlsLibraryAsToolsReadIt) {
  EXPECT_THAT(build_text(), ContainsRegex("\nbuilt with OpenSSL [0-9]+[.][0-9]+[.][0-9]+"));
  EXPECT_THAT(build_text(), HasSubstr("\nconfigure arguments: --"));
}

TEST(Version, AnAbsentModuleIsDeniedOnlyWhereNginxHasItByDefault) {
  using enum Module::Default;
  const Module table[] = {{"a", In, true}, {"b", In, false}, {"c", Out, true}, {"d", Out, false}};
  EXPECT_EQ(configure_arguments(table), " --without-b --with-c");
}

// Tools search the whole text for some names without looking at what stands before them.
TEST(Version, NamesWhatNginxHasOnlyOnRequestNowhereUnlessItIsThere) {
  for (const char* name :
       {"http_ssl", "http_v2", "http_v3", "gunzip", "gzip_static", "slice", "secure_link", "stub_status", "addition",
        "dav", "mp4", "random_index", "xslt", "image_filter", "http_geoip", "stream_realip", "stream_ssl_preread"}) {
    bool present = false;
    for (const Module& module : modules()) present |= module.present && module.name.find(name) != std::string::npos;
    EXPECT_EQ(build_text().find(name) != std::string::npos, present) << name;
  }
  EXPECT_THAT(build_text(), Not(HasSubstr("LibreSSL")));
}

TEST(Version, ListsEachModuleOnce) {
  std::set<std::string_view> names;
  for (const Module& module : modules()) EXPECT_TRUE(names.insert(module.name).second) << module.name;
}

}  // namespace
}  // namespace weir::server
