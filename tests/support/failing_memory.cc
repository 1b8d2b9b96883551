// A library to be preloaded into the proxy: lets some of its allocations fail, as under a limit on its memory.
//
// The file that FAILING_MEMORY_FILE names holds two 32-bit numbers. The test writes the first, N: one of about N
// allocations by `operator new` and anonymous mmap fails; 0: none. The second counts the failures.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

struct Control {
  std::atomic<std::uint32_t> one_in, failed;
};
Control* control = nullptr;

void* map(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) {
  return reinterpret_cast<void*>(::syscall(SYS_mmap, address, length, protection, flags, fd, offset));
}

__attribute__((constructor)) void open_control() {
  const char* path = std::getenv("FAILING_MEMORY_FILE");
  if (!path) return;
  const int fd = ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* const memory = map(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory != MAP_FAILED) control = static_cast<Control*>(memory);
}

bool fails() {
  if (!control) return false;
  const std::uint32_t one_in = control->one_in.load(std::memory_order_relaxed);
  if (one_in == 0) return false;
  thread_local std::uint64_t state = 0x9E3779B97F4A7C15ULL;
  state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  if ((state >> 33) % one_in != 0) return false;
  control->failed.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void* allocate(std::size_t size, std::size_t alignment) {
  if (fails()) return nullptr;
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size ? size : 1);
  return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  if (void* const memory = allocate(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate_or_throw(size, 1); }
void* operator new[](std::size_t size) { return allocate_or_throw(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return allocate(size, 1); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

extern "C" void* mmap(void* address, std::size_t length, int protection, int flags, int fd, off_t offset) noexcept {
  if ((flags & MAP_ANONYMOUS) != 0 && (flags & MAP_STACK) == 0 && fails()) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return map(address, length, protection, flags, fd, offset);
}
