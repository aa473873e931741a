"""Pages of the documentation as steps: files that are written, commands that are run, what they print."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_METHOD = re.compile(r"^    def (\w+)\(.*\n(?:        .*\n?)+", re.MULTILINE)
_CODE = re.compile(r"exit code (\d+)$")
_LIMIT_S = 250


@dataclass(frozen=True)
class Step:
    """A file (name, text), or a command (line, what it prints: `...` stands for anything)."""

    name: str = ""
    text: str = ""
    line: str = ""
    printed: tuple[str, ...] = ()


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in its order. Blocks with a title are files, blocks of `console` are commands."""
    for language, title, text in _BLOCK.findall(page):
        if title:
            yield Step(name=title, text=text)
        elif language == "console":
            for part in re.split(r"(?m)^\$ ", text)[1:]:
                line, *printed = part.splitlines()
                yield Step(line=line, printed=tuple(printed))


def programs(folder: Path, repo_root: Path) -> str:
    """A PATH on which `rocverify`, `python` and `pytest` are those that run this test."""
    folder.mkdir()
    modules = {"rocverify": "-m rocverify", "python": "", "pytest": "-m pytest"}
    for name, module in modules.items():
        script = folder / name
        start = f"PYTHONPATH={shlex.quote(str(repo_root))} exec {shlex.quote(sys.executable)} {module}"
        script.write_text(f'#!/bin/sh\n{start} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.environ['PATH']}"


def follow(page: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """Does what the page says, in the folder; the commands that were run. Asserts what they print."""
    done = []
    for step in steps(page):
        if step.name:
            write(folder / step.name, step.text)
        else:
            said = run(step, folder, environment)
            assert_printed(step, said)
            done.append(step.line)
    return done


def write(path: Path, text: str) -> None:
    """A new file; in one that is there, methods replace those of their name, and imports are added."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        return
    begun = path.read_text(encoding="utf-8")
    for method in _METHOD.finditer(text):
        old = re.compile(rf"^    def {method[1]}\(.*\n(?:        .*\n?)+", re.MULTILINE)
        begun, count = old.subn(lambda _, new=method[0]: new, begun)
        assert count == 1, f"{path.name}: {method[1]}"
    for line in re.findall(r"(?m)^from .*$", text):
        begun = begun.replace("import ctypes\n", f"import ctypes\n\n{line}\n", 1)
    path.write_text(begun, encoding="utf-8")


def run(step: Step, folder: Path, environment: dict[str, str]) -> str:
    """Output and errors of a command, which exits as its last printed line says, else with 0."""
    done = subprocess.run(
        ["bash", "-c", step.line],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=_LIMIT_S,
    )
    codes = [int(found[1]) for line in step.printed if (found := _CODE.search(line))]
    assert done.returncode == (codes[-1] if codes else 0), f"{step.line}\n{done.stdout}"
    return done.stdout


def assert_printed(step: Step, said: str) -> None:
    """The lines that the page shows are among those that were printed, in their order."""
    rest = iter(said.splitlines())
    for shown in step.printed:
        if shown == "...":
            continue
        pattern = re.compile(".*".join(map(re.escape, shown.rstrip().split("..."))))
        assert any(pattern.fullmatch(line.rstrip()) for line in rest), f"{step.line}: {shown}\n{said}"
