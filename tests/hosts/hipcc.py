"""A `hipcc` for machines without ROCm: the clang that rocverify finds, called as hipcc would."""

from __future__ import annotations

import shlex
from pathlib import Path

from rocverify.settings import Settings
from rocverify.toolchain.devicelibs import libraries_for
from rocverify.toolchain.discover import Toolchain

TARGET = "gfx1100"
_SCRIPT = """#!/bin/sh
# --genco is hipcc's own. What was compiled before, by the text of the source, is copied: builds in overlays
# begin from nothing each time.
key=
case " $* " in *" --genco "*)
    for argument do
        case $argument in *.hip) source=$argument ;; esac
        [ "$previous" = -o ] && output=$argument
        previous=$argument
    done
    key={kept}/$(cat "$source" "$0" | sha256sum | cut -c1-32).hsaco
    [ -f "$key" ] && exec cp "$key" "$output" ;;
esac
for argument do
    shift
    case $argument in
        --genco) set -- "$@" --cuda-device-only --no-gpu-bundle-output -c ;;
        *.hip) set -- "$@" -x hip --rocm-path={root} --rocm-device-lib-path={libraries} "$argument" ;;
        *) set -- "$@" "$argument" ;;
    esac
done
{clang} "$@" || exit
[ -z "$key" ] || { cp "$output" "$key.$$" && mv "$key.$$" "$key"; }
"""


def make_hipcc(folder: Path, cache: Path) -> Path:
    """Writes `bin/hipcc` below a folder, which is what HIP_PATH may name; that folder."""
    found = Toolchain.discover(Settings())
    libraries = libraries_for(found, TARGET, None, cache).folder
    kept = cache / "hipcc"
    kept.mkdir(parents=True, exist_ok=True)
    places = {"clang": found.clang, "root": found.rocm_path, "libraries": libraries, "kept": kept}
    script = _SCRIPT
    for name, place in places.items():
        script = script.replace(f"{{{name}}}", shlex.quote(str(place)))
    path = folder / "bin/hipcc"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return folder
