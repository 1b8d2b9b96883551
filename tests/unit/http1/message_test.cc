#include "http/message.h"

#include <gtest/gtest.h>

#include <string>

#include "http1/request_parser.h"

namespace weir::http {
namespace {

TEST(Fields, AreFoundByNumberAndByName) {
  Fields fields(std::pmr::get_default_resource());
  fields.add("Cookie", "a");
  fields.add("X-Own", "b");
  fields.add("cookie", "c");
  EXPECT_EQ(fields.find(FieldId::Cookie), &fields[0]);
  EXPECT_EQ(fields.find("COOKIE"), &fields[0]);
  EXPECT_EQ(fields.find("x-own"), &fields[1]);
  EXPECT_EQ(fields.find("x-ow"), nullptr);
  EXPECT_EQ(fields.find(FieldId::Host), nullptr);
  EXPECT_EQ(fields.count(FieldId::Cookie), 2u);
  EXPECT_EQ(fields.value(FieldId::Cookie), "a");
  EXPECT_EQ(fields.value(FieldId::Host), "");
}

TEST(Fields, ForgetWhatIsRemoved) {
  Fields fields(std::pmr::get_default_resource());
  for (const char* name : {"Cookie", "Host", "cookie"}) fields.add(name, "a");
  fields.replace(FieldId::Host, "b");
  EXPECT_EQ(fields.remove(FieldId::Cookie), 2u);
  EXPECT_FALSE(fields.contains(FieldId::Cookie));
  EXPECT_EQ(fields.value(FieldId::Host), "b");
  fields.clear();
  EXPECT_FALSE(fields.contains(FieldId::Host));
  EXPECT_TRUE(fields.empty());
}

TEST(HopByHop, AreTheListedAndTheNominated) {
  ConnectionOptions options(std::pmr::get_default_resource());
  options.nominated = {"x-own", "Cookie", "host", "content-length"};
  const auto is = [&](std::string_view name) { return is_hop_by_hop({name, "", field_id(name)}, options); };
  for (const char* name : {"Connection", "keep-alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding",
                           "Upgrade", "HTTP2-Settings", "X-Own", "cookie"})
    EXPECT_TRUE(is(name)) << name;
  for (const char* name : {"Host", "Accept", "X-Other", "Proxy-Authenticate"}) EXPECT_FALSE(is(name)) << name;
}

TEST(Method, KnowsWhatMayBeRepeated) {
  for (const char* name : {"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
    EXPECT_TRUE(is_idempotent(method_of(name))) << name;
  for (const char* name : {"POST", "PATCH", "LOCK", "CONNECT", "FOO", "get"})
    EXPECT_FALSE(is_idempotent(method_of(name))) << name;
  EXPECT_EQ(method_name(Method::MkCol), "MKCOL");
  EXPECT_EQ(method_name(Method::Other), "");
}

TEST(RequestHead, IsAsNewAfterReset) {
  const std::string bytes =
      "POST http://h:1/p?q HTTP/1.1\r\nHost: h:1\r\nx_y: 1\r\nConnection: close, upgrade, x, ?\r\nUpgrade: u\r\n"
      "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  RequestHead head(std::pmr::get_default_resource());
  http1::RequestParser parser;
  parser.start({});
  ASSERT_EQ(parser.parse(bytes, head), http1::ParseStatus::Complete);
  ASSERT_TRUE(head.wants_upgrade && head.expect_continue && head.has_query);
  head.reset();
  const RequestHead fresh(std::pmr::get_default_resource());
  EXPECT_EQ(head.method, fresh.method);
  EXPECT_EQ(head.form, fresh.form);
  for (const bool flag :
       {head.has_query, head.keep_alive, head.expect_continue, head.wants_upgrade, head.target_https,
        head.connection.close, head.connection.upgrade, head.connection.malformed})
    EXPECT_FALSE(flag);
  for (const std::string_view slice :
       {head.method_name, head.target, head.line, head.path, head.query, head.host, head.port, head.upgrade})
    EXPECT_EQ(slice.data(), nullptr);
  EXPECT_EQ(head.framing, fresh.framing);
  EXPECT_TRUE(head.fields.empty());
  EXPECT_TRUE(head.connection.nominated.empty());
  EXPECT_EQ(head.dropped_fields, 0u);
  EXPECT_EQ(head.path_or_root(), "/");
}

}  // namespace
}  // namespace weir::http
