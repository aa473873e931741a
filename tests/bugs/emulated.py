"""Runs `rocverify emulate` on a case's kernel and says what came of it."""

from __future__ import annotations

import io
import json
import re
import shlex
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocverify.cli.main import main


@dataclass(frozen=True)
class Seen:
    """`code` is the exit code, `document` the JSON, empty where it was refused, `told` standard error."""

    code: int
    document: dict[str, Any]
    told: str

    @property
    def findings(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document.get("findings", [])
        return found

    @property
    def places(self) -> set[tuple[str, int]]:
        """Kind and line of every finding, of a fault its kind and line."""
        fault = self.document.get("fault")
        found = [(fault["kind"], fault["source_line"])] if fault else []
        found += [(one["kind"], one["here"]["source"]) for one in self.findings]
        return {(kind, _line(source)) for kind, source in found}

    def array(self, index: int) -> list[Any]:
        """The first elements of an array afterwards."""
        (buffer,) = (one for one in self.document["buffers"] if one["index"] == index)
        head: list[Any] = buffer["head"]
        return head


def _line(source: str | None) -> int:
    found = re.search(r":(\d+)$", source or "")
    return int(found[1]) if found else 0


def emulate(source: Path, command: str, *more: str, flags: tuple[str, ...] = ()) -> Seen:
    """One launch; `command` as the case's `cmd` has it. The working folder is the case's."""
    out, err = io.StringIO(), io.StringIO()
    words = [
        "emulate",
        source.name,
        *shlex.split(command),
        *more,
        "--json",
        *(("--", *flags) if flags else ()),
    ]
    with chdir(source.parent), redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    text = out.getvalue()
    return Seen(code, json.loads(text) if text.startswith("{") else {}, err.getvalue())
