#!/bin/sh
# Prints the ten events of events.ndjson as if the last of them had happened an hour ago: every instant in them, when
# something is due as well as when it happened, is moved by the same span. Needs GNU date.
set -eu
events=$(dirname "$0")/events.ndjson

last=$(grep -o '"time":"[^"]*"' "$events" | tail -n 1 | cut -d '"' -f 4)
span=$(($(date +%s) - 3600 - $(date -d "$last" +%s)))

grep -oE '"[0-9]{4}-[0-9]{2}-[0-9]{2}T[^"]*"' "$events" | tr -d '"' | sort -u | while read -r at; do
	moved=$(date -u -d "@$(($(date -d "$at" +%s) + span))" +%Y-%m-%dT%H:%M:%S)
	printf 's/"%s"/"%s.%sZ"/g\n' "$at" "$moved" "$(date -d "$at" +%3N)"
done | sed -f - "$events"
