#!/usr/bin/env bash
# Times wirelag against the programs for captures that are installed here, each
# over the same files, in turn, and prints a table of medians: seconds, the ratio
# of wirelag to each, and the peak memory where GNU time can tell it.
#
#   docs/performance/compare.sh CAPTURE…
#
# RUNS (5) is how many times each is run, after one run that is not counted; JOBS
# (2) is handed to wirelag. Nothing is written but to /dev/null and a temporary folder.
set -euo pipefail
[ $# -gt 0 ] || { sed -n '2,9p' "$0" | cut -c3-; exit 2; }
runs=${RUNS:-5} jobs=${JOBS:-2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$(cd "$(dirname "$0")/../.." && pwd)
(cd "$root" && go build -o "$work/wirelag" ./cmd/wirelag)
gnu_time=
if /usr/bin/time -f %M true 2>/dev/null; then gnu_time=/usr/bin/time; fi

# peers are lines of: name, program, command over $f
peers=$(cat <<'PEERS'
cat|cat|cat "$f"
tcpdump|tcpdump|tcpdump -r "$f" -w /dev/null
httpry|httpry|httpry -r "$f" -o /dev/null
tcptrace|tcptrace|tcptrace -n "$f"
httpdump|httpdump|httpdump -file "$f"
tshark|tshark|tshark -n -q -z http,tree -r "$f"
PEERS
)

# once NAME COMMAND runs a command and notes its seconds, and its memory in KiB.
once() {
  local began=$EPOCHREALTIME
  if [ -n "$gnu_time" ]; then
    f=$f work=$work "$gnu_time" -o "$work/memory" -f %M bash -c "$2" >/dev/null 2>&1 || true
    tail -n 1 "$work/memory" >>"$work/$1.memory"
  else
    f=$f work=$work bash -c "$2" >/dev/null 2>&1 || true
  fi
  awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.3f\n", b - a }' >>"$work/$1.seconds"
}

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR+1)/2] : (v[NR/2] + v[NR/2+1]) / 2 }'; }

megabytes() { if [ -s "$1" ]; then sort -n "$1" | tail -n 1 | awk '{ printf "%.0f MB", $1 / 1024 }'; else echo –; fi; }

echo "$(uname -sm), $(getconf _NPROCESSORS_ONLN) processors$(sed -n 's/^model name[^:]*: \(.*\)/, \1/p' /proc/cpuinfo 2>/dev/null | head -n 1)"
for f in "$@"; do
  names=(wirelag) commands=("\"\$work/wirelag\" analyze --no-progress --format ndjson --jobs $jobs \"\$f\"")
  while IFS='|' read -r name program command; do
    if command -v "$program" >/dev/null; then names+=("$name") commands+=("$command"); fi
  done <<<"$peers"
  rm -f "$work"/*.seconds "$work"/*.memory
  for ((run = 0; run <= runs; run++)); do
    for i in "${!names[@]}"; do once "${names[i]}" "${commands[i]}"; done
    if [ "$run" = 0 ]; then rm -f "$work"/*.seconds; fi # the first fills the caches
  done
  printf '\n%s, %s\n\n' "$(basename "$f")" "$(du -h "$f" | cut -f1)"
  printf '| program | seconds | wirelag / it | peak memory |\n| --- | --- | --- | --- |\n'
  ours=$(median "$work/wirelag.seconds")
  for name in "${names[@]}"; do
    theirs=$(median "$work/$name.seconds")
    awk -v n="$name" -v a="$ours" -v b="$theirs" -v m="$(megabytes "$work/$name.memory")" \
      'BEGIN { printf "| %s | %.2f | %.3f | %s |\n", n, b, a / b, m }'
  done
done
