// A library to be preloaded into a process under test: its resolver and its wall clock say what the test tells them.
//
//   TEST_HOSTS_FILE   lines `name address…`; of a name without an address the resolver says that it cannot tell now. If the
//                     first line is `silent`, it does not answer for three seconds before it says so, whatever the name. For
//                     IP literals nobody is asked, as ever.
//                     Other names are the system's business.
//   TEST_CLOCK_FILE   begins with a number of seconds (a 64-bit integer) that is added to the wall clock, also while the process
//                     runs. The steady clock stays as it is, as when an administrator sets the time.
#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

namespace {

template <class Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

const std::atomic<std::int64_t>* open_clock() {
  const char* const path = std::getenv("TEST_CLOCK_FILE");
  const int fd = path ? ::open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return nullptr;
  void* const memory = ::mmap(nullptr, sizeof(std::int64_t), PROT_READ, MAP_SHARED, fd, 0);
  ::close(fd);
  return memory == MAP_FAILED ? nullptr : static_cast<const std::atomic<std::int64_t>*>(memory);
}

// Called before constructors have run, too.
std::int64_t seconds_off() {
  static const std::atomic<std::int64_t>* const offset = open_clock();
  return offset ? offset->load(std::memory_order_relaxed) : 0;
}

bool is_wall_clock(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

bool is_literal(const char* host) {
  unsigned char buffer[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host, buffer) == 1 || ::inet_pton(AF_INET6, host, buffer) == 1;
}

using GetAddrInfo = int(const char*, const char*, const addrinfo*, addrinfo**);

// The addresses of `host` one after the other, as the system would give them for a name that has several.
int look_up_each(std::istringstream& addresses, const char* service, const addrinfo* hints, addrinfo** result) {
  static GetAddrInfo* const real = next<GetAddrInfo>("getaddrinfo");
  *result = nullptr;
  addrinfo** end = result;
  for (std::string address; addresses >> address;) {
    if (const int error = real(address.c_str(), service, hints, end); error != 0) return error;
    while (*end) end = &(*end)->ai_next;
  }
  return *result ? 0 : EAI_AGAIN;
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static auto* const real = next<int(clockid_t, timespec*)>("clock_gettime");
  const int failed = real(clock, time);
  if (failed == 0 && is_wall_clock(clock)) time->tv_sec += seconds_off();
  return failed;
}

int gettimeofday(timeval* time, void* zone) noexcept {
  static auto* const real = next<int(timeval*, void*)>("gettimeofday");
  const int failed = real(time, zone);
  if (failed == 0) time->tv_sec += seconds_off();
  return failed;
}

time_t time(time_t* result) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}

int getaddrinfo(const char* host, const char* service, const addrinfo* hints, addrinfo** result) {
  static GetAddrInfo* const real = next<GetAddrInfo>("getaddrinfo");
  const char* const path = std::getenv("TEST_HOSTS_FILE");
  if (!path || !host || is_literal(host)) return real(host, service, hints, result);
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name == "silent") {
      ::usleep(3'000'000);
      return EAI_AGAIN;
    }
    if (name == host) return look_up_each(words, service, hints, result);
  }
  return real(host, service, hints, result);
}

}  // extern "C"
