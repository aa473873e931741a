"""Which branches of a source's conditionals the compiler compiles, for the device or for the host."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rocverify.store.tools import run_tool
from rocverify.toolchain.discover import Toolchain

_SIDES = ("--cuda-device-only", "--cuda-host-only")
_TIMEOUT_S = 20.0


def kept_marks(
    toolchain: Toolchain, root: Path, source: str, text: str, mark: str, *, target: str, flags: Sequence[str]
) -> set[int] | None:
    """The numbers N of the lines `#pragma <mark> N` of `text` that outlive preprocessing on either side.

    `text` stands for the file `source` (relative to the root) with pragmas put in. None where the compiler
    cannot preprocess it, which decides nothing. Raises ToolchainError where it cannot be run.
    """
    found: set[int] = set()
    with tempfile.TemporaryDirectory(prefix="rocverify-") as folder:
        copy = Path(folder) / Path(source).name
        copy.write_text(text, encoding="utf-8")
        for side in _SIDES:
            command = (
                *(str(toolchain.clang), "-x", "hip", f"--offload-arch={target}", side, "-nogpulib"),
                *(f"--rocm-path={toolchain.rocm_path}", "-iquote", str((root / source).parent)),
                *(*flags, "-E", "-P", str(copy)),
            )
            run = run_tool(command, timeout_s=_TIMEOUT_S, cwd=root)
            if run.returncode != 0:
                return None
            found |= {int(n) for n in re.findall(rf"^\s*#pragma {mark} (\d+)", run.output, re.MULTILINE)}
    return found
