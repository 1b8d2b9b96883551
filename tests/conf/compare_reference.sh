#!/bin/bash
# usage: compare_reference.sh WEIR
# Fails, and shows how, if conf/DIRECTIVES.md is not what this binary's tables say.
set -euo pipefail
page=$(dirname "${BASH_SOURCE[0]}")/../../conf/DIRECTIVES.md
if ! difference=$("$1" --print-directives | diff -u "$page" -); then
  echo "$difference" | head -n 40
  echo "conf/DIRECTIVES.md is not up to date; write it anew with: ninja -C build directives"
  exit 1
fi
