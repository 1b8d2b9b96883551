#include "shared/json.h"

#include <gtest/gtest.h>

namespace weir::shared {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter json;
  json.object();
  json.key("a").array().end_array();
  json.key("b").array().number(1).object().end_object().text("c").end_array();
  json.key("d").object().key("e").truth(true).key("f").number(-2).end_object();
  json.key("g").number(1.5).end_object();
  EXPECT_EQ(json.str(), R"({"a":[],"b":[1,{},"c"],"d":{"e":true,"f":-2},"g":1.500})");
}

TEST(JsonWriter, EscapesTexts) {
  using namespace std::string_view_literals;
  JsonWriter json;
  json.object().key("\"").text("\\\n\r\t\b\f\x01\x1f\0 é"sv).end_object();
  EXPECT_EQ(json.str(), R"({"\"":"\\\n\r\t\b\f\u0001\u001F\u0000 é"})");
}

}  // namespace
}  // namespace weir::shared
