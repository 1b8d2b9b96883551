// A membership keeper over a registry in memory, as several tests want it.
#pragma once

#include "fake_world.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace weir::discovery {

constexpr std::chrono::milliseconds kSoon{100};

class MembershipKeeperTest : public testing::Test {
 protected:
  void start_with(std::initializer_list<const char*> names) {
    for (const char* name : names) world.join(name);
    world.watch();
    world.pass(std::chrono::seconds(1));
  }
  SourceStatus status() const { return world.status->get(); }

  FakeWorld world;
};

}  // namespace weir::discovery
