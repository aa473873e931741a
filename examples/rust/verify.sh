#!/usr/bin/env bash
# Builds the program, with debug information, then verifies the plan; options go to `rocverify run all`.
# `rocverify exec` makes libamdhip64 known to the linker, where no ROCm is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
rocverify exec -- cargo build --offline --quiet
exec rocverify run all --allow-commands "$@"
