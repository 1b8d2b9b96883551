#!/bin/bash
# Fuzzes: builds the targets with clang, lets each run, and says how much of the parsers what they found covers.
#
# usage: tests/fuzz/run.sh [SECONDS [TARGET...]]     600 seconds for each of all targets unless given
# What is found beyond the seeds stays in build-fuzz/found/TARGET and is the beginning of the next run. The exit code is 0 if
# there was no finding.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${1:-600}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(sed -n 's/^weir_fuzz(\([a-z0-9_]*\) .*/\1/p' tests/fuzz/CMakeLists.txt)

bash cmake/install-packages.sh build fuzz
CC=clang CXX=clang++ cmake -G Ninja -S . -B build-fuzz -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS=-O1 -DWEIR_FUZZ=ON \
  -DWEIR_INTEGRATION_TESTS=OFF >build-fuzz.log || { cat build-fuzz.log; exit 1; }
rm -f build-fuzz.log
ninja -C build-fuzz "${targets[@]}"

failed=0
for target in "${targets[@]}"; do
  found=build-fuzz/found/$target
  program=build-fuzz/tests/fuzz/$target
  mkdir -p "$found"
  dictionary=()
  [[ $target != http1_* ]] || dictionary=(-dict=tests/fuzz/http1.dict)
  LLVM_PROFILE_FILE=/dev/null "$program" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 \
    -print_final_stats=1 -artifact_prefix="build-fuzz/$target-" "${dictionary[@]}" "$found" "tests/fuzz/seeds/$target" \
    >"build-fuzz/$target.log" 2>&1 || { echo "FINDING of $target: see build-fuzz/$target.log" && failed=1; }
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/$target.log")
  LLVM_PROFILE_FILE=build-fuzz/$target.profraw "$program" -runs=0 "$found" "tests/fuzz/seeds/$target" >/dev/null 2>&1 || failed=1
  llvm-profdata merge -o "build-fuzz/$target.profdata" "build-fuzz/$target.profraw"
  echo "$target: ${runs:-no} runs in $seconds seconds"
done

# All targets together, by file: lines of the parsers that were reached.
objects=("build-fuzz/tests/fuzz/${targets[0]}")
for target in "${targets[@]:1}"; do objects+=(-object "build-fuzz/tests/fuzz/$target"); done
llvm-profdata merge -o build-fuzz/all.profdata build-fuzz/*_fuzz.profdata
llvm-cov report "${objects[@]}" -instr-profile=build-fuzz/all.profdata proxy/http1 \
  proxy/http/{uri,path_readings,base64,byte_ranges,credentials,date}.cc \
  proxy/net/{client_hello,dns_message,endpoint,ocsp,proxy_protocol,proxy_protocol_writer}.cc \
  proxy/config discovery/member 2>/dev/null | awk '/^Filename|\.cc |^TOTAL/ { print $1, $8, $9, $10 }' | column -t
exit "$failed"
