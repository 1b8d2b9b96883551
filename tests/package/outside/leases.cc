// Thirty lines: pick, use, report, try elsewhere.
#include <weir/balancer/upstream.h>

#include <cstdio>
#include <string>

using namespace weir::balancer;

static bool call(const std::string& address) { return address != "10.0.0.2:80"; }  // one of them is broken

int main() {
  const auto app = std::make_shared<Upstream>("app", *find_picker("least_conn"));
  app->update({{.address = "10.0.0.1:80", .weight = 2}, {.address = "10.0.0.2:80"}, {.address = "10.0.0.3:80"}});
  UpstreamReader reader(app);
  int served = 0;
  for (int request = 0; request < 100; ++request) {
    Tried tried;
    while (std::optional<Lease> lease = reader.acquire({.tried = &tried, .now = Clock::now()})) {
      tried.add(lease->backend());
      if (call(lease->backend().address())) {
        lease->succeeded(Clock::now());
        ++served;
        break;
      }
      lease->failed(Clock::now());
    }
  }
  std::printf("served %d of 100\n", served);
  return served == 100 ? 0 : 1;
}
