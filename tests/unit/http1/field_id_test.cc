#include "http/field_id.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>

namespace weir::http {
namespace {

std::string with_case(std::string_view name, int (*fold)(int)) {
  std::string folded(name);
  for (char& c : folded) c = static_cast<char>(fold(static_cast<unsigned char>(c)));
  return folded;
}

TEST(FieldId, FindsEveryNameInAnyCase) {
  for (std::size_t i = 1; i < kFieldIds; ++i) {
    const auto id = static_cast<FieldId>(i);
    const std::string_view name = field_name(id);
    EXPECT_EQ(field_id(name), id) << name;
    EXPECT_EQ(field_id(with_case(name, std::tolower)), id) << name;
    EXPECT_EQ(field_id(with_case(name, std::toupper)), id) << name;
  }
  EXPECT_EQ(field_id("content-length"), FieldId::ContentLength);
}

TEST(FieldId, FindsNothingThatDiffersInOneOctet) {
  for (std::size_t i = 1; i < kFieldIds; ++i) {
    const auto id = static_cast<FieldId>(i);
    const std::string name(field_name(id));
    EXPECT_EQ(field_id(name.substr(1)) == id || field_id(name + "x") == id, false) << name;
    for (std::size_t at = 0; at < name.size(); ++at)
      for (int octet = 0; octet < 256; ++octet) {
        std::string changed = name;
        changed[at] = static_cast<char>(octet);
        if (equal_caseless(changed, name)) continue;
        EXPECT_NE(field_id(changed), id) << name << " with " << octet << " at " << at;
      }
  }
}

TEST(FieldId, FindsNothingInNothing) {
  EXPECT_EQ(field_id(""), FieldId::Other);
  EXPECT_EQ(field_id("x"), FieldId::Other);
  EXPECT_EQ(field_id(std::string(1000, 'x')), FieldId::Other);
  EXPECT_EQ(field_name(FieldId::Other), "");
}

TEST(EqualCaseless, FoldsLettersOnly) {
  EXPECT_TRUE(equal_caseless("Keep-ALIVE", "keep-alive"));
  EXPECT_TRUE(equal_caseless("", ""));
  EXPECT_FALSE(equal_caseless("a", "ab"));
  EXPECT_FALSE(equal_caseless("@", "`"));
  EXPECT_FALSE(equal_caseless("[", "{"));
  EXPECT_FALSE(equal_caseless("-", "\r"));
  EXPECT_FALSE(equal_caseless("\xc4", "\xe4"));
}

}  // namespace
}  // namespace weir::http
