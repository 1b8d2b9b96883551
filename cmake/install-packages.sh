#!/bin/bash
# usage: cmake/install-packages.sh PURPOSE...
# Installs with apt-get those packages of cmake/packages.txt for these purposes that are missing. Asks nothing and does
# nothing when all are there. Needs root or sudo only if something is missing.
set -euo pipefail
list="$(dirname "${BASH_SOURCE[0]}")/packages.txt"

missing=()
for purpose in "$@"; do
  while read -r wanted_for package; do
    [ "$wanted_for" = "$purpose" ] || continue
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
  done <"$list"
done
[ ${#missing[@]} -gt 0 ] || exit 0

sudo=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "these packages are missing, and installing them needs root: ${missing[*]}" >&2
    exit 1
  fi
  sudo=(sudo)
fi
echo "installing: ${missing[*]}"
# Packages that bring a service (nginx, for comparison) must not start it: it would take port 80. Debian asks this
# program; one that is there already stays as it is.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${sudo[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
  "${sudo[@]}" chmod 755 "$policy"
fi
"${sudo[@]}" apt-get update -q
"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" </dev/null
# Nor at the next start of the machine.
case " ${missing[*]} " in *" nginx "*)
  if [ -d /run/systemd/system ]; then "${sudo[@]}" systemctl disable nginx >/dev/null 2>&1 || true; fi ;;
esac
