# Starts processes, ends exactly those, and finds ports for them. Part of quickstart.sh.
#
# Uses: folder, where each process NAME has a folder of its own and its words go to NAME/output.
declare -A pids=()   # what was started and has not ended: name -> process
declare -A ports=()  # where it listens: name -> port

# start NAME COMMAND...: in a session of its own, so that Ctrl-C reaches the script only, which ends all in good order. If
# the script is killed, the kernel ends what it started.
start() {
  local name=$1
  shift
  mkdir -p "$folder/$name"
  setsid setpriv --pdeathsig TERM "$@" >"$folder/$name/output" 2>&1 </dev/null 9>&- &
  pids[$name]=$!
}

# A number of a process that ended may belong to somebody else by now; a child's may not.
is_running() {  # NAME
  local pid=${pids[$1]:-}
  [ -n "$pid" ] && grep -qs "^PPid:[[:space:]]*$$\$" "/proc/$pid/status" && ! grep -qs '^State:[[:space:]]*Z' "/proc/$pid/status"
}

send() {  # SIGNAL NAME...
  local signal=$1 name
  shift
  for name in "$@"; do
    is_running "$name" && kill -s "$signal" "${pids[$name]}" 2>/dev/null  # it may end just now
  done
}

# end NAME...: asks them to end, and insists after five seconds.
end() {
  local name deadline=$((SECONDS + 5))
  send TERM "$@"
  for name in "$@"; do
    while is_running "$name" && [ $SECONDS -lt $deadline ]; do sleep 0.02; done
    send KILL "$name"
    [ -n "${pids[$name]:-}" ] && wait "${pids[$name]}" 2>/dev/null
    unset "pids[$name]"
  done
}

named() { printf '%s\n' "${!pids[@]}" | grep "^$1" | sort; }  # PREFIX: names that begin so

show_log() {  # NAME: the last lines of what it wrote
  local file=$folder/$1/output
  [ -s "$file" ] && tail -n 15 "$file" | sed 's/^/    /' >&2
}

# until_true SECONDS COMMAND...: waits until the command succeeds. Returns 1 if it does not in time.
until_true() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.05
  done
}

# Whether something listens on this port of 127.0.0.1, read from the kernel's tables: local address, state 0A.
is_taken() {  # PORT
  awk -v port="$(printf ':%04X' "$1")" '
    $4 == "0A" && ($2 == "0100007F" port || $2 ~ "^0+" port "$" || $2 ~ "^0+FFFF00000100007F" port "$") { found = 1 }
    END { exit !found }' < <(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null)
}

accepts() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }  # PORT

next_port=0
# start_listening NAME READY FUNCTION: the function starts NAME on ${ports[NAME]}; READY tells whether it serves. Takes the
# next free port, and another one should somebody else have been quicker.
start_listening() {
  local name=$1 ready=$2 launch=$3 attempt deadline
  for attempt in 1 2 3 4 5; do
    while is_taken $next_port; do next_port=$((next_port + 1)); done
    ports[$name]=$next_port
    next_port=$((next_port + 1))
    "$launch" "$name"
    deadline=$((SECONDS + 60))
    while is_running "$name" && [ $SECONDS -lt $deadline ]; do
      "$ready" "${ports[$name]}" && return 0
      sleep 0.05
    done
    grep -qsi 'address already in use' "$folder/$name/output" "$folder/$name/logs/error.log" || break
  done
  echo "quickstart: the $name does not start" >&2
  show_log "$name"
  exit 1
}
