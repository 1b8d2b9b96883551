#!/bin/bash
# Everything at once, to look at: a ZooKeeper server, three backends that register themselves in it, and the proxy.
#
# usage: conf/quickstart.sh [--check] [--port N] [--folder DIR]
#
#   --check       does the same without staying: sends requests, kills a backend, starts it again, changes a weight, and
#                 looks at who answers. The exit code is 0 if all was as it should be, 1 if not.
#   --port N      where the proxy listens on 127.0.0.1 (8080); 0: on any free port
#   --folder DIR  where everything is kept while it runs (.quickstart)
#
# Needs nothing but Debian 12: what is missing is installed by apt-get, and Weir is built into build/. With WEIR_BINARY=FILE
# in the environment nothing is built and that binary is used. Everything listens on 127.0.0.1 only and ends with the script.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

check=false
port=8080
folder=$root/.quickstart
weir=${WEIR_BINARY:-}
zk_path=/weir/backend  # where `upstream backend` looks unless its zk_path says otherwise
backends=(1 2 3)
step=                  # the process that is waited for just now, such as the build

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

usage() { sed -n '4,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

# shellcheck source-path=SCRIPTDIR source=quickstart/processes.sh
. "$root/conf/quickstart/processes.sh"
# shellcheck source-path=SCRIPTDIR source=quickstart/cast.sh
. "$root/conf/quickstart/cast.sh"
# shellcheck source-path=SCRIPTDIR source=quickstart/check.sh
. "$root/conf/quickstart/check.sh"

# Runs at every end, also when a step failed.
stop_all() {
  trap '' INT TERM
  [ -n "$step" ] && kill "$step" 2>/dev/null && wait "$step" 2>/dev/null
  # Members leave before those who stand behind them, and the registry goes last.
  local kind
  # shellcheck disable=SC2046
  for kind in load agent proxy backend zookeeper; do end $(named $kind); done
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

read_arguments() {
  while [ $# -gt 0 ]; do
    case $1 in
      --check) check=true ;;
      --port | --folder)
        [ $# -ge 2 ] || fail "option $1 requires a value"
        [ "$1" = --port ] && port=$2 || folder=$2
        shift
        ;;
      --port=*) port=${1#*=} ;;
      --folder=*) folder=${1#*=} ;;
      -h | --help)
        usage
        exit 0
        ;;
      *) fail "unknown option \"$1\"; see --help" ;;
    esac
    shift
  done
  if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$port" -gt 65500 ]; then fail "invalid port \"$port\", expected 0 to 65500"; fi
  port=$((10#$port))
}

prepare_folder() {
  mkdir -p "$folder" || fail "cannot make $folder"
  folder=$(cd "$folder" && pwd)
  exec 9>"$folder/lock"
  flock -n 9 || fail "another quickstart is running in $folder"
  local name
  for name in zookeeper proxy load "${backends[@]/#/backend}" "${backends[@]/#/agent}"; do rm -rf "${folder:?}/$name"; done
}

require_port() {
  [ "$port" = 0 ] || ! is_taken "$port" || fail "127.0.0.1:$port is taken by another program; choose another port: --port N"
}

build() {
  local purposes=(zookeeper demo)
  [ -n "$weir" ] || purposes+=(build)
  bash "$root/cmake/install-packages.sh" "${purposes[@]}" || fail "packages are missing"
  if [ -n "$weir" ]; then
    weir=$(realpath "$weir")
    [ -f "$weir" ] && [ -x "$weir" ] && return
    fail "WEIR_BINARY=$WEIR_BINARY is no program"
  fi
  # A build of the tests may be there already; its settings stay as they are.
  if [ ! -f "$root/build/build.ninja" ]; then
    echo "configuring build/"
    cmake -G Ninja -S "$root" -B "$root/build" -DCMAKE_BUILD_TYPE=Release -DWEIR_TESTS=OFF >"$folder/configure" 2>&1 || {
      cat "$folder/configure" >&2
      fail "the build cannot be configured"
    }
  fi
  echo "building Weir (a few minutes the first time)"
  ninja -C "$root/build" weir 9>&- &
  step=$!
  wait "$step" || {
    step=
    fail "the build failed"
  }
  step=
  weir=$root/build/proxy/weir
}

start_all() {
  echo "starting ZooKeeper, three backends with their agents, and the proxy"
  local base=$port number
  [ "$port" != 0 ] || base=$((20000 + RANDOM % 10000))
  next_port=$((base + 1))
  for number in "${backends[@]}"; do start_listening "backend$number" accepts launch_backend; done
  start_listening zookeeper zookeeper_serves launch_zookeeper
  for number in "${backends[@]}"; do launch_agent "$number"; done
  until_true 30 members_are ${#backends[@]} || {
    show_log agent1
    fail "the backends did not register"
  }
  require_port
  next_port=$base
  start_listening proxy accepts launch_proxy
}

short() { local path=$1; echo "${path#"$PWD/"}"; }

print_help() {
  local url=http://127.0.0.1:${ports[proxy]}/ program registry
  program=$(short "$weir")
  registry="--zk 127.0.0.1:${ports[zookeeper]} --path $zk_path"
  cat <<END

The proxy is at $url; its members are in ZooKeeper at 127.0.0.1:${ports[zookeeper]} under $zk_path:

$(zk_ls | sed 's/^/  /')

Things to try in another terminal:

  ask                  curl $url
  ask 100 times        for i in {1..100}; do curl -s $url; done | sort | uniq -c
  kill a backend       kill -9 ${pids[backend2]}
                       (no request fails; its agent takes it out of ZooKeeper)
  start it again       $program -p $(short "$folder/backend2")
                       (it stays in the foreground; its agent announces it)
  change a weight      $program zk set-weight $registry --address 127.0.0.1:${ports[backend3]} --weight 300
                       (100 is usual; 0 drains it)
  see the members      $program zk ls $registry
  drain a backend      kill ${pids[agent1]}
                       (its agent says good-bye for it)
  stop ZooKeeper       kill -9 ${pids[zookeeper]}
                       (traffic goes on with the members known last)
  read along           tail -f $(short "$folder/proxy/logs")/*.log

Ctrl-C stops all of it.
END
}

stay() {
  local ended name
  while true; do
    wait -n -p ended "${pids[@]}"
    for name in "${!pids[@]}"; do
      [ "${pids[$name]}" = "${ended:-}" ] || continue
      unset "pids[$name]"
      echo "$name has stopped"
      if [ "$name" = proxy ]; then
        show_log proxy
        fail "without the proxy there is nothing to see"
      fi
    done
  done
}

read_arguments "$@"
prepare_folder
require_port
build
start_all
if $check; then
  run_checks
else
  print_help
  stay
fi
