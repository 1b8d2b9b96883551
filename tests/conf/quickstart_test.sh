#!/bin/bash
# usage: quickstart_test.sh WEIR FOLDER
# Runs the quickstart's check on free ports with a binary that is built already, and then looks whether it left anything.
set -uo pipefail
quickstart=$(dirname "${BASH_SOURCE[0]}")/../../conf/quickstart.sh
export WEIR_BINARY=${WEIR_BINARY:-$1}
mkdir -p "$2"
folder=$(cd "$2" && pwd)
status=0

# Processes whose standard output is in the folder: all that a quickstart starts.
# shellcheck disable=SC2012
remaining() { ls -l /proc/[0-9]*/fd/1 2>/dev/null | sed -n "s|.*/proc/\([0-9]*\)/fd/1 -> $folder/.*|\1|p" | tr '\n' ' '; }
expect_nothing_left() {
  local left
  left=$(remaining)
  [ -z "$left" ] && return
  echo "FAILED: $1 left processes: $left"
  status=1
}

launch() {
  : >"$folder.output"
  bash "$quickstart" --port 0 --folder "$folder" >>"$folder.output" 2>&1 &
  script=$!
}
expect_end() {  # WORDS: sends TERM to the script
  kill -TERM $script
  wait $script
  [ $? = 143 ] || { echo "FAILED: $1 was not the end"; cat "$folder.output"; status=1; }
  expect_nothing_left "$1"
}

bash "$quickstart" --check --port 0 --folder "$folder" || status=1
expect_nothing_left "the check"

# TERM half-way, when some of it runs.
launch
deadline=$((SECONDS + 60))
until [ -n "$(remaining)" ] || [ $SECONDS -ge $deadline ]; do sleep 0.05; done
[ -n "$(remaining)" ] || { echo "FAILED: nothing was started"; cat "$folder.output"; status=1; }
expect_end "TERM half-way"

# TERM when all of it runs. Meanwhile its port is refused to another quickstart, which starts nothing.
launch
deadline=$((SECONDS + 120))
until grep -q '^Ctrl-C' "$folder.output" || [ $SECONDS -ge $deadline ]; do sleep 0.05; done
port=$(sed -n 's/^The proxy is at .*:\([0-9]*\)\/.*/\1/p' "$folder.output")
if [ -z "$port" ]; then
  echo "FAILED: it did not come to run"
  cat "$folder.output"
  status=1
elif refusal=$(timeout 60 bash "$quickstart" --port "$port" --folder "$folder.other" 2>&1) ||
  ! grep -qF "127.0.0.1:$port is taken" <<<"$refusal"; then
  echo "FAILED: a taken port: $refusal"
  status=1
fi
expect_end "TERM"

exit $status
