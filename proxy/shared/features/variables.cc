// variables: the built-in ones that say the same in every protocol. Source: nginx's alphabetical index of variables.
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>

#include "shared/context.h"
#include "shared/features/features.h"

namespace weir::shared {

namespace {

template <class... Args>
VariableValue format(Context& context, fmt::format_string<Args...> form, Args&&... args) {
  char text[96];
  const auto end = fmt::format_to_n(text, sizeof text, form, std::forward<Args>(args)...);
  return {context.keep({text, std::min(end.size, sizeof text)})};
}

// --- the client

VariableValue remote_addr(Context& x, const VariableArg&) { return {x.keep(x.client_address().address_string())}; }
VariableValue remote_port(Context& x, const VariableArg&) {
  const std::uint16_t port = x.client_address().port();
  return port == 0 ? VariableValue{} : format(x, "{}", port);  // a proxy may have named an address alone
}
VariableValue binary_remote_addr(Context& x, const VariableArg&) {
  const net::Endpoint& client = x.client_address();
  if (client.family() == AF_INET)
    return {x.keep({reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in*>(client.raw())->sin_addr), 4})};
  if (client.family() == AF_INET6)
    return {x.keep({reinterpret_cast<const char*>(&reinterpret_cast<const sockaddr_in6*>(client.raw())->sin6_addr), 16})};
  return {"unix:"};
}

// --- time and process

VariableValue time_local(Context& x, const VariableArg&) {
  const std::time_t now = std::time(nullptr);
  thread_local std::time_t second = -1;
  thread_local char text[40];
  if (now != second) {
    std::tm local;
    localtime_r(&now, &local);
    std::strftime(text, sizeof text, "%d/%b/%Y:%H:%M:%S %z", &local);
    second = now;
  }
  return {x.keep(text)};
}
VariableValue time_iso8601(Context& x, const VariableArg&) {
  const std::time_t now = std::time(nullptr);
  std::tm local;
  localtime_r(&now, &local);
  char zone[8], text[40];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &local);
  std::strftime(zone, sizeof zone, "%z", &local);
  return format(x, "{}{:.3}:{}", text, zone, zone + 3);
}
VariableValue msec(Context& x, const VariableArg&) {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return format(x, "{}.{:03}", now.tv_sec, now.tv_nsec / 1'000'000);
}
VariableValue pid(Context& x, const VariableArg&) { return format(x, "{}", ::getpid()); }
VariableValue hostname(Context& x, const VariableArg&) {
  char text[256] = {};
  ::gethostname(text, sizeof text - 1);
  return {x.keep(text)};
}
VariableValue nginx_version(Context&, const VariableArg&) { return {"1.31.5"}; }
VariableValue weir_version(Context&, const VariableArg&) { return {WEIR_VERSION}; }

constexpr VariableSpec kVariables[] = {
    {"remote_addr", remote_addr},
    {"remote_port", remote_port},
    {"binary_remote_addr", binary_remote_addr},
    {"time_local", time_local},
    {"time_iso8601", time_iso8601},
    {"msec", msec},
    {"pid", pid},
    {"hostname", hostname},
    {"nginx_version", nginx_version},
    {"weir_version", weir_version},
};

}  // namespace

std::span<const VariableSpec> common_variables();
std::span<const VariableSpec> common_variables() { return kVariables; }

}  // namespace weir::shared
