// Picking and releasing allocate nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "test_upstream.h"

namespace {
std::atomic<long> allocations = 0;
std::atomic<long> until_none = -1;  // how many are left until one fails; negative: none does

void* counted(std::size_t size) {
  ++allocations;
  if (until_none >= 0 && until_none-- == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

void* counted(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  if (until_none >= 0 && until_none-- == 0) throw std::bad_alloc();
  const auto unit = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(unit, (size + unit - 1) / unit * unit)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) {
  return counted(size);
}
void* operator new[](std::size_t size) {
  return counted(size);
}
// Standard algorithms with a temporary buffer ask like this; delete does not know how memory was asked for.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return counted(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return counted(size, alignment);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace weir::balancer::testing {
namespace {

class Allocations : public ::testing::TestWithParam<std::string_view> {};

TEST_P(Allocations, NoneInAcquireReportAndRelease) {
  for (const int count : {1, 10, 100, 1000}) {
    std::vector<Member> members = numbered(count);
    members.back().backup = count > 1;
    TestUpstream app(GetParam(), members);
    app.pick();
    const long before = allocations.load();
    for (int i = 0; i < 1000; ++i) {
      app.now += seconds(1);
      Tried tried;
      for (int attempt = 0; attempt < 8; ++attempt) {
        std::optional<Lease> lease = app.reader.acquire({.tried = &tried, .now = app.now, .key = "client", .random = 9});
        if (!lease) break;
        tried.add(lease->backend());
        if (i % 3 == 0) {
          lease->failed(app.now);
        } else {
          lease->succeeded(app.now);
        }
      }
    }
    EXPECT_EQ(allocations.load(), before) << count << " backends";
  }
}

TEST(Update, ThatFindsNoMemoryLeavesEverybodyInService) {
  std::vector<Member> after = numbered(100);
  after.erase(after.begin() + 10, after.begin() + 20);
  after.push_back({.address = "new"});
  after.push_back({.address = "5"});  // said twice
  std::swap(after[0], after[50]);
  after[20].weight = 7;
  after[60].draining = true;
  const Members members(after);
  bool failed = true;
  long first_failing = 0;
  for (; failed; ++first_failing) {
    ASSERT_LT(first_failing, 10'000);
    TestUpstream app("least_conn", numbered(100));
    std::vector<Lease> leases;
    for (int i = 0; i < 200; ++i) leases.push_back(*app.acquire());
    const auto active = [&](std::string_view address) { return app.backend(address)->active(); };
    until_none = first_failing;
    try {
      app.upstream->update(members);
      failed = false;
    } catch (const std::bad_alloc&) {
    }
    until_none = -1;
    if (failed) {
      ASSERT_EQ(app.upstream->snapshot()->primaries().size(), 100U) << first_failing;
      for (int i = 0; i < 100; ++i) leases.push_back(*app.acquire());
      for (int i = 0; i < 100; ++i) ASSERT_EQ(active(std::to_string(i)), 3U) << first_failing;
      app.upstream->update(members);
    }
    ASSERT_EQ(app.upstream->snapshot()->primaries().size(), 91U) << first_failing;
    ASSERT_EQ(active("5"), failed ? 3U : 2U) << first_failing;
    ASSERT_EQ(app.backend(after[20].address)->weight(), 7U) << first_failing;
    ASSERT_TRUE(app.backend(after[60].address)->is_draining()) << first_failing;
    for (int i = 0; i < 500; ++i) leases.push_back(*app.acquire());
    ASSERT_GE(active("new"), 5U) << first_failing;
  }
  EXPECT_GT(first_failing, 10);
}

TEST(Update, ThatFindsNoMemoryDoesNotHideWhoIsTheOnlyOne) {
  const Members both{{.address = "a"}, {.address = "b"}};
  Members one;
  one.push_back(both.shared(0));
  TestUpstream app("round_robin");
  app.upstream->update(both);
  until_none = 0;
  EXPECT_THROW(app.upstream->update(one), std::bad_alloc);
  until_none = -1;
  app.upstream->update(both);
  app.upstream->update(one);
  for (int i = 0; i < 3; ++i) app.acquire()->failed(app.now);
  EXPECT_FALSE(app.backend("a")->is_failed());
}

TEST(AllocationCounter, Counts) {
  const long before = allocations.load();
  const auto memory = std::make_unique<int>(1);
  EXPECT_EQ(allocations.load(), before + *memory);
}

std::vector<std::string_view> method_names() {
  std::vector<std::string_view> names;
  for (const PickerSpec& spec : pickers()) names.push_back(spec.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Methods, Allocations, ::testing::ValuesIn(method_names()), [](const auto& param_info) {
  std::string name(param_info.param);
  for (char& c : name) c = c == ' ' || c == '=' ? '_' : c;
  return name;
});

}  // namespace
}  // namespace weir::balancer::testing
