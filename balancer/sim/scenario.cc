// Reading a scenario.
#include <weir/balancer/simulation.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>

namespace weir::balancer {
namespace {

using Duration = Scenario::Duration;
using Words = std::vector<std::string_view>;

[[noreturn]] void fail(const std::string& message) { throw ScenarioError(message); }

std::uint64_t number(std::string_view text, std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) {
    fail("\"" + std::string(text) + "\" is no number up to " + std::to_string(most));
  }
  return value;
}

/// `15`, `1.5s`, `20ms`, `7us`: seconds unless there is a unit.
Duration duration(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const double scale = unit.empty() || unit == "s" ? 1e6 : unit == "ms" ? 1e3 : unit == "us" ? 1 : 0;
  if (error != std::errc() || scale == 0 || value < 0 || value * scale > 1e13) {
    fail("\"" + std::string(text) + "\" is no time");
  }
  return Duration(static_cast<Duration::rep>(value * scale));
}
std::chrono::milliseconds milliseconds(std::string_view text) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(duration(text));
}

void read_time(std::string_view text, Scenario::Behaviour& behaviour) {
  using Kind = Scenario::Behaviour::Kind;
  const std::size_t open = text.find('(');
  if (open == text.npos) {
    behaviour.kind = Kind::Constant;
    behaviour.from = duration(text);
    return;
  }
  if (!text.ends_with(')')) fail("\"" + std::string(text) + "\" lacks its )");
  const std::string_view kind = text.substr(0, open);
  const std::string_view inside = text.substr(open + 1, text.size() - open - 2);
  const std::size_t comma = inside.find(',');
  if (kind == "exp" && comma == inside.npos) {
    behaviour.kind = Kind::Exponential;
    behaviour.from = duration(inside);
  } else if (kind == "uniform" && comma != inside.npos) {
    behaviour.kind = Kind::Uniform;
    behaviour.from = duration(inside.substr(0, comma));
    behaviour.to = duration(inside.substr(comma + 1));
    if (behaviour.to < behaviour.from) fail("\"" + std::string(text) + "\" ends before it begins");
  } else {
    fail("\"" + std::string(text) + "\": a time, exp(MEAN) or uniform(FROM,TO)");
  }
}

void read_answer(std::string_view text, Scenario::Behaviour& behaviour) {
  using Answer = Scenario::Answer;
  const std::map<std::string_view, Answer> known{
      {"good", Answer::Good}, {"error", Answer::Error}, {"reset", Answer::Reset}, {"never", Answer::Never}};
  const auto found = known.find(text);
  if (found == known.end()) fail("answer=" + std::string(text) + ": good, error, reset or never");
  behaviour.answer = found->second;
}

/// Applies one word of a `backend` or `at` line. Returns false if it is none.
bool apply(std::string_view word, Scenario::Server& server) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals == word.npos ? std::string_view() : word.substr(equals + 1);
  constexpr std::uint64_t kMost = 1'000'000;
  Member& member = server.member;
  if (name == "time") read_time(value, server.behaviour);
  else if (name == "answer") read_answer(value, server.behaviour);
  else if (name == "weight") member.weight = static_cast<std::uint32_t>(number(value, kMost));
  else if (name == "max_conns") member.max_conns = static_cast<std::uint32_t>(number(value, kMost));
  else if (name == "max_fails") member.max_fails = static_cast<std::uint32_t>(number(value, kMost));
  else if (name == "fail_timeout") member.fail_timeout = milliseconds(value);
  else if (name == "slow_start") member.slow_start = milliseconds(value);
  else if (word == "backup") member.backup = true;
  else if (word == "drains") member.draining = true;
  else if (word == "joins") server.is_member = true, member.draining = false;
  else if (word == "leaves") server.is_member = false;
  else return false;
  return true;
}

Words split(std::string_view line) {
  line = line.substr(0, line.find('#'));
  Words words;
  for (;;) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty()) return words;
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

class Reader {
 public:
  void read(const Words& words) {
    const std::string_view name = words[0];
    if (words.size() < 2) fail("\"" + std::string(name) + "\" lacks its value");
    if (name == "backend") return read_backend(words);
    if (name == "at") return read_change(words);
    if (name == "method") return read_method(words);
    if (words.size() > 2) fail("\"" + std::string(words[2]) + "\" is too much");
    if (name == "seed") scenario.seed = number(words[1], ~std::uint64_t{0});
    else if (name == "duration") scenario.duration = duration(words[1]);
    else if (name == "clients") scenario.clients = static_cast<std::uint32_t>(number(words[1], 100'000));
    else if (name == "rate") scenario.rate = static_cast<double>(number(words[1], 1'000'000));
    else if (name == "tries") scenario.tries = static_cast<std::uint32_t>(number(words[1], 1000));
    else if (name == "timeout") scenario.timeout = duration(words[1]);
    else if (name == "key") scenario.keys = static_cast<std::uint32_t>(number(words[1], 1'000'000));
    else if (name == "sticky" && (words[1] == "yes" || words[1] == "no")) scenario.sticky = words[1] == "yes";
    else if (name == "sticky") fail("sticky " + std::string(words[1]) + ": yes or no");
    else fail("\"" + std::string(name) + "\" is unknown");
  }

  Scenario scenario{.method = pickers().front()};

 private:
  void read_method(const Words& words) {
    std::string name(words[1]);
    for (std::size_t i = 2; i < words.size(); ++i) name.append(" ").append(words[i]);
    const PickerSpec* const method = find_picker(name);
    if (method == nullptr) fail("there is no method \"" + name + "\"");
    scenario.method = *method;
  }

  void read_backend(const Words& words) {
    Scenario::Server server;
    server.member.address = words[1];
    if (find(words[1])) fail("there is a backend " + std::string(words[1]) + " already");
    std::optional<Duration> joins;
    for (std::size_t i = 2; i < words.size(); ++i) {
      if (words[i].starts_with("joins=")) joins = duration(words[i].substr(6));
      else if (!apply(words[i], server)) fail("\"" + std::string(words[i]) + "\" is unknown");
    }
    if (joins) {
      scenario.changes.push_back({*joins, scenario.servers.size(), server});
      server.is_member = false;
    }
    scenario.servers.push_back(std::move(server));
  }

  void read_change(const Words& words) {
    if (words.size() < 4) fail("at TIME BACKEND WHAT");
    const auto which = find(words[2]);
    if (!which) fail("there is no backend " + std::string(words[2]));
    Scenario::Change change{duration(words[1]), *which, latest(*which)};
    for (std::size_t i = 3; i < words.size(); ++i) {
      if (!apply(words[i], change.becomes)) fail("\"" + std::string(words[i]) + "\" is unknown");
    }
    if (!scenario.changes.empty() && change.at < scenario.changes.back().at) fail("the times of changes must rise");
    scenario.changes.push_back(std::move(change));
  }

  std::optional<std::size_t> find(std::string_view address) const {
    for (std::size_t i = 0; i < scenario.servers.size(); ++i) {
      if (scenario.servers[i].member.address == address) return i;
    }
    return std::nullopt;
  }
  /// What the server is like after the changes so far.
  const Scenario::Server& latest(std::size_t server) const {
    for (auto change = scenario.changes.rbegin(); change != scenario.changes.rend(); ++change) {
      if (change->server == server) return change->becomes;
    }
    return scenario.servers[server];
  }
};

}  // namespace

Scenario Scenario::parse(std::string_view text) {
  Reader reader;
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const Words words = split(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    try {
      if (!words.empty()) reader.read(words);
    } catch (const ScenarioError& error) {
      throw ScenarioError("line " + std::to_string(line) + ": " + error.what());
    }
  }
  Scenario& scenario = reader.scenario;
  if (scenario.servers.empty()) fail("there is no backend");
  if ((scenario.clients == 0) == (scenario.rate == 0)) fail("say either clients or rate");
  if (scenario.tries == 0 || scenario.keys == 0) fail("tries and key are at least 1");
  std::stable_sort(scenario.changes.begin(), scenario.changes.end(),
                   [](const Change& a, const Change& b) { return a.at < b.at; });
  return std::move(scenario);
}

}  // namespace weir::balancer
