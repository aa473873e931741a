"""Fixtures for the toolchain's tests: real compilers, a small project, tools that misbehave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.toolchain.discover import Toolchain
from tests.toolchain.support import BARE_KERNEL, Project, find_toolchain


@pytest.fixture(autouse=True)
def _no_choice_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the developer's shell prefers must not decide what is tested."""
    monkeypatch.delenv("ROCVERIFY_CLANG", raising=False)


@pytest.fixture(params=["clang-19", pytest.param("clang-15", marks=pytest.mark.long)])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    """Each of the compilers that rocverify promises to work with."""
    return find_toolchain(request.param)


@pytest.fixture
def clang19() -> Toolchain:
    return find_toolchain("clang-19")


@pytest.fixture
def project(tmp_path: Path, clang19: Toolchain) -> Project:
    """A project whose kernel includes `value.h`, which stands beside it and defines VALUE."""
    project = Project(tmp_path / "project", clang19)
    project.write("kernels/k.hip", '#include "value.h"\n' + BARE_KERNEL)
    project.write("kernels/value.h", "#define VALUE 1.0f\n")
    return project


@pytest.fixture
def tool_script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes an executable shell script, for tools that are not what they seem."""

    def write(name: str, body: str) -> Path:
        path = tmp_path / "tools" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path

    return write
