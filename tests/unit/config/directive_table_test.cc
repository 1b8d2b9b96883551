#include "config/directive_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "alike_feature.h"
#include "config/parser.h"
#include "config/values.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using namespace std::chrono_literals;

// A small protocol: http { server { location { } } upstream { server; } }, in the form a feature declares it.
// ---------

struct Conf {
  Setting<bool> buffering{true};
  Setting<std::chrono::milliseconds> timeout{60s};
  Setting<std::vector<std::string>> hidden;
  Setting<std::vector<std::string>> ignored;
  Setting<int> sum{0};
};

struct Scope {
  std::string name;
  Settings settings;
  std::list<Scope> inner;
};

struct Loader : LoadContext {
  Scope root;
  Scope* scope = &root;
  std::vector<std::string> members;
};

void load_block(const Call& call, Context inside) {
  auto& loader = call.load<Loader>();
  Scope* outer = loader.scope;
  loader.scope = &outer->inner.emplace_back();
  loader.scope->name = call.args.empty() ? call.name() : call.args[0];
  call.apply_children(inside, loader.scope->settings);
  loader.scope = outer;
}
void load_http(const Call& call) {
  load_block(call, Http);
}
void load_server(const Call& call) {
  load_block(call, Server);
}
void load_location(const Call& call) {
  load_block(call, Location);
}
void load_upstream(const Call& call) {
  load_block(call, Upstream);
}
void add_member(const Call& call) {
  if (call.args[0] == "bad") call.fail("host not found in upstream \"bad\"");
  call.load<Loader>().members.push_back(call.args[0]);
}
void add_up(const Call& call) {
  auto& sum = call.settings.edit<Conf>().sum;
  sum.set(*sum + static_cast<int>(number(call)));
}

constexpr Context kAnyHttp = Http | Server | Location;
constexpr DirectiveSpec kDirectives[] = {
    block("http", Main, {0, 0}, "{ … }", "HTTP.", &load_http),
    block("server", Http, {0, 0}, "{ … }", "A server.", &load_server),
    block("location", Server | Location, {1, 2}, "[modifier] uri { … }", "A location.", &load_location),
    block("upstream", Http, {1, 1}, "name { … }", "An upstream.", &load_upstream),
    directive<&Conf::buffering, &on_off>("proxy_buffering", kAnyHttp, {1, 1}, "on | off", "Buffers."),
    directive<&Conf::timeout, &time_ms>("proxy_read_timeout", kAnyHttp, {1, 1}, "time", "Waits.").degraded("it hums"),
    repeated<&Conf::hidden, &text>("proxy_hide_header", kAnyHttp, {1, 1}, "field", "Hides."),
    repeated<&Conf::ignored, &words>("proxy_ignore_headers", kAnyHttp, {1, -1}, "field …", "Ignores."),
    custom("sum", kAnyHttp, {1, 1}, "number", "Adds up.", &add_up, false, &inherit_members<&Conf::sum>),
};
constexpr DirectiveSpec kUpstreamDirectives[] = {
    custom("server", Upstream, {1, -1}, "address", "A member.", &add_member),
};

/// A configuration applied to the small protocol.
struct Loaded {
  explicit Loaded(std::string_view text) {
    table.add(kDirectives);
    table.add(kUpstreamDirectives);
    const Document document = parse_text(text, "test.conf", diagnostics);
    table.apply_block(document.statements, Main, loader.root.settings, loader, diagnostics);
    complete(loader.root);
  }

  void complete(Scope& outer) {
    for (Scope& inner : outer.inner) {
      table.inherit(inner.settings, outer.settings);
      complete(inner);
    }
  }

  const Conf& at(std::initializer_list<std::size_t> path) const {
    const Scope* scope = &loader.root;
    for (const std::size_t index : path) scope = &*std::next(scope->inner.begin(), static_cast<long>(index));
    return scope->settings.get<Conf>();
  }

  std::string errors() const { return diagnostics.to_text("", Severity::Emerg); }
  std::string messages() const { return diagnostics.to_text(""); }

  DirectiveTable table;
  Loader loader;
  Diagnostics diagnostics;
};

std::string error_in_http(std::string_view statement) {
  return Loaded("http { " + std::string(statement) + " }").errors();
}

// Applying ----------------------------------------------------------------------------------------------------------

TEST(DirectiveTable, SetsValuesInTheirScope) {
  const Loaded loaded(
      "http { proxy_buffering off; sum 2; sum 3; server { proxy_hide_header a; proxy_hide_header b; } }");
  EXPECT_EQ(loaded.messages(), "");
  EXPECT_FALSE(*loaded.at({0}).buffering);
  EXPECT_EQ(*loaded.at({0}).sum, 5);
  EXPECT_THAT(*loaded.at({0, 0}).hidden, ElementsAre("a", "b"));
}

TEST(DirectiveTable, ARowIsFoundByNameAndPlace) {
  const Loaded loaded("http { upstream u { server a; server b weight=2; } server { } }");
  EXPECT_EQ(loaded.messages(), "");
  EXPECT_THAT(loaded.loader.members, ElementsAre("a", "b"));
  EXPECT_EQ(loaded.loader.root.inner.front().inner.back().name, "server");
}

TEST(DirectiveTable, ReportsErrorsInNginxsWords) {
  EXPECT_EQ(error_in_http("proxy_buffering on off;"),
            "[emerg] invalid number of arguments in \"proxy_buffering\" directive in test.conf:1\n");
  EXPECT_EQ(error_in_http("proxy_buffering;"),
            "[emerg] invalid number of arguments in \"proxy_buffering\" directive in test.conf:1\n");
  EXPECT_EQ(error_in_http("server;"), "[emerg] directive \"server\" has no opening \"{\" in test.conf:1\n");
  EXPECT_EQ(error_in_http("proxy_buffering on { }"),
            "[emerg] directive \"proxy_buffering\" is not terminated by \";\" in test.conf:1\n");
  EXPECT_EQ(error_in_http("location / { }"), "[emerg] \"location\" directive is not allowed here in test.conf:1\n");
  EXPECT_EQ(error_in_http("proxy_buffering on; proxy_buffering on;"),
            "[emerg] \"proxy_buffering\" directive is duplicate in test.conf:1\n");
  EXPECT_EQ(error_in_http("proxy_buffering perhaps;"),
            "[emerg] invalid value \"perhaps\" in \"proxy_buffering\" directive, it must be \"on\" or \"off\" in "
            "test.conf:1\n");
  EXPECT_EQ(error_in_http("upstream u { server bad; }"),
            "[emerg] host not found in upstream \"bad\" in test.conf:1\n");
  EXPECT_EQ(error_in_http("frobnicate 1;"), "[emerg] unknown directive \"frobnicate\" in test.conf:1\n");
}

TEST(DirectiveTable, ASuggestionIsANameThatIsAllowedHereIfThereIsOne) {
  EXPECT_EQ(error_in_http("proxy_bufering on;"),
            "[emerg] unknown directive \"proxy_bufering\", did you mean \"proxy_buffering\"? in test.conf:1\n");
  // `use` is nearer, but stands in `events`.
  EXPECT_THAT(Loaded("usr nobody;").errors(), HasSubstr("did you mean \"user\"?"));
}

TEST(DirectiveTable, GoesOnAfterErrorsAndReportsAllInOneGo) {
  const Loaded loaded(
      "http {\n proxy_bufering on;\n server {\n  proxy_buffering x;\n  location / { proxy_hide_header; }\n"
      " }\n}\nuser;\nproxy_buffering on;\n");
  EXPECT_EQ(loaded.diagnostics.error_count(), 5u);
  EXPECT_THAT(loaded.errors(), HasSubstr("in test.conf:5"));
  EXPECT_THAT(loaded.errors(), HasSubstr("\"proxy_buffering\" directive is not allowed here in test.conf:9"));
}

TEST(DirectiveTable, AFailedValueLeavesTheSettingUnset) {
  const Loaded loaded("http { proxy_buffering x; proxy_buffering off; }");
  EXPECT_EQ(loaded.diagnostics.error_count(), 1u);
  EXPECT_FALSE(*loaded.at({0}).buffering);
}

TEST(DirectiveTable, ADegradedRowWorksAndWarns) {
  const Loaded loaded("http { proxy_read_timeout 5s; }");
  EXPECT_EQ(*loaded.at({0}).timeout, 5s);
  EXPECT_EQ(loaded.messages(), "[warn] \"proxy_read_timeout\" works differently: it hums in test.conf:1\n");
}

TEST(DirectiveTable, TwoFeaturesMayNameTheirTypesAlike) {
  DirectiveTable table;
  table.add(kDirectives);
  table.add(alike_directives());
  Diagnostics diagnostics;
  Settings outer, inner;
  Loader loader;
  const Document document = parse_text("alike off; alike_list x; proxy_buffering on;", "test.conf", diagnostics);
  table.apply_block(document.statements, Http, outer, loader, diagnostics);
  table.inherit(inner, outer);
  EXPECT_EQ(diagnostics.to_text(""), "");
  EXPECT_TRUE(*inner.get<Conf>().buffering);
  EXPECT_THAT(*inner.get<Conf>().hidden, IsEmpty());
  EXPECT_EQ(alike_values(inner), "off x");
}

TEST(DirectiveTable, TwoRowsOfOneNameMustNotShareAPlace) {
  DirectiveTable table;
  table.add(kDirectives);
  static constexpr DirectiveSpec kClash[] = {custom("server", Upstream | Http, {0, -1}, "", "", &add_member)};
  EXPECT_THROW(table.add(kClash), std::logic_error);
}

// Documented directives without a row
// --------------------------------------------------------------------------------

TEST(DirectiveTable, AnAcceptedDirectiveIsNoticed) {
  const Loaded loaded("load_module modules/x.so;\nhttp { sendfile on; server_names_hash_bucket_size 64; }");
  EXPECT_FALSE(loaded.diagnostics.has_errors());
  EXPECT_THAT(loaded.messages(), HasSubstr("[notice] \"load_module\" has no effect: "));
  EXPECT_THAT(loaded.messages(), HasSubstr("[notice] \"sendfile\" has no effect: "));
  EXPECT_THAT(loaded.messages(), HasSubstr("[notice] \"server_names_hash_bucket_size\" has no effect: "));
}

TEST(DirectiveTable, AnAcceptedDirectiveIsStillChecked) {
  EXPECT_EQ(error_in_http("sendfile;"),
            "[emerg] invalid number of arguments in \"sendfile\" directive in test.conf:1\n");
  EXPECT_EQ(error_in_http("sendfile on { }"),
            "[emerg] directive \"sendfile\" is not terminated by \";\" in test.conf:1\n");
  EXPECT_EQ(Loaded("sendfile on;").errors(), "[emerg] \"sendfile\" directive is not allowed here in test.conf:1\n");
}

TEST(DirectiveTable, ARefusedDirectiveStopsTheStartWithItsReason) {
  EXPECT_THAT(error_in_http("server { location / { fastcgi_pass x; } }"),
              HasSubstr("\"fastcgi_pass\" directive is not supported: Weir does not speak FastCGI"));
  EXPECT_THAT(error_in_http("map $a $b { x y; }"),
              HasSubstr("\"map\" directive is not supported: not implemented by Weir yet"));
  EXPECT_THAT(error_in_http("server { location / { content_by_lua_block { x } } }"),
              HasSubstr("\"content_by_lua_block\" directive is not supported: it belongs to the Lua module"));
  EXPECT_THAT(error_in_http("more_set_headers 'a: b';"), HasSubstr("use `add_header … always`"));
}

TEST(DirectiveTable, WhatIsNotDoneMayBeOff) {
  const Loaded loaded("http { proxy_cache off; gzip off; server { location / { autoindex off; brotli off; } } }");
  EXPECT_EQ(loaded.messages(), "");
  EXPECT_THAT(error_in_http("autoindex on;"), HasSubstr("\"autoindex\" directive is not supported"));
  EXPECT_EQ(error_in_http("autoindex off { }"), "[emerg] \"autoindex\" directive is not supported: not implemented by Weir yet in test.conf:1\n");
}

TEST(DirectiveTable, ANameThatIsKnownElsewhereIsNotAllowedHere) {
  EXPECT_EQ(Loaded("listen 80;").errors(), "[emerg] \"listen\" directive is not allowed here in test.conf:1\n");
}

TEST(DirectiveTable, AFileOfAnotherKindDoesNotTakeMinutes) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "proxy_bufferinx on;\n";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(Loaded(text).diagnostics.error_count(), 100'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

// Inheritance
// --------------------------------------------------------------------------------------------------------

TEST(Inheritance, AnInnerScopeTakesWhatItDoesNotSet) {
  const Loaded loaded(R"(http {
      server { location /a { proxy_read_timeout 1s; } location /b { } proxy_read_timeout 2s; }
      proxy_read_timeout 3s;
      proxy_buffering off;
      server { }
  })");
  EXPECT_EQ(*loaded.at({0, 0, 0}).timeout, 1s);
  EXPECT_EQ(*loaded.at({0, 0, 1}).timeout, 2s);
  EXPECT_EQ(*loaded.at({0, 1}).timeout, 3s) << "a directive may follow the servers that inherit it";
  EXPECT_FALSE(*loaded.at({0, 0, 0}).buffering);
}

TEST(Inheritance, AListIsTakenOrReplacedWhole) {
  const Loaded loaded(R"(http {
      proxy_hide_header a; proxy_hide_header b; proxy_ignore_headers x y; proxy_ignore_headers z;
      server { location / { proxy_hide_header c; } }
  })");
  EXPECT_EQ(loaded.messages(), "");
  EXPECT_THAT(*loaded.at({0, 0}).hidden, ElementsAre("a", "b"));
  EXPECT_THAT(*loaded.at({0, 0, 0}).hidden, ElementsAre("c"));
  EXPECT_THAT(*loaded.at({0, 0, 0}).ignored, ElementsAre("x", "y", "z"));
}

TEST(Inheritance, ACustomRowNamesTheMembersThatAreInherited) {
  const Loaded loaded("http { sum 4; server { } server { sum 1; } }");
  EXPECT_EQ(*loaded.at({0, 0}).sum, 4);
  EXPECT_EQ(*loaded.at({0, 1}).sum, 1);
}

TEST(Inheritance, AnInheritedValueMayBeSetAgainWithoutBeingADuplicate) {
  EXPECT_EQ(Loaded("http { proxy_buffering on; server { proxy_buffering on; } }").messages(), "");
}

}  // namespace
}  // namespace weir::config
