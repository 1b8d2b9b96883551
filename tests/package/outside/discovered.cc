// A membership that a source announces, fed to an upstream.
#include <weir/balancer/upstream.h>
#include <weir/discovery/static_source.h>

#include <cstdio>

int main() {
  using namespace weir;
  const auto app = std::make_shared<balancer::Upstream>("app", *balancer::find_picker("least_conn"));
  discovery::StaticSource source({{.address = "10.0.0.2:80"}, {.address = "10.0.0.1:80"}});
  source.start([&](balancer::Members members) { app->update(members); });
  source.stop();
  balancer::UpstreamReader reader(app);
  const auto lease = reader.acquire({.now = balancer::Clock::now()});
  std::printf("%s\n", lease ? lease->backend().address().c_str() : "-");
  return lease && lease->backend().address() == "10.0.0.1:80" ? 0 : 1;
}
