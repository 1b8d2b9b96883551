// weir_test_backend ADDRESS NAME DELAY_MS: an echoing backend until it is killed.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "fake_backend.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s ADDRESS NAME DELAY_MS\n", argv[0]);
    return 2;
  }
  using namespace weir::test;
  const auto backend = FakeBackend::echoing(argv[2], milliseconds(std::atoi(argv[3])), argv[1]);
  for (;;) ::pause();
}
