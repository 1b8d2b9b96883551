#!/bin/bash
# Builds Weir three times and runs every test. The last line is the totals: `N passed, N failed`.
#
#   build/       Release: what is installed, memory per connection, and the integration tests' programs
#   build-asan/  AddressSanitizer and UBSan: unit tests; its `weir` is what the integration tests run
#   build-tsan/  ThreadSanitizer: the libraries with threads, and its `weir` under load, reloads and changing members
#
# usage: tests/run.sh [release] [asan] [tsan] [integration]     without arguments: all four
# Needs nothing but Debian 12: what is missing is installed by apt-get. The exit code is 0 if nothing failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(release asan tsan integration)
jobs=$(nproc)
parallel=$((jobs * 2))  # most tests wait for something most of the time
started=$SECONDS
passed=0 failed=0 skipped=0

say() { printf '\n=== %4ds  %s\n' $((SECONDS - started)) "$*"; }

finish() {
  local totals="$passed passed, $failed failed"
  [ "$skipped" = 0 ] || totals+=", $skipped skipped"
  say "done"
  echo "$totals"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
  exit
}

# fail WORDS: counts a step that could not be done as one failed test.
fail() {
  echo "FAILED: $*"
  failed=$((failed + 1))
}

# build FOLDER CMAKE_ARGUMENTS... -- TARGETS...: configures and builds. Targets that do not exist are an error.
build() {
  local folder=$1 options=()
  shift
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  say "building $folder"
  cmake -G Ninja -S . -B "$folder" -DWEIR_TESTS=ON "${options[@]}" >"$folder.configure.log" 2>&1 || {
    cat "$folder.configure.log"
    rm -f "$folder.configure.log"
    return 1
  }
  rm -f "$folder.configure.log"
  # One line for every tenth step or so: enough to see that it moves.
  NINJA_STATUS='[%f/%t %es] ' ninja -C "$folder" -j "$jobs" "$@" | awk '
    /^\[[0-9]+\// { split($1, n, /[[\/]/); if (n[2] % 20 == 0) { print; fflush() } next } { print; fflush() }'
}

# total_in REPORT NAME: the number in that attribute of the report's suite; nothing if it is not there.
total_in() {
  grep -A12 -m1 '<testsuite' "$1" 2>/dev/null | sed -nE "s/^.*[[:space:]]$2=\"([0-9]+)\".*\$/\1/p" | head -n 1
}

# test_in FOLDER NAME CTEST_ARGUMENTS...: runs tests of one build and adds up what they say.
test_in() {
  local folder=$1 name=$2 report
  shift 2
  report="$PWD/$folder/test-report-$name.xml"
  rm -f "$report"
  say "testing $folder: $name"
  (cd "$folder" && ctest -j "$parallel" --output-on-failure --no-tests=error --output-junit "$report" "$@" </dev/null |
    grep -vE '^ +Start +[0-9]+:'
    exit "${PIPESTATUS[0]}")
  local status=$? tests failures skips
  tests=$(total_in "$report" tests)
  failures=$(total_in "$report" failures)
  skips=$(total_in "$report" skipped)
  if [ -z "$tests" ] || [ -z "$failures" ] || [ -z "$skips" ]; then
    fail "the $name tests of $folder did not run"
    return
  fi
  # A test that could not be run at all counts as skipped in the report; ctest's exit code knows better.
  [ "$status" = 0 ] || [ "$failures" != 0 ] || fail "the $name tests of $folder: ctest ended with $status"
  passed=$((passed + tests - failures - skips))
  failed=$((failed + failures))
  skipped=$((skipped + skips))
}

wanted() { [[ " ${stages[*]} " == *" $1 "* ]]; }

say "packages"
if ! bash cmake/install-packages.sh build test zookeeper demo; then
  fail "packages are missing"
  finish
fi

# -O1 keeps the sanitizers' reports readable and the build short; -g1 is enough for a stack with lines.
export LSAN_OPTIONS="suppressions=$PWD/tests/sanitizers/leak.supp print_suppressions=0"
if wanted asan || wanted integration; then
  targets=(weir)
  wanted asan && targets=(all)
  build build-asan -DCMAKE_BUILD_TYPE=None "-DCMAKE_CXX_FLAGS=-O1 -g1" -DWEIR_SANITIZE=address,undefined -DWEIR_PCH=ON \
    -DWEIR_INTEGRATION_TESTS=OFF -- "${targets[@]}" || fail "build-asan does not build"
fi
if wanted asan; then
  test_in build-asan unit
fi

if wanted release || wanted integration; then
  build build -DCMAKE_BUILD_TYPE=Release -DWEIR_LIBRARY_TESTS=OFF -- all || fail "build does not build"
fi
if wanted release; then
  test_in build release -LE integration
fi

if wanted tsan; then
  build build-tsan -DCMAKE_BUILD_TYPE=None "-DCMAKE_CXX_FLAGS=-O1 -g1" -DWEIR_SANITIZE=thread -DWEIR_PCH=ON \
    -DWEIR_INTEGRATION_TESTS=OFF -- weir_thread_tests || fail "build-tsan does not build"
  export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/tests/sanitizers/thread.supp"
  # Only what was asked for is built; ctest knows the rest as NAME_NOT_BUILT.
  test_in build-tsan threads -E '_NOT_BUILT|^fuzz\.|^Conf\.'
  if wanted integration; then
    WEIR_BINARY="$PWD/build-tsan/proxy/weir" test_in build tsan-binary -L integration \
      -R '^(BackendKeepalive|Failover|HealthCheck|LeastConn|MaxConns|Reload|Resolve|Signals|Smoke|ZooKeeperMembers)\.'
  fi
fi

if wanted integration; then
  WEIR_BINARY="$PWD/build-asan/proxy/weir" test_in build integration -L integration
fi

finish
