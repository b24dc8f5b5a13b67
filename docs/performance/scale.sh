#!/usr/bin/env bash
# Shows how time and memory follow the length of a capture: generates captures of
# 1, 2, 4 and 8 times SIZE (64M) and prints a table of medians.
#
#   docs/performance/scale.sh [KIND…]
#
# KIND is one of gencapture's (default: mixed and short). RUNS (3) is how many times
# each is run, after one run that is not counted; JOBS (2) is handed to wirelag.
set -euo pipefail
[ "${1:-}" != -h ] || { sed -n '2,9p' "$0" | cut -c3-; exit 0; }
runs=${RUNS:-3} jobs=${JOBS:-2} size=${SIZE:-64M}
[ $# -gt 0 ] || set -- mixed short
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$(cd "$(dirname "$0")/../.." && pwd)
(cd "$root" && go build -o "$work/wirelag" ./cmd/wirelag && go build -o "$work/gencapture" ./cmd/gencapture)
unit=${size##*[0-9]}
printf '| kind | size | packets | seconds | ns a packet | peak memory |\n| --- | --- | --- | --- | --- | --- |\n'
for kind in "$@"; do
  for times in 1 2 4 8; do
    f=$work/capture.pcap
    "$work/gencapture" --kind "$kind" --size "$((${size%"$unit"} * times))$unit" -o "$f"
    rm -f "$work/seconds" "$work/memory"
    for ((run = 0; run <= runs; run++)); do
      /usr/bin/time -o "$work/time" -f '%e %M' "$work/wirelag" analyze --no-progress --format ndjson --jobs "$jobs" "$f" >"$work/report"
      [ "$run" = 0 ] && continue # it fills the caches
      cut -d' ' -f1 "$work/time" >>"$work/seconds"
      cut -d' ' -f2 "$work/time" >>"$work/memory"
    done
    packets=$(grep '^{"type":"capture"' "$work/report" | grep -o '"packets":[0-9]*' | head -n 1 | cut -d: -f2)
    sort -n "$work/seconds" | awk -v k="$kind" -v s="$(du -h "$f" | cut -f1)" -v p="$packets" -v m="$(sort -n "$work/memory" | tail -n 1)" \
      '{ v[NR] = $1 } END { t = v[int((NR + 1) / 2)]; printf "| %s | %s | %d | %.2f | %.0f | %.0f MB |\n", k, s, p, t, t * 1e9 / p, m / 1024 }'
  done
done
