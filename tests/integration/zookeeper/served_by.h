// Whether requests are answered by whom they should be.
#pragma once

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "support/weir_process.h"

namespace weir::test {

/// Waits until `weir` has exactly `wanted` answer: backends by their X-Backend, failures by their status.
inline ::testing::AssertionResult served_by(WeirProcess& weir, const std::set<std::string>& wanted) {
  std::set<std::string> seen;
  const bool is_right = wait_until([&] {
    seen.clear();
    for (int i = 0; i < 12; ++i) {
      const HttpResponse answer = weir.get("/");
      seen.insert(answer.status == 200 ? answer.field("X-Backend") : std::to_string(answer.status));
    }
    return seen == wanted;
  });
  if (is_right) return ::testing::AssertionSuccess();
  std::string text = "served by:";
  for (const auto& name : seen) text += " " + name;
  return ::testing::AssertionFailure() << text << "\n" << weir.error_log();
}

}  // namespace weir::test
