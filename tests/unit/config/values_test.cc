#include "config/values.h"

#include <gtest/gtest.h>

#include "config/directive_table.h"

namespace weir::config {
namespace {

using namespace std::chrono_literals;
using namespace literals;

TEST(Sizes, AreDigitsWithAUnitInEitherCase) {
  EXPECT_EQ(parse_size("0"), 0_B);
  EXPECT_EQ(parse_size("512"), 512_B);
  EXPECT_EQ(parse_size("8k"), 8_KiB);
  EXPECT_EQ(parse_size("8K"), 8_KiB);
  EXPECT_EQ(parse_size("1m"), 1_MiB);
  EXPECT_EQ(parse_size("2G"), 2_GiB);
  EXPECT_EQ(parse_size("9223372036854775807"), 9223372036854775807_B);
  EXPECT_EQ(parse_size("8589934591g"), 8589934591_GiB);
}

TEST(Sizes, RefuseAnythingElse) {
  for (const auto* text : {"", "k", "-1", "+1", " 1", "1 ", "1 k", "1kb", "1.5m", "0x10", "1t", "off", "8kk",
                           "9223372036854775808", "8589934592g", "99999999999999999999"})
    EXPECT_FALSE(parse_size(text)) << text;
}

TEST(Times, AreNumbersWithUnitsFromLargeToSmall) {
  EXPECT_EQ(parse_time_ms("60"), 60s);
  EXPECT_EQ(parse_time_ms("0"), 0s);
  EXPECT_EQ(parse_time_ms("500ms"), 500ms);
  EXPECT_EQ(parse_time_ms("30s"), 30s);
  EXPECT_EQ(parse_time_ms("5m"), 5min);
  EXPECT_EQ(parse_time_ms("1h30m"), 90min);
  EXPECT_EQ(parse_time_ms("1h 30m"), 90min);
  EXPECT_EQ(parse_time_ms("1w2d3h4m5s6ms"), ((9 * 24 + 3) * 1h) + 4min + 5s + 6ms);
  EXPECT_EQ(parse_time_ms("1m30"), 90s);
  EXPECT_EQ(parse_time_s("1y"), 365 * 24h);
  EXPECT_EQ(parse_time_s("1M"), 30 * 24h);
  EXPECT_EQ(parse_time_s("1d"), 24h);
}

TEST(Times, RefuseAnythingElse) {
  for (const auto* text : {"", " ", "s", "-1s", "1x", "1S", "1.5s", "30m1h", "1s1s", "1s 30", "1h1h", "1ms1s", " 1s",
                           "1y", "1M", "s1", "99999999999999999999", "1m s"})
    EXPECT_FALSE(parse_time_ms(text)) << text;
  for (const auto* text : {"500ms", "1M1y", ""}) EXPECT_FALSE(parse_time_s(text)) << text;
}

TEST(Times, AreCutWhereDeadlinesWouldOverflow) {
  EXPECT_EQ(parse_time_ms("9223372036854775807"), kLongestTime);
  EXPECT_EQ(parse_time_s("9223372036854775807y"), kLongestTime);
  EXPECT_EQ(parse_time_ms("9000000w9000000d9000000h"), kLongestTime);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_GT(now + *parse_time_ms("999999999999"), now);
}

TEST(Numbers, AreDigitsUpToALimit) {
  EXPECT_EQ(parse_number("0"), 0u);
  EXPECT_EQ(parse_number("2147483647"), 2147483647u);
  EXPECT_EQ(parse_number("18446744073709551615", UINT64_MAX), UINT64_MAX);
  EXPECT_EQ(parse_number("7", 7), 7u);
  for (const auto* text : {"", "-1", "1a", " 1", "2147483648"}) EXPECT_FALSE(parse_number(text)) << text;
  EXPECT_FALSE(parse_number("8", 7));
  EXPECT_FALSE(parse_number("18446744073709551616", UINT64_MAX));
}

// Parse functions -------------------------------------------------------------------------------------------------

/// What `parse` returns, or what it throws, for the arguments of a directive `d`.
template <class T>
struct Outcome {
  std::optional<T> value;
  std::string error;
};

template <class T>
Outcome<T> run(T (*parse)(const Call&), std::vector<std::string> args) {
  Statement statement;
  statement.name = "d";
  statement.args = std::move(args);
  Diagnostics diagnostics;
  Settings settings;
  LoadContext context;
  const DirectiveTable table;
  try {
    return {parse({statement, statement.args, diagnostics, settings, context, Http, table}), {}};
  } catch (const ValueError& error) {
    return {std::nullopt, error.what()};
  }
}

enum class Mode { A, B };
constexpr EnumName<Mode> kModes[] = {{"alpha", Mode::A}, {"beta", Mode::B}};
constexpr EnumName<unsigned> kFlags[] = {{"one", 1}, {"two", 2}, {"four", 4}};

TEST(ParseFunctions, TakeOnOrOffInEitherCase) {
  EXPECT_EQ(run(on_off, {"on"}).value, true);
  EXPECT_EQ(run(on_off, {"OFF"}).value, false);
  EXPECT_EQ(run(on_off, {"yes"}).error, "invalid value \"yes\" in \"d\" directive, it must be \"on\" or \"off\"");
}

TEST(ParseFunctions, SayWhatTheyExpect) {
  EXPECT_EQ(run(size, {"1x"}).error,
            "invalid value \"1x\" in \"d\" directive, it must be a size such as \"8k\" or \"1m\"");
  EXPECT_EQ(run(time_ms, {"x"}).error,
            "invalid value \"x\" in \"d\" directive, it must be a time such as \"30s\" or \"500ms\"");
  EXPECT_EQ(run(number, {"-1"}).error, "invalid value \"-1\" in \"d\" directive, it must be a number");
  EXPECT_EQ(run(number_in<1, 9>, {"10"}).error, "value must be between 1 and 9 in \"d\" directive");
  EXPECT_EQ(run(number_in<1, 9>, {"9"}).value, 9u);
}

TEST(ParseFunctions, ReadEnumerationsAndFlags) {
  EXPECT_EQ(run(an_enum<kModes>, {"Beta"}).value, Mode::B);
  EXPECT_EQ(run(an_enum<kModes>, {"gamma"}).error,
            "invalid value \"gamma\" in \"d\" directive, it must be \"alpha\" or \"beta\"");
  EXPECT_FALSE(run(an_enum<kModes>, {"alph"}).value);
  EXPECT_EQ(run(flags<kFlags>, {"one", "four"}).value, 5u);
  EXPECT_EQ(run(flags<kFlags>, {"one", "six"}).error,
            "invalid value \"six\" in \"d\" directive, it must be \"one\", \"two\" or \"four\"");
}

TEST(ParseFunctions, ReadNumberAndSizeOfBuffers) {
  EXPECT_EQ(run(buffers, {"8", "4k"}).value, (BufferSizes{8, 4_KiB}));
  EXPECT_FALSE(run(buffers, {"0", "4k"}).value);
  EXPECT_FALSE(run(buffers, {"8", "0"}).value);
}

}  // namespace
}  // namespace weir::config
