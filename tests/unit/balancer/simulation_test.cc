// Every method against the backends that have brought balancers down: the real picker on a virtual clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include <weir/balancer/simulation.h>

namespace weir::balancer {
namespace {

struct Method {
  std::string name;
  bool sticky;
};

SimulationReport run(const Method& method, const std::string& rest) {
  return simulate(Scenario::parse("method " + method.name + "\nseed 11\nduration 20s\nkey 1000\nsticky " +
                                  (method.sticky ? "yes" : "no") + "\n" + rest));
}

double share(const SimulationReport& report, std::size_t backend) {
  std::uint64_t all = 0;
  for (const auto& each : report.backends) all += each.picks;
  return static_cast<double>(report.backends[backend].picks) / static_cast<double>(std::max<std::uint64_t>(all, 1));
}

class EveryMethodSimulated : public ::testing::TestWithParam<Method> {
 protected:
  PickerTraits traits() const { return find_picker(GetParam().name)->traits; }
};

TEST_P(EveryMethodSimulated, OneThatAnswersErrorsFastDoesNotAttractTraffic) {
  const SimulationReport report = run(GetParam(),
      "clients 30\n"
      "backend a time=exp(50ms)\nbackend b time=exp(50ms)\nbackend c time=exp(50ms)\n"
      "backend broken time=5ms answer=error\n");
  // Keys belong where they belong, and turns are turns: those give it its share, but no more.
  if (traits().by_load) {
    EXPECT_LT(share(report, 3), 0.05) << report.table();
  } else {
    EXPECT_LT(share(report, 3), 0.40) << report.table();
  }
  EXPECT_GT(report.backends[3].picks, 0U);
}

TEST_P(EveryMethodSimulated, OneThatIsTenTimesSlowerHoldsNobodyUpForLong) {
  const SimulationReport report = run(GetParam(),
      "clients 24\ntimeout 10s\n"
      "backend a time=exp(10ms)\nbackend b time=exp(10ms)\nbackend c time=exp(10ms)\nbackend slow time=exp(100ms)\n");
  EXPECT_EQ(report.failed, 0U);
  if (traits().by_load) {
    EXPECT_LT(share(report, 3), 0.15) << report.table();
  }
  EXPECT_GT(report.backends[3].picks, 0U) << report.table();
}

TEST_P(EveryMethodSimulated, OneThatNeverAnswersIsLeftAlone) {
  const SimulationReport report = run(GetParam(),
      "clients 24\ntries 3\ntimeout 500ms\n"
      "backend a time=exp(10ms)\nbackend b time=exp(10ms)\nbackend c time=exp(10ms)\nbackend hole answer=never\n");
  EXPECT_EQ(report.failed, 0U);
  EXPECT_GT(report.backends[3].timeouts, 0U);
  EXPECT_LT(report.backends[3].picks, 60U) << report.table();  // the first burst, and a check each ten seconds
  EXPECT_LE(report.misroutes, report.backends[3].picks);
}

TEST_P(EveryMethodSimulated, ANewOneIsNotOverrun) {
  const std::string slow_start = traits().by_key ? "" : " slow_start=5s";
  const SimulationReport report = run(GetParam(),
      "clients 40\n"
      "backend a time=exp(20ms)\nbackend b time=exp(20ms)\nbackend c time=exp(20ms)\n"
      "backend new time=exp(20ms) joins=10s" + slow_start + "\n");
  EXPECT_EQ(report.failed, 0U);
  EXPECT_LT(share(report, 3), 0.20) << report.table();
  if (GetParam().sticky) return;  // all keys have their sessions elsewhere by then
  EXPECT_GT(share(report, 3), 0.03) << report.table();
}

TEST_P(EveryMethodSimulated, ARestartOfAllLosesNothing) {
  std::string scenario = "clients 24\ntries 3\n";
  for (const char* name : {"a", "b", "c"}) scenario += "backend " + std::string(name) + " time=exp(10ms)\n";
  int at = 2;
  for (const char* name : {"a", "b", "c"}) {
    scenario += "at " + std::to_string(at) + " " + name + " answer=reset time=1ms\n";
    scenario += "at " + std::to_string(at + 2) + " " + name + " answer=good time=exp(10ms)\n";
    at += 5;
  }
  const SimulationReport report = run(GetParam(), scenario);
  EXPECT_EQ(report.failed, 0U) << report.table();
  EXPECT_LT(report.misroutes, 200U) << report.table();
}

TEST_P(EveryMethodSimulated, SameSeedSameBytes) {
  const std::string scenario = "rate 500\ntries 2\nbackend a time=exp(10ms)\nbackend b time=uniform(5ms,50ms) weight=3\n"
                               "at 5s a answer=error time=1ms\nat 9s a leaves\nat 12s a joins answer=good\n";
  EXPECT_EQ(run(GetParam(), scenario).json(), run(GetParam(), scenario).json());
}

std::vector<Method> all_methods() {
  std::vector<Method> methods;
  for (const PickerSpec& spec : pickers())
    for (const bool sticky : {false, true}) methods.push_back({std::string(spec.name), sticky});
  return methods;
}
INSTANTIATE_TEST_SUITE_P(Methods, EveryMethodSimulated, ::testing::ValuesIn(all_methods()), [](const auto& tested) {
  std::string name = tested.param.name + (tested.param.sticky ? "_sticky" : "");
  std::replace_if(name.begin(), name.end(), [](char c) { return c == ' ' || c == '='; }, '_');
  return name;
});

TEST(Simulation, SessionsStayUntilTheirBackendFails) {
  const std::string scenario = "method round_robin\nclients 1\nduration 4s\ntries 2\nsticky yes\n"
                               "backend a time=10ms\nbackend b time=10ms\nat 2s a answer=reset\n";
  const SimulationReport report = simulate(Scenario::parse(scenario));
  // All go to the one that answered first, and when that fails to the other.
  EXPECT_EQ(report.failed, 0U);
  EXPECT_NEAR(share(report, 0), 0.5, 0.02) << report.table();
  EXPECT_EQ(report.backends[0].resets, 1U) << report.table();
}

TEST(Scenarios, AreRefusedWithTheLine) {
  const auto message = [](const char* text) -> std::string {
    try {
      (void)Scenario::parse(text);
    } catch (const ScenarioError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(message("clients 1\nbackend a\n"), "accepted");
  EXPECT_EQ(message("clients 1\n"), "there is no backend");
  EXPECT_EQ(message("backend a\n"), "say either clients or rate");
  EXPECT_EQ(message("clients 1\nrate 5\nbackend a"), "say either clients or rate");
  EXPECT_EQ(message("# x\n\nclient 1\n"), "line 3: \"client\" is unknown");
  EXPECT_EQ(message("backend a time=exp(\n"), "line 1: \"exp(\" lacks its )");
  EXPECT_EQ(message("backend a time=-1s\n"), "line 1: \"-1s\" is no time");
  EXPECT_EQ(message("backend a\nat 1s b leaves\n"), "line 2: there is no backend b");
  EXPECT_EQ(message("method best\n"), "line 1: there is no method \"best\"");
  EXPECT_EQ(message("sticky often\n"), "line 1: sticky often: yes or no");
  EXPECT_EQ(message("clients 99999999999999999999\n"), "line 1: \"99999999999999999999\" is no number up to 100000");
}

TEST(Reports, AreTablesAndJson) {
  const SimulationReport report = simulate(Scenario::parse("clients 1\nduration 100ms\nbackend \"a time=10ms\n"));
  EXPECT_EQ(report.table(),
            "backend     picks   share      good    errors    resets  timeouts  most at once\n"
            "\"a             10  100.0%        10         0         0         0             1\n"
            "\n10 requests, 0 failed, 0 misroutes; p50 10.000 ms, p99 10.000 ms, longest 10.000 ms\n");
  EXPECT_NE(report.json().find("{\"address\":\"\\\"a\",\"picks\":10,"), std::string::npos) << report.json();
}

}  // namespace
}  // namespace weir::balancer
