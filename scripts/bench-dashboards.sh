#!/usr/bin/env bash
# Fills a data directory in the user cache with a made-up company, once, and says how long each panel of each dashboard takes on eight of them.
# Exits with an error where p95 of one is over 300 ms. Measure on a machine that does nothing else. Flags of dashboards/bench may follow.
set -euo pipefail
cd "$(dirname "$0")/.."
dir="${XDG_CACHE_HOME:-$HOME/.cache}/parcours/bench"
mkdir -p "$dir"
if [ ! -e "$dir/imported" ]; then
  ./bin/parcours simulate --customers 15000 --days 480 --seed 11 --start 2025-05-01 -o "$dir/events.ndjson"
  ./bin/parcours import --data "$dir/data" "$dir/events.ndjson"
  touch "$dir/imported"
fi
go run ./dashboards/bench --data "$dir/data" --csv "$dir/panels.csv" "$@"
