#!/bin/bash
# usage: package_test.sh BUILD_FOLDER WORK_FOLDER COMPILER FLAGS
# Installs the libraries into a folder of its own and builds the programs of outside/ against what lies there: with
# find_package, each with the static and with the shared libraries, and one of each library with pkg-config alone. Then runs them.
set -euo pipefail
build=$1 work=$2 compiler=$3 flags=$4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=$work/installed
rm -rf "$prefix" "$work/outside" "$work/with-pkg-config"

cmake --install "$build" --component weir-development --prefix "$prefix" >/dev/null
cmake -G Ninja -S "$here/outside" -B "$work/outside" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_FLAGS="$flags" \
  -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" >/dev/null
cmake --build "$work/outside"
for program in leases event_loop custom_picker discovered; do
  for form in "$program" "${program}_shared"; do
    echo "--- $form"
    "$work/outside/$form"
    [ "$(ldd "$work/outside/$form" | grep -c libweir_)" -gt 0 ] && is_shared=yes || is_shared=no
    [ "$is_shared" = "$([ "$form" = "$program" ] && echo no || echo yes)" ]  # or one was tested twice
  done
done

# From a tree that was moved, which is what packagers do.
mv "$prefix" "$prefix-moved"
export PKG_CONFIG_PATH
PKG_CONFIG_PATH=$(dirname "$(find "$prefix-moved" -name weir-balancer.pc)")
[ "$(pkg-config --modversion weir-balancer)" = "$(sed -n 's/^CMAKE_PROJECT_VERSION:STATIC=//p' "$build/CMakeCache.txt")" ]
# shellcheck disable=SC2046,SC2086
"$compiler" -std=c++20 $flags $(pkg-config --cflags weir-balancer) "$here/outside/leases.cc" \
  -o "$work/with-pkg-config" $(pkg-config --libs weir-balancer)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir weir-balancer) "$work/with-pkg-config"
# shellcheck disable=SC2046,SC2086
"$compiler" -std=c++20 $flags $(pkg-config --cflags weir-discovery) "$here/outside/discovered.cc" \
  -o "$work/with-pkg-config" $(pkg-config --libs weir-discovery weir-balancer)
LD_LIBRARY_PATH=$(pkg-config --variable=libdir weir-discovery) "$work/with-pkg-config"
rm -rf "$prefix-moved"
