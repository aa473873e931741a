"""Asks the compiler for constants and layouts: a source with `static_assert`s behind it, on either side."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rocverify.store.tools import run_tool
from rocverify.toolchain.discover import Toolchain

Side = Literal["device", "host"]
_FLAG = {"device": "--cuda-device-only", "host": "--cuda-host-only"}
_TIMEOUT_S = 60.0
_MARK = "rocverify-assertion"


@dataclass(frozen=True, slots=True)
class Source:
    """A source of the project, relative to `root`, and what it is compiled with."""

    root: Path
    path: str
    text: str
    target: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """`false`: which assertions do not hold, with the compiler's values where it tells them; `log` is what it
    said where something else is wrong, and then nothing is known."""

    false: tuple[tuple[int, str], ...]
    log: str = ""


def ask(toolchain: Toolchain, source: Source, conditions: Sequence[str], side: Side) -> Answer:
    """Compiles the source with an assertion for each condition. ToolchainError where that cannot be run."""
    # the last one must fail: what stands in a comment or an #if that is never closed is not compiled
    asked = [*conditions, "sizeof(char) == 2"]
    lines = [
        "#undef static_assert",
        *(f'static_assert({one}, "{_MARK} {n}");' for n, one in enumerate(asked)),
    ]
    here = source.root / source.path
    with tempfile.TemporaryDirectory(prefix="rocverify-") as folder:
        copy = Path(folder) / f"{here.stem}.hip"
        copy.write_text(source.text + "\n" + "\n".join(lines) + "\n", encoding="utf-8")
        command = (
            *(str(toolchain.clang), "-x", "hip", f"--offload-arch={source.target}", _FLAG[side], "-nogpulib"),
            *(f"--rocm-path={toolchain.rocm_path}", "-iquote", str(here.parent), "-ferror-limit=0", "-w"),
            *(*source.flags, "-fsyntax-only", str(copy)),
        )
        run = run_tool(command, timeout_s=_TIMEOUT_S, cwd=source.root)
    false, others = [], []
    for block in re.split(r"(?m)^(?=\S+:\d+:\d+: error:)", run.log)[1:]:
        found = re.search(rf"static assertion failed.*{_MARK} (\d+)", block)
        told = re.search(r"expression evaluates to '(.+)'", block)
        if found:
            false.append((int(found[1]), told[1] if told else ""))
        else:
            others.append(block.splitlines()[0].partition("error: ")[2])
    control = len(conditions)
    if not others and control not in [number for number, _ in false]:
        others.append("what is put behind the source is not compiled")
    false = [one for one in false if one[0] != control]
    return Answer(tuple(false), "; ".join(others))
