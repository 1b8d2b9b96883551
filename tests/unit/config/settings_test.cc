#include "config/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "config/setting.h"

namespace weir::config {
namespace {

using testing::ElementsAre;

struct First {
  Setting<int> number{7};
  Setting<std::vector<std::string>> list{{"default"}};
};
struct Second {
  std::unique_ptr<int> owned;  // a Conf need not be copyable
  std::string text = "as it was";
};

TEST(Settings, ReturnTheDefaultsWhereNothingWasSet) {
  const Settings settings;
  EXPECT_EQ(*settings.get<First>().number, 7);
  EXPECT_FALSE(settings.get<First>().number.is_set());
  EXPECT_EQ(settings.get<Second>().text, "as it was");
}

TEST(Settings, EachScopeHasItsOwnObjects) {
  Settings one, other;
  one.edit<First>().number.set(1);
  one.edit<Second>().owned = std::make_unique<int>(3);
  EXPECT_EQ(*one.get<First>().number, 1);
  EXPECT_EQ(*one.get<Second>().owned, 3);
  EXPECT_EQ(*other.get<First>().number, 7);
  EXPECT_EQ(other.get<Second>().owned, nullptr);
}

TEST(Settings, KeepTheirObjectsWhenMoved) {
  Settings from;
  from.edit<First>().number.set(1);
  const First* before = &from.get<First>();
  const Settings to = std::move(from);
  EXPECT_EQ(&to.get<First>(), before);
}

TEST(Setting, InheritsOnlyWhatItDoesNotSet) {
  Setting<int> inner(7), outer(7);
  inner.inherit(outer);
  EXPECT_FALSE(inner.is_set());
  outer.set(8);
  inner.inherit(outer);
  EXPECT_EQ(*inner, 8);
  EXPECT_TRUE(inner.is_set());
  EXPECT_FALSE(inner.is_set_here());
  Setting<int> own(7);
  own.set(9);
  own.inherit(outer);
  EXPECT_EQ(*own, 9);
  EXPECT_TRUE(own.is_set_here());
}

TEST(Setting, AListIsReplacedWholeByTheFirstEditOfAScope) {
  First conf;
  conf.list.edit().push_back("a");
  conf.list.edit().push_back("b");
  EXPECT_THAT(*conf.list, ElementsAre("a", "b"));
  First inner;
  inner.list.inherit(conf.list);
  EXPECT_THAT(*inner.list, ElementsAre("a", "b"));
  inner.list.edit().push_back("c");
  EXPECT_THAT(*inner.list, ElementsAre("c"));
}

}  // namespace
}  // namespace weir::config
