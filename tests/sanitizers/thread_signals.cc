// Part of `weir` where ThreadSanitizer watches it, so that no signal is lost on it.
//
// GCC 12's ThreadSanitizer keeps a thread's signals in a record that it makes at the thread's first blocking call. A signal
// that comes while it does has a record of its own made, which the first then replaces: it is forgotten. The main thread's
// first such call would be the epoll_wait() that it takes signals in. So it makes one here, before anybody knows its pid.
#include <unistd.h>

namespace {

[[gnu::constructor]] void make_record_of_signals() { ::usleep(0); }

}  // namespace
