// The calls into the kernel that each request makes, without what glibc adds to them.
//
// glibc's functions of these names are points at which a thread may be cancelled. In a process of several threads each
// makes two atomic operations for that; here no thread is ever cancelled. Arguments, results and errno are the same.
// Sanitizers watch glibc's functions, so with them these are glibc's.
#pragma once

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace weir::net::plain {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

using ::accept4;
using ::close;
using ::epoll_wait;
using ::recv;
using ::send;

#else

inline ssize_t recv(int fd, void* into, std::size_t size, int flags) {
  return ::syscall(SYS_recvfrom, fd, into, size, flags, nullptr, nullptr);
}
inline ssize_t send(int fd, const void* from, std::size_t size, int flags) {
  return ::syscall(SYS_sendto, fd, from, size, flags, nullptr, 0);
}
inline int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  return static_cast<int>(::syscall(SYS_accept4, fd, address, length, flags));
}
inline int close(int fd) { return static_cast<int>(::syscall(SYS_close, fd)); }
/// `timeout`: milliseconds. Not every system has the call without a mask of signals.
inline int epoll_wait(int set, epoll_event* events, int most, int timeout) {
  return static_cast<int>(::syscall(SYS_epoll_pwait, set, events, most, timeout, nullptr, 0));
}

#endif

}  // namespace weir::net::plain
