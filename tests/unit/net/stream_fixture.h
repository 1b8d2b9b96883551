// What the tests of Stream share.
#pragma once

#include <string>

#include "fixture.h"

namespace weir::net {

// Every test here runs on a unix socket pair and on TCP over loopback.
class StreamTest : public testing::TestWithParam<MakePair> {
 protected:
  Pair make() {
    const auto [ours, theirs] = GetParam()();
    return Pair(loop, ours, theirs);
  }
  Loop loop;
};

// Empties the stream, so that its flag says that nothing is there.
inline void drain(Stream& stream) {
  char buffer[4096];
  while (!stream.try_read(buffer).error) {
  }
}

// Writes until the socket is full. Returns how much fitted.
inline std::size_t fill(Stream& stream) {
  const std::string chunk(65536, 'f');
  std::size_t total = 0;
  for (;;) {
    const IoResult sent = stream.try_write(chunk);
    total += sent.bytes;
    if (sent.error) return total;
  }
}

}  // namespace weir::net
