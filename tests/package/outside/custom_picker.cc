// A method of one's own: stay with the backend that was last used, until it cannot be had.
#include <weir/balancer/upstream.h>

#include <atomic>
#include <cstdio>
#include <string>

using namespace weir::balancer;

class StayThere final : public Picker {
 public:
  static std::unique_ptr<const Picker> make(const Backends&) { return std::make_unique<StayThere>(); }

  std::optional<std::size_t> pick(const Backends& backends, const PickRequest& request) const override {
    const std::size_t start = at_.load(std::memory_order_relaxed);
    for (std::size_t i = 0; i < backends.size(); ++i) {
      const std::size_t index = (start + i) % backends.size();
      if (!backends[index].is_available() || request.was_tried(backends[index])) continue;
      at_.store(index, std::memory_order_relaxed);
      return index;
    }
    return std::nullopt;
  }

 private:
  mutable std::atomic<std::size_t> at_{0};  // picked from several threads at once
};

int main() {
  constexpr PickerSpec kStayThere{"stay_there", StayThere::make, "Stay with the backend that was last used."};
  const auto app = std::make_shared<Upstream>("app", kStayThere);
  std::vector<Member> members{{.address = "a"}, {.address = "b", .max_conns = 2}, {.address = "c"}};
  app->update(members);
  UpstreamReader reader(app);
  std::string picks;
  const auto pick = [&] { return reader.acquire({.now = Clock::now()}); };
  picks += pick()->backend().address();
  members[0].draining = true;
  app->update(members);
  const auto first = pick(), second = pick(), third = pick();
  for (const auto& lease : {&first, &second, &third}) picks += (*lease)->backend().address();
  std::printf("%s\n", picks.c_str());
  return picks == "abbc" ? 0 : 1;
}
