#!/usr/bin/env bash
# Builds the program, with debug information, then verifies the plan; options go to `rocverify run all`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
mkdir -p build
rocverify compile --program src/main.hip -o build/demo -- -g
exec rocverify run all --allow-commands "$@"
