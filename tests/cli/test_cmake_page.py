"""docs/cmake-without-rocm.md: its files are written, its commands run, in their order."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_BLOCK = re.compile(r"(?:^    .*\n|^\n(?=    ))+", re.MULTILINE)
_FILE = re.compile(r"(?://|#) ([\w./-]+\.\w+)$")
_S = 240


@pytest.mark.drawn(2)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("asked", ["LANGUAGES HIP", "hip::device"])
def test_the_page_holds(repo_root: Path, tmp_path: Path, kept: Path, asked: str) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake: install it")
    folder, commands = _written(repo_root, tmp_path / "scaled")
    if asked == "hip::device":
        _as_cxx(folder)
        commands = commands[:-1]  # as a must-have once
    environment = _environment(repo_root, tmp_path, kept)
    said = [_run(line, folder, environment) for line in commands]
    assert len(said) == (3 if asked == "hip::device" else 4)
    assert "100% tests passed, 0 tests failed out of 1" in said[2]
    assert "rocverify: 1 launch (scale_kernel); 2 copies (1 to the device (4 KB), 1 back (4 KB));" in said[2]


def _written(repo_root: Path, folder: Path) -> tuple[Path, list[str]]:
    """The files of the page, in a folder, and its commands. Two files may share a block."""
    page = (repo_root / "docs/cmake-without-rocm.md").read_text(encoding="utf-8")
    name, commands = "", []
    for block in _BLOCK.findall(page):
        for line in re.sub(r"^    ", "", block, flags=re.MULTILINE).splitlines():
            named = _FILE.match(line)
            if named:
                name = named[1]
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text("", encoding="utf-8")
            elif re.match(r"(?:cmake -|rocverify (?!:))", line):
                name = ""
                commands.append(line)
            elif name:
                with (folder / name).open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
    return folder, commands


def _as_cxx(folder: Path) -> None:
    """The same project as one of C++ sources that link hip::device."""
    (folder / "scale.hip").rename(folder / "scale.cpp")
    lists = folder / "CMakeLists.txt"
    text = lists.read_text(encoding="utf-8").replace("CXX HIP", "CXX").replace("scale.hip", "scale.cpp")
    text = text.replace("PUBLIC .)", "PUBLIC .)\ntarget_link_libraries(scaled PRIVATE hip::device)", 1)
    lists.write_text(text, encoding="utf-8")


def _environment(repo_root: Path, tmp_path: Path, kept: Path) -> dict[str, str]:
    """With a `rocverify` on the PATH that is this one."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/rocverify").symlink_to(kept)
    script = tmp_path / "bin/rocverify"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{repo_root}" exec "{sys.executable}" -m rocverify "$@"\n')
    script.chmod(0o755)
    path = f"{script.parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}


def _run(line: str, folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["sh", "-c", line],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_S,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr
