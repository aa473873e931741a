#!/usr/bin/env bash
# Installs what is missing, then verifies phase 16; further arguments go to `rocverify run phase 16`.
#
# Exits with rocverify's own code (0 verified, 1 gaps found, 2 usage or missing packages, 3 unverified,
# 4 the harness broke, 130 interrupted). make turns every code but 0 into 2, so it is said in words too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/bootstrap.sh verify

code=0
.venv/bin/rocverify run phase 16 "$@" || code=$?
case $code in
    0) ;;
    1) meaning="gaps found" ;;
    2) meaning="usage or plan error" ;;
    3) meaning="nothing failed, but something is unverified" ;;
    4) meaning="the harness itself broke" ;;
    130) meaning="interrupted" ;;
    *) meaning="unexpected" ;;
esac
[ "$code" -eq 0 ] || printf 'rocverify: exit code %d: %s\n' "$code" "$meaning" >&2
exit "$code"
