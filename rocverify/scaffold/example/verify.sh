#!/usr/bin/env bash
# Verifies every plan of this project; further arguments go to `rocverify run all`. It uses the rocverify of
# .venv or of the PATH, else makes .venv with one. ROCVERIFY names what pip is to install then: a version, a
# folder, or git+https://...
#
# Exits with rocverify's own code: 0 verified, 1 gaps found, 2 usage or missing packages, 3 unverified.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

if [ -x .venv/bin/rocverify ]; then
    rocverify=.venv/bin/rocverify
elif ! rocverify=$(command -v rocverify); then
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check "${ROCVERIFY:-rocverify}"
    rocverify=.venv/bin/rocverify
fi

# Compilers that are missing are named, with the packages that have them.
"$rocverify" doctor >/dev/null || { "$rocverify" doctor >&2; exit 2; }
exec "$rocverify" run all "$@"
