#include "config/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "config/directives_markdown.h"
#include "config/values.h"

namespace weir::config {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Catalogue, KnowsEveryDocumentedName) {
  std::set<std::string_view> names;
  for (const DocumentedDirective& directive : documented_directives()) {
    names.insert(directive.name);
    EXPECT_NE(directive.contexts, Nowhere) << directive.name;
  }
  EXPECT_GE(names.size(), 806u);
  for (const auto* name :
       {"http", "listen", "proxy_pass", "proxy_next_upstream_tries", "grpc_pass", "health_check", "map",
        "ssl_preread", "js_import", "auth_jwt", "zone_sync", "oidc_provider", "acme_issuer"})
    EXPECT_TRUE(names.contains(name)) << name;
}

TEST(Catalogue, KnowsPlacesFormsAndArguments) {
  const DocumentedDirective* server = find_documented("server", Upstream);
  ASSERT_NE(server, nullptr);
  EXPECT_FALSE(server->is_block);
  EXPECT_TRUE(find_documented("server", Http)->is_block);
  EXPECT_EQ(find_documented("server", Location), nullptr);
  EXPECT_EQ(find_documented("listen", StreamServer)->module, "ngx_stream_core_module");
  EXPECT_EQ(find_documented("return", Location | ServerIf)->arity.max, 2);
  EXPECT_EQ(find_documented("if", Server)->arity.max, -1);
  EXPECT_NE(find_documented("error_log", StreamServer), nullptr);
  EXPECT_EQ(find_documented("no_such_thing", Everywhere), nullptr);
}

TEST(Catalogue, EveryVerdictHasAReason) {
  for (const DocumentedDirective& directive : documented_directives()) {
    const Verdict verdict = verdict_on(directive);
    EXPECT_FALSE(verdict.reason.empty()) << directive.name;
    EXPECT_NE(verdict.support, Support::Full) << directive.name;
  }
}

Support support_of(std::string_view name, Context where) {
  return verdict_on(*find_documented(name, where)).support;
}

TEST(Catalogue, WhatCanHaveNoEffectIsAccepted) {
  for (const auto* name : {"sendfile", "tcp_nopush", "types_hash_max_size", "proxy_temp_path", "fastcgi_temp_path",
                           "open_file_cache_valid", "server_names_hash_bucket_size", "client_body_temp_path"})
    EXPECT_EQ(support_of(name, Http), Support::Accepted) << name;
  EXPECT_EQ(support_of("use", Events), Support::Accepted);
  EXPECT_EQ(support_of("load_module", Main), Support::Accepted);
  EXPECT_EQ(support_of("mgmt", Main), Support::Accepted);
  EXPECT_EQ(support_of("worker_cpu_affinity", Main), Support::Degraded);
  EXPECT_EQ(support_of("proxy_pass", Location), Support::Refused);
}

TEST(Catalogue, MailGetsReasonsOfItsOwn) {
  EXPECT_THAT(std::string(verdict_on(*find_documented("ssl_certificate", Mail)).reason), HasSubstr("mail"));
}

TEST(Catalogue, ThirdPartyNamesAreKnown) {
  for (const auto* name :
       {"brotli", "brotli_types", "more_set_headers", "content_by_lua_block", "access_by_lua_file", "lua_shared_dict",
        "modsecurity", "modsecurity_rules_file", "geoip2", "vhost_traffic_status_zone", "rtmp", "check",
        "check_http_send", "passenger_enabled", "echo"})
    EXPECT_TRUE(verdict_on_third_party(name)) << name;
  for (const auto* name : {"brotlii", "checked", "proxy_pass", "echoes", ""})
    EXPECT_FALSE(verdict_on_third_party(name)) << name;
}

struct Conf {
  Setting<bool> buffering{true};
};
constexpr DirectiveSpec kDirectives[] = {
    directive<&Conf::buffering, &on_off>("proxy_buffering", Http | Server, {1, 1}, "on | off", "Buffers answers."),
};

TEST(DirectivesMarkdown, HasImplementedOnesAndWhatIsLeft) {
  DirectiveTable table;
  table.add(kDirectives);
  const std::string page = directives_markdown(table);
  EXPECT_THAT(page, HasSubstr("| `proxy_buffering` | `on \\| off` | http, server | full | Buffers answers. |\n"));
  EXPECT_THAT(page, HasSubstr("| `proxy_buffering` |  | location | refused | not implemented by Weir yet |\n"));
  EXPECT_THAT(page, HasSubstr("| `sendfile` |  | http, server, location, if in location | accepted | "));
  EXPECT_THAT(page, HasSubstr("| `include` | `file` | any | full | "));
  EXPECT_EQ(page, directives_markdown(table));
}

TEST(Contexts, AreWrittenAsInTheDocumentation) {
  EXPECT_EQ(to_text(Http | Server | LocationIf), "http, server, if in location");
  EXPECT_EQ(to_text(Everywhere), "any");
}

}  // namespace
}  // namespace weir::config
