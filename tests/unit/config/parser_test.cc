#include "config/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "statement_text.h"

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Words = std::vector<std::string>;

struct Parsed {
  Document document;
  Diagnostics diagnostics;

  const Statement& first() const { return document.statements.at(0); }
  std::string errors() const { return diagnostics.to_text("", Severity::Emerg); }
  std::string messages() const { return diagnostics.to_text(""); }
};

Parsed parse(std::string_view text, const Limits& limits = {}) {
  Parsed parsed;
  parsed.document = parse_text(text, "test.conf", parsed.diagnostics, {}, limits);
  return parsed;
}

/// The words of the only statement of `text`, its name first.
Words words_of(std::string_view text) {
  const Parsed parsed = parse(text);
  EXPECT_EQ(parsed.messages(), "") << text;
  EXPECT_EQ(parsed.document.statements.size(), 1u) << text;
  if (parsed.document.statements.empty()) return {};
  Words words{parsed.first().name};
  words.insert(words.end(), parsed.first().args.begin(), parsed.first().args.end());
  return words;
}

TEST(Parser, ReadsStatementsAndNestedBlocks) {
  const Parsed parsed = parse("user www;\nhttp {\n  server {\n    listen 80 default_server;\n  }\n}\n");
  EXPECT_EQ(parsed.messages(), "");
  ASSERT_EQ(parsed.document.statements.size(), 2u);
  const Statement& http = parsed.document.statements[1];
  EXPECT_EQ(http.name, "http");
  EXPECT_TRUE(http.is_block);
  EXPECT_EQ(http.at.line, 2);
  const Statement& listen = http.children.at(0).children.at(0);
  EXPECT_EQ(listen.name, "listen");
  EXPECT_THAT(listen.args, ElementsAre("80", "default_server"));
  EXPECT_FALSE(listen.is_block);
  EXPECT_EQ(listen.at.line, 4);
  EXPECT_EQ(*listen.at.file, "test.conf");
}

TEST(Parser, AnEmptyTextIsAnEmptyConfiguration) {
  EXPECT_THAT(parse("").document.statements, IsEmpty());
  EXPECT_EQ(parse(" \t\r\n# only a comment").messages(), "");
}

TEST(Parser, QuotesKeepBlanksAndSpecialCharacters) {
  EXPECT_EQ(words_of("a \"b c;{}#\" 'd \"e\"' \"it's\";"), (Words{"a", "b c;{}#", "d \"e\"", "it's"}));
  EXPECT_EQ(words_of("a \"\" '';"), (Words{"a", "", ""}));
  EXPECT_EQ(words_of("a 'two\nlines';"), (Words{"a", "two\nlines"}));
}

TEST(Parser, AQuoteInsideAWordIsAnOrdinaryCharacter) {
  EXPECT_EQ(words_of("a b\"c d'e;"), (Words{"a", "b\"c", "d'e"}));
}

TEST(Parser, ResolvesTheEscapesThatNginxResolvesAndNoOthers) {
  EXPECT_EQ(words_of(R"(a \"b\' "c\"d" 'e\'f' g\\h;)"), (Words{"a", "\"b'", "c\"d", "e'f", "g\\h"}));
  EXPECT_EQ(words_of(R"(a x\ty x\ry x\ny;)"), (Words{"a", "x\ty", "x\ry", "x\ny"}));
  EXPECT_EQ(words_of(R"(a \.php$ "\d{2}$";)"), (Words{"a", "\\.php$", "\\d{2}$"}));
  EXPECT_EQ(words_of(R"(a b\ c\;d\{e;)"), (Words{"a", "b\\ c\\;d\\{e"}));
  EXPECT_EQ(words_of(R"(a \\n;)"), (Words{"a", "\\n"}));
}

TEST(Parser, BracesOfAVariableDoNotOpenABlock) {
  EXPECT_EQ(words_of("a ${host}:${port}/x;"), (Words{"a", "${host}:${port}/x"}));
  EXPECT_EQ(words_of("a $${b};"), (Words{"a", "$${b}"}));
  const Parsed parsed = parse("a b$c{ }");
  EXPECT_TRUE(parsed.first().is_block);
  EXPECT_THAT(parsed.first().args, ElementsAre("b$c"));
}

TEST(Parser, AClosingBraceInsideAWordIsAnOrdinaryCharacter) {
  EXPECT_EQ(words_of("a b}c d};"), (Words{"a", "b}c", "d}"}));
}

TEST(Parser, ACommentBeginsOnlyWhereAWordCouldBegin) {
  EXPECT_EQ(words_of("a b#c # d;\n e; # f"), (Words{"a", "b#c", "e"}));
  EXPECT_EQ(words_of("a \"#b\" #c\n;"), (Words{"a", "#b"}));
}

TEST(Parser, AParenthesisMayFollowAQuoteDirectly) {
  const Parsed parsed = parse("if ($a = \"b c\") { return 403; }");
  EXPECT_EQ(parsed.messages(), "");
  EXPECT_THAT(parsed.first().args, ElementsAre("($a", "=", "b c", ")"));
}

TEST(Parser, ABlockMayFollowAWordWithoutBlank) {
  const Parsed parsed = parse("events{}http{server{}}");
  EXPECT_EQ(parsed.messages(), "");
  EXPECT_EQ(parsed.document.statements.size(), 2u);
}

TEST(Parser, APositionIsTheLineOfTheEndOfTheStatement) {
  const Parsed parsed = parse("log_format main\n  'a'\n  'b';\nserver\n{\n}\n");
  EXPECT_EQ(parsed.document.statements[0].at.line, 3);
  EXPECT_EQ(parsed.document.statements[1].at.line, 5);
}

// Malformed texts ------------------------------------------------------------------------------------------------

struct Malformed {
  std::string_view text;
  std::string_view errors;
};

TEST(Parser, ReportsMalformedTextsInNginxsWords) {
  constexpr Malformed kCases[] = {
      {"a", "[emerg] unexpected end of file, expecting \";\" or \"}\" in test.conf:1\n"},
      {"a b\n\n", "[emerg] unexpected end of file, expecting \";\" or \"}\" in test.conf:3\n"},
      {"a \"b;\n", "[emerg] unexpected end of file, expecting \";\" or \"}\" in test.conf:2\n"},
      {"a \\", "[emerg] unexpected end of file, expecting \";\" or \"}\" in test.conf:1\n"},
      {"a {\n b;\n", "[emerg] unexpected end of file, expecting \"}\" in test.conf:3\n"},
      {"a { b", "[emerg] unexpected end of file, expecting \";\" or \"}\" in test.conf:1\n"},
      {"}", "[emerg] unexpected \"}\" in test.conf:1\n"},
      {";", "[emerg] unexpected \";\" in test.conf:1\n"},
      {"a;\n;;", "[emerg] unexpected \";\" in test.conf:2\n[emerg] unexpected \";\" in test.conf:2\n"},
      {"{ a; }", "[emerg] unexpected \"{\" in test.conf:1\n"},
      {"a \"b\"c;", "[emerg] unexpected \"c\" in test.conf:1\n"},
      {"a 'b'\"c\";", "[emerg] unexpected \"\"\" in test.conf:1\n"},
      {"a { b }", "[emerg] unexpected \"}\" in test.conf:1\n"},
      {"include;", "[emerg] invalid number of arguments in \"include\" directive in test.conf:1\n"},
      {"include a b;", "[emerg] invalid number of arguments in \"include\" directive in test.conf:1\n"},
      {"include a { b; }", "[emerg] directive \"include\" is not terminated by \";\" in test.conf:1\n"},
  };
  for (const Malformed& malformed : kCases)
    EXPECT_EQ(parse(malformed.text).errors(), malformed.errors) << malformed.text;
}

TEST(Parser, ReportsAllErrorsOfAFileAndReadsTheRest) {
  const Parsed parsed = parse("a { b }\n}\n;\nc \"d\"e;\nf;\n");
  EXPECT_EQ(parsed.diagnostics.error_count(), 4u);
  ASSERT_EQ(parsed.document.statements.size(), 3u);
  EXPECT_EQ(parsed.first().children.at(0).name, "b");
  EXPECT_THAT(parsed.document.statements[1].args, ElementsAre("d", "e"));
  EXPECT_EQ(parsed.document.statements[2].name, "f");
}

TEST(Parser, NamesTheBlockAndTheQuoteThatWereLeftOpen) {
  EXPECT_THAT(parse("a;\nb {\n c {\n").messages(),
              HasSubstr("the block that begins here is never closed in test.conf:3"));
  EXPECT_THAT(parse("a;\nb 'c;\nd;\n").messages(),
              HasSubstr("the quote that begins here is never closed in test.conf:2"));
}

TEST(Parser, ANamelessBlockIsReportedOnceAndItsContentDropped) {
  const Parsed parsed = parse("{ a { b; } { c; } }\nd;");
  EXPECT_EQ(parsed.diagnostics.error_count(), 2u);
  ASSERT_EQ(parsed.document.statements.size(), 1u);
  EXPECT_EQ(parsed.first().name, "d");
}

TEST(Parser, AnEmptyQuotedNameIsAStatementLikeAnyOther) {
  const Parsed parsed = parse("\"\" a;\n'' { b; }");
  EXPECT_EQ(parsed.messages(), "");
  EXPECT_EQ(parsed.document.statements.size(), 2u);
}

TEST(Parser, SkipsTheCodeOfLuaBlocks) {
  const Parsed parsed = parse(R"(
content_by_lua_block {
  local t = { a = "}" }  -- a comment with }
  --[[ a long one } ]]
  ngx.say([[ } ]], 'it\'s }')
}
after;
)");
  EXPECT_EQ(parsed.messages(), "");
  ASSERT_EQ(parsed.document.statements.size(), 2u);
  EXPECT_EQ(parsed.document.statements[1].name, "after");
  EXPECT_EQ(parse("x_by_lua_block { {").errors(), "[emerg] unexpected end of file, expecting \"}\" in test.conf:1\n");
}

TEST(Parser, BoundsWordsBlocksAndTheirDepth) {
  const Limits limits{.block_depth = 3, .parameter_bytes = 10};
  EXPECT_EQ(parse("a 0123456789;", limits).errors(), "");
  EXPECT_EQ(parse("a\n 0123456789a;", limits).errors(),
            "[emerg] too long parameter \"0123456789...\" started in test.conf:2\n");
  EXPECT_EQ(parse("a\n '0123456789a\n';", limits).errors(),
            "[emerg] too long parameter, probably missing terminating \"'\" character in test.conf:2\n");
  EXPECT_EQ(parse("a{a{a{}}}", limits).errors(), "");
  EXPECT_EQ(parse("a{a{a{\na{a{", limits).errors(), "[emerg] blocks are nested more than 3 deep in test.conf:2\n");
}

TEST(Parser, AHundredThousandOpenBracesDoNotExhaustTheStack) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "a{";
  EXPECT_EQ(parse(text).diagnostics.error_count(), 1u);
}

TEST(Parser, TheCommandLineHasNoLinesAndNoBlocks) {
  Diagnostics diagnostics;
  const Document document = parse_text("daemon off; events {} pid x", "command line", diagnostics);
  EXPECT_EQ(document.statements.size(), 2u);
  EXPECT_EQ(diagnostics.to_text("weir: "),
            "weir: [emerg] block directives are not supported in -g option in command line\n"
            "weir: [emerg] unexpected end of parameter, expecting \";\" in command line\n");
}

// Round trips ----------------------------------------------------------------------------------------------------

void expect_round_trip(std::string_view text) {
  const Parsed once = parse(text);
  const std::string source = to_source(once.document.statements);
  const Parsed twice = parse(source, {.parameter_bytes = 1u << 20});
  EXPECT_EQ(twice.messages(), "") << text;
  EXPECT_TRUE(same(once.document.statements, twice.document.statements)) << text << "\n---\n" << source;
}

TEST(Parser, NastyWordsSurviveARoundTrip) {
  using namespace std::string_view_literals;
  expect_round_trip(R"(a \\\" \\\\ '\\' "\"" \x \' "\'";)");
  expect_round_trip("a \"line\nbreak\ttab\rreturn\" '\\n\\r\\t';");
  expect_round_trip("location ~ ^/(?<a>\\d{1,3}\\.)+$ ;");
  expect_round_trip("location ~ \"^/(?<a>\\d{1,3}\\.)+$\" { b \"{}\" '}' ';' '#'; }");
  expect_round_trip("a \xff\xfe\x80 \"\xc3\xa9\" '\x01\x7f';");
  expect_round_trip("a\0b \"\0\" '\0c';"sv);
  expect_round_trip("a ${ ${b} $ {c;}");
  expect_round_trip(
      "\xef\xbb\xbf"
      "a;\r\nb;\r\n");
}

TEST(Parser, RandomTextsSurviveARoundTrip) {
  constexpr std::string_view kPieces[] = {"a", "b", " ",   "\n",  ";",  "{",  "}",   "\"", "'",  "\\", "$",   "${",
                                          "#", ")", "\\n", "\\t", "\r", "\t", "x y", "; ", "{ ", "} ", "\" ", "' "};
  std::mt19937 random(20'260'314);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto length = random() % 40; length > 0; --length) text += kPieces[random() % std::size(kPieces)];
    expect_round_trip(text);
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace weir::config
