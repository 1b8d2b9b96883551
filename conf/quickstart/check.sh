# What `quickstart.sh --check` does once everything runs. Part of quickstart.sh.
#
# Uses: what cast.sh has.

problems=0
report() {  # ok|FAILED WORDS
  printf '%-7s %s\n' "$1" "${*:2}"
  [ "$1" = ok ] || problems=$((problems + 1))
}

# ask COUNT FILE: sends requests one after the other. Each leaves a line `status N`, and what was answered.
ask() {
  curl -s --max-time 20 -w 'status %{http_code}\n' "http://127.0.0.1:${ports[proxy]}/[1-$1]" >"$2" 2>/dev/null
}
answered() { grep -c "^hello from backend$1\$" "$2"; }         # NUMBER FILE
failed() { grep '^status ' "$1" | grep -cv '^status 200$'; }   # FILE
counts() {                                                     # FILE: who answered how often
  local number text=
  for number in "${backends[@]}"; do text+="${text:+, }backend$number $(answered "$number" "$1")"; done
  echo "$text"
}

load_loop() {  # FILE: requests until the file `stop` appears
  until [ -e "$folder/load/stop" ]; do
    ask 50 "$1.batch"
    cat "$1.batch" >>"$1"
  done
}
start_load() {
  rm -rf "$folder/load"
  mkdir -p "$folder/load"
  local i
  for i in 1 2 3 4; do
    load_loop "$folder/load/$i" 9>&- &
    pids[load$i]=$!
  done
}
stop_load() {
  touch "$folder/load/stop"
  local i
  for i in 1 2 3 4; do
    wait "${pids[load$i]}"
    unset "pids[load$i]"
  done
  cat "$folder"/load/[1-4] >"$folder/load/all"
}
load_has_got() { [ "$(cat "$folder"/load/[1-4] 2>/dev/null | grep -c '^status ')" -ge "$1" ]; }

check_all_answer() {
  local file=$folder/answers verdict=ok number
  ask 300 "$file"
  for number in "${backends[@]}"; do [ "$(answered "$number" "$file")" -ge 50 ] || verdict=FAILED; done
  [ "$(grep -c '^status 200$' "$file")" = 300 ] || verdict=FAILED
  report $verdict "300 requests: $(counts "$file"); failed $(failed "$file")"
}

check_killed_backend() {
  local file=$folder/answers verdict=ok total bad
  start_load
  until_true 20 load_has_got 400
  send KILL backend2
  wait "${pids[backend2]}" 2>/dev/null
  unset "pids[backend2]"
  until_true 20 members_are 2 || report FAILED "the agent did not take backend2 out of ZooKeeper"
  stop_load
  total=$(grep -c '^status ' "$folder/load/all")
  bad=$(failed "$folder/load/all")
  [ "$bad" = 0 ] && [ "$total" -ge 400 ] || verdict=FAILED
  report $verdict "kill -9 of backend2 under load: $total requests, failed $bad"

  ask 200 "$file"
  verdict=ok
  [ "$(answered 1 "$file")" -ge 50 ] && [ "$(answered 3 "$file")" -ge 50 ] && [ "$(answered 2 "$file")" = 0 ] &&
    [ "$(grep -c '^status 200$' "$file")" = 200 ] || verdict=FAILED
  report $verdict "200 requests after it: $(counts "$file"); failed $(failed "$file")"
}

gets_traffic() { ask 20 "$folder/answers" && [ "$(answered "$1" "$folder/answers")" -gt 0 ]; }  # NUMBER
check_restarted_backend() {
  local verdict=ok
  launch_backend backend2
  until_true 20 gets_traffic 2 || verdict=FAILED
  report $verdict "backend2 started again: 20 requests: $(counts "$folder/answers")"
}

# With 300 beside twice 100, three of five requests.
gets_three_fifths() {
  ask 200 "$folder/answers"
  local got
  got=$(answered "$1" "$folder/answers")
  [ "$got" -ge 100 ] && [ "$got" -le 140 ]
}
check_weight() {
  local verdict=ok
  set_weight 3 300 >"$folder/weight" 2>&1 || report FAILED "$(cat "$folder/weight")"
  until_true 10 gets_three_fifths 3 || verdict=FAILED
  report $verdict "weight of backend3 set from 100 to 300: 200 requests: $(counts "$folder/answers")"
}

run_checks() {
  check_all_answer
  check_killed_backend
  check_restarted_backend
  check_weight
  if [ $problems = 0 ]; then
    echo "quickstart: the check passed"
  else
    echo "quickstart: $problems of the checks failed; logs are in $folder" >&2
    tail -n 15 "$folder/proxy/logs/error.log" | sed 's/^/    /' >&2
    exit 1
  fi
}
