// `weir sim FILE`: what a balancing method does with given backends, on a virtual clock.
#pragma once

#include <span>

namespace weir::server {

/// `words`: the arguments after `sim`. Prints a table, or JSON; returns the exit code.
int run_sim(std::span<char*> words);

}  // namespace weir::server
