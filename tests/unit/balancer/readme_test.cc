// The code of balancer/README.md, compiled and run, and a check that the README still shows this code.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <weir/balancer/upstream.h>

namespace readme {

using namespace weir::balancer;

std::vector<std::string> called;
std::string broken;  // calls to this address fail

bool call(const std::string& address) {
  called.push_back(address);
  return address != broken;
}

int printed = 0;
void print(const std::string&, std::uint32_t, std::uint64_t, std::uint64_t, bool) { ++printed; }

bool call_somewhere(UpstreamReader& reader) {
  // clang-format off
Tried tried;
while (std::optional<Lease> lease = reader.acquire({.tried = &tried, .now = Clock::now()})) {
  if (call(lease->backend().address())) {
    lease->succeeded(Clock::now());
    return true;
  }
  lease->failed(Clock::now());
  tried.add(lease->backend());
}
return false;
  // clang-format on
}

// clang-format off
class FirstThatCan final : public Picker {
 public:
  static std::unique_ptr<const Picker> make(const Backends&) { return std::make_unique<FirstThatCan>(); }

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override {
    for (std::size_t i = 0; i < backends.size(); ++i) {
      if (backends[i].is_available() && !request.was_tried(backends[i])) return i;
    }
    return std::nullopt;
  }
};

constexpr PickerSpec kFirstThatCan{"first", FirstThatCan::make, "Prefer the first of the list."};
// clang-format on

TEST(BalancerReadme, CodeWorks) {
  // clang-format off
auto app = std::make_shared<Upstream>("app", *find_picker("least_conn"));
app->update({
    {.address = "10.0.0.1:8080", .weight = 3},
    {.address = "10.0.0.2:8080"},
    {.address = "10.0.0.9:8080", .backup = true},
});

UpstreamReader reader(app);
if (std::optional<Lease> lease = reader.acquire({.now = Clock::now()})) {
  const bool ok = call(lease->backend().address());
  if (ok) {
    lease->succeeded(Clock::now());
  } else {
    lease->failed(Clock::now());
  }
}  // the claim ends here
  // clang-format on
  EXPECT_EQ(called, std::vector<std::string>{"10.0.0.1:8080"});

  broken = "10.0.0.1:8080";
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(call_somewhere(reader));

  const std::string client_id = "client";
  const auto next_random = [] { return std::uint64_t{7}; };
  const auto keep_client = [&] {
    // clang-format off
PickRequest request{.now = Clock::now(), .key = client_id, .random = next_random()};
const std::optional<std::string> route = app->sessions().find(client_id, request.now, {});
if (route) request.route = *route;
if (std::optional<Lease> lease = reader.acquire(request)) {
  app->sessions().learn(client_id, lease->backend().route(), request.now, true, {});
  if (call(lease->backend().address())) lease->succeeded(Clock::now());
}
    // clang-format on
  };
  broken.clear();
  called.clear();
  for (int i = 0; i < 3; ++i) keep_client();
  EXPECT_EQ(called, std::vector<std::string>(3, called.front()));
  broken = "10.0.0.1:8080";

  // clang-format off
app->update({
    {.address = "10.0.0.1:8080", .weight = 1},          // a new weight, the same counters
    {.address = "10.0.0.2:8080", .draining = true},     // finishes what it has
    {.address = "10.0.0.3:8080", .max_conns = 100},     // new
});
  // clang-format on
  called.clear();
  EXPECT_TRUE(call_somewhere(reader));
  EXPECT_EQ(called.back(), "10.0.0.3:8080");

  // clang-format off
const std::shared_ptr<const Snapshot> snapshot = app->snapshot();
for (std::size_t i = 0; i < snapshot->primaries().size(); ++i) {
  const Backend& backend = snapshot->primaries()[i];
  print(backend.address(), backend.active(), backend.requests(), backend.failures(), backend.is_available());
}
  // clang-format on
  EXPECT_EQ(printed, 3);

  auto own = std::make_shared<Upstream>("own", kFirstThatCan);
  own->update({{.address = "a"}, {.address = "b"}});
  UpstreamReader own_reader(own);
  broken = "a";
  called.clear();
  EXPECT_TRUE(call_somewhere(own_reader));
  EXPECT_EQ(called, (std::vector<std::string>{"a", "b"}));
}

std::string text_of(const char* path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(BalancerReadme, ShowsTheCodeThatIsTestedHere) {
  const std::string readme = text_of(WEIR_BALANCER_README);
  const std::string test = text_of(WEIR_BALANCER_README_TEST);
  const std::string preamble = "#include <weir/balancer/upstream.h>\n\nusing namespace weir::balancer;\n\n";
  const std::string fence = "```cpp\n";
  int blocks = 0;
  for (std::size_t at = 0; (at = readme.find(fence, at)) != std::string::npos; ++blocks) {
    at += fence.size();
    std::string code = readme.substr(at, readme.find("```", at) - at);
    if (code.starts_with(preamble)) code.erase(0, preamble.size());
    EXPECT_NE(test.find(code), std::string::npos) << "not tested:\n" << code;
  }
  EXPECT_EQ(blocks, 6);
}

TEST(BalancerReadme, NamesEveryMethodWithItsSentence) {
  const std::string readme = text_of(WEIR_BALANCER_README);
  for (const PickerSpec& spec : pickers()) {
    const std::string row = "| `" + std::string(spec.name) + "` | " + std::string(spec.doc) + " |";
    EXPECT_NE(readme.find(row), std::string::npos) << row;
  }
}

}  // namespace readme
