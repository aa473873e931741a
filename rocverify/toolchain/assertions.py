"""Asks the compiler for constants and layouts: a source with `static_assert`s behind it, on either side."""

from __future__ import annotations

import json
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from rocverify.store.digests import digest_texts
from rocverify.store.tools import run_tool
from rocverify.toolchain.cache import ObjectCache
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.headers import HeaderState, header_state, relative_to_root, search_path

Side = Literal["device", "host"]
_FLAG = {"device": "--cuda-device-only", "host": "--cuda-host-only"}
_TIMEOUT_S = 60.0
_FORMAT = "assertions 1"
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


def ask(
    toolchain: Toolchain, source: Source, conditions: Sequence[str], side: Side, cache_dir: Path
) -> Answer:
    """Compiles the source with an assertion for each condition, or takes the answer from the cache if nothing
    has changed that the compiler read. ToolchainError where the compiler cannot be run."""
    # the last one must fail: what stands in a comment or an #if that is never closed is not compiled
    asked = [*conditions, "sizeof(char) == 2"]
    lines = [
        "#undef static_assert",
        *(f'static_assert({one}, "{_MARK} {n}");' for n, one in enumerate(asked)),
    ]
    text = source.text + "\n" + "\n".join(lines) + "\n"
    flags = _flags(toolchain, source, side)
    cache = ObjectCache(cache_dir)
    key = digest_texts((_FORMAT, toolchain.identity, str(toolchain.clang), source.path, text, *flags))
    kept = cache.find(key, source.root)
    if kept is not None:
        found = json.loads(kept.data)
        return Answer(tuple((number, told) for number, told in found["false"]), found["log"])
    with tempfile.TemporaryDirectory(prefix="rocverify-") as folder:
        copy, depfile = Path(folder) / f"{PurePosixPath(source.path).stem}.hip", Path(folder) / "read.d"
        copy.write_text(text, encoding="utf-8")
        command = (str(toolchain.clang), *flags, "-fsyntax-only", str(copy))
        began = time.time_ns()
        run = run_tool((*command, "-MD", "-MF", str(depfile)), timeout_s=_TIMEOUT_S, cwd=source.root)
        answer = _answer(run.log, len(conditions))
        if not answer.log and depfile.is_file():
            where = run_tool((*command, "-###"), timeout_s=_TIMEOUT_S, cwd=source.root)
            _keep(cache, key, answer, _read_files(source, copy, depfile, where.log), began, source.root)
    return answer


def _flags(toolchain: Toolchain, source: Source, side: Side) -> tuple[str, ...]:
    folder = str((source.root / source.path).parent)
    return (
        *("-x", "hip", f"--offload-arch={source.target}", _FLAG[side], "-nogpulib"),
        *(f"--rocm-path={toolchain.rocm_path}", "-iquote", folder, "-ferror-limit=0", "-w", *source.flags),
    )


def _answer(log: str, control: int) -> Answer:
    """What the compiler said; assertion number `control` is the one that must not hold."""
    false, others = [], []
    for block in re.split(r"(?m)^(?=\S+:\d+:\d+: error:)", log)[1:]:
        found = re.search(rf"static assertion failed.*{_MARK} (\d+)", block)
        told = re.search(r"expression evaluates to '(.+)'", block)
        if found:
            false.append((int(found[1]), told[1] if told else ""))
        else:
            others.append(block.splitlines()[0].partition("error: ")[2])
    if not others and control not in [number for number, _ in false]:
        others.append("what is put behind the source is not compiled")
    false = [one for one in false if one[0] != control]
    return Answer(tuple(false), "; ".join(others))


def _read_files(source: Source, copy: Path, depfile: Path, invocation: str) -> HeaderState | None:
    """The state of the headers that were read; None where one has gone since."""
    try:
        own, text = relative_to_root(source.root, str(copy)), depfile.read_text(encoding="utf-8")
        return header_state(source.root, own, text, search_path(invocation))
    except OSError:
        return None


def _keep(
    cache: ObjectCache, key: str, answer: Answer, headers: HeaderState | None, began_ns: int, root: Path
) -> None:
    """Keeps an answer, unless a header is as young as the question."""
    if headers is None or any(_changed_ns(root / path) >= began_ns for path in headers.files):
        return
    data = json.dumps({"false": answer.false, "log": answer.log}).encode()
    cache.store(key, data, headers, "", 0.0)


def _changed_ns(path: Path) -> int:
    try:
        stat = path.stat()
    except OSError:
        return time.time_ns()
    return max(stat.st_mtime_ns, stat.st_ctime_ns)
