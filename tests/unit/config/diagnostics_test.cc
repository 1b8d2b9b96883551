#include "config/diagnostics.h"

#include <gtest/gtest.h>

namespace weir::config {
namespace {

const Position kAt{std::make_shared<const std::string>("/etc/weir.conf"), 12};

TEST(Diagnostics, PrintsAsNginxDoes) {
  Diagnostics diagnostics;
  diagnostics.error(kAt, "unknown directive \"foo\"");
  diagnostics.warn({}, "no place");
  diagnostics.notice({std::make_shared<const std::string>("command line"), 0}, "a place without lines");
  EXPECT_EQ(diagnostics.to_text("weir: "),
            "weir: [emerg] unknown directive \"foo\" in /etc/weir.conf:12\n"
            "weir: [warn] no place\n"
            "weir: [notice] a place without lines in command line\n");
  EXPECT_EQ(diagnostics.to_text("", Severity::Emerg), "[emerg] unknown directive \"foo\" in /etc/weir.conf:12\n");
}

TEST(Diagnostics, OnlyErrorsStopTheStart) {
  Diagnostics diagnostics;
  diagnostics.warn(kAt, "a");
  diagnostics.notice(kAt, "b");
  EXPECT_FALSE(diagnostics.has_errors());
  diagnostics.error(kAt, "c");
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Diagnostics, KeepsABoundedNumberAndNoticesDoNotCrowdOutErrors) {
  Diagnostics diagnostics;
  for (std::size_t i = 0; i < 10 * Diagnostics::kMaxErrors; ++i) diagnostics.notice(kAt, "n");
  for (std::size_t i = 0; i < Diagnostics::kMaxErrors + 5; ++i) diagnostics.error(kAt, "e");
  EXPECT_EQ(diagnostics.all().size(), 2 * Diagnostics::kMaxErrors);
  EXPECT_EQ(diagnostics.error_count(), Diagnostics::kMaxErrors + 5);
  EXPECT_NE(diagnostics.to_text("weir: ").find("weir: [emerg] and 5 more errors\n"), std::string::npos);
}

}  // namespace
}  // namespace weir::config
