#!/bin/sh
# crowd.sh CLIENT FOLDER AT_ONCE: so many clients at once, every second of which is killed somewhere on its way.
# Exits 0 if all others were right.
client=$1 folder=$2 at_once=$3
survivors='' victims=''
for seed in $(seq "$at_once"); do
    if [ $((seed % 2)) -eq 0 ]; then
        "$client" "$folder" "$seed" 100000 >/dev/null 2>&1 &
        victims="$victims $!"
    else
        "$client" "$folder" "$seed" 10 >/dev/null &
        survivors="$survivors $!"
    fi
done
for victim in $victims; do
    sleep "0.$(awk -v seed="$victim" 'BEGIN { srand(seed); printf "%02d", 5 + 40 * rand() }')"
    kill -KILL "$victim"
done
status=0
for survivor in $survivors; do
    wait "$survivor" || { echo "client $survivor failed" >&2; status=1; }
done
exit "$status"
