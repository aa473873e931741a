"""What is remembered of compilers between processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rocverify.toolchain.compiler_versions import remember, remembered


def test_an_answer_holds_while_the_program_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compiler, link = tmp_path / "clang-19", tmp_path / "clang"
    compiler.write_text("one")
    link.symlink_to(compiler)
    assert remembered(link) is None
    remember(link, "clang version 19.1.7")
    assert remembered(link) == "clang version 19.1.7"
    assert remembered(compiler) is None
    os.utime(compiler, ns=(1, 1))
    assert remembered(link) is None
    compiler.unlink()
    assert remembered(link) is None
    remember(link, "gone")


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    compiler = tmp_path / "clang"
    compiler.write_text("one")
    remember(compiler, "clang version 19.1.7")
    assert remembered(compiler) is None
