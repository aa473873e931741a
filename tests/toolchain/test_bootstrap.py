"""The scripts behind the Makefile: what they install, when they do nothing, how they exit."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from rocverify.errors import ExitCode
from rocverify.toolchain.packages import DEBIAN_COMPILER_VERSIONS, debian_packages


def run(script: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def executable(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path, repo_root: Path) -> Path:
    """A checkout whose .venv is up to date, with a rocverify in it that exits as $FAKE_CODE says."""
    root = tmp_path / "checkout"
    shutil.copytree(repo_root / "scripts", root / "scripts")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(repo_root / name, root / name)
    executable(root / ".venv/bin/python", "exit 1")
    executable(root / ".venv/bin/rocverify", 'echo "ran $*"; exit "$FAKE_CODE"')
    digest = hashlib.sha256((root / "pyproject.toml").read_bytes()).hexdigest()
    (root / ".venv/.rocverify-installed").write_text(f"{root}\n{digest}  pyproject.toml\n")
    return root


def test_bootstrap_names_the_packages_that_errors_name(repo_root: Path) -> None:
    text = (repo_root / "scripts/bootstrap.sh").read_text()
    for version in DEBIAN_COMPILER_VERSIONS:
        for package in debian_packages(version):
            pattern = re.sub(rf"-{version}$", r"-(\\$1|19|15)", re.escape(package).replace(r"\-", "-"))
            assert re.search(rf"\b{pattern}", text), package
        assert f"missing_compiler {version}" in text


@pytest.mark.parametrize("purpose", ["verify", "test"])
def test_complete_checkout_is_left_alone(checkout: Path, purpose: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    done = run(checkout / "scripts/bootstrap.sh", purpose)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before


@pytest.mark.parametrize("arguments", [(), ("install",)])
def test_bootstrap_says_how_it_is_used(checkout: Path, arguments: tuple[str, ...]) -> None:
    done = run(checkout / "scripts/bootstrap.sh", *arguments)
    assert done.returncode == 2
    assert "usage: scripts/bootstrap.sh verify|test" in done.stderr


def test_an_environment_behind_a_link_is_not_cleared(checkout: Path, tmp_path: Path) -> None:
    (checkout / ".venv").rename(tmp_path / "shared")
    (checkout / ".venv").symlink_to(tmp_path / "shared")
    (tmp_path / "shared/.rocverify-installed").write_text("of another checkout\n")
    done = run(checkout / "scripts/bootstrap.sh", "verify")
    assert done.returncode == 2
    assert f".venv is a link to {tmp_path / 'shared'}" in done.stderr
    assert "remove the link" in done.stderr
    assert (tmp_path / "shared/bin/rocverify").exists()


def test_changed_dependencies_are_noticed(checkout: Path) -> None:
    """The fake interpreter cannot make a venv, so trying to is what shows here."""
    with (checkout / "pyproject.toml").open("a") as file:
        file.write("# another dependency\n")
    tools = checkout / "tools"
    for name in ("python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        executable(tools / name, 'case "$*" in *venv*--clear*) echo "asked for a venv" >&2; exit 3 ;; esac')
    done = run(checkout / "scripts/bootstrap.sh", "verify", PATH=f"{tools}:{os.environ['PATH']}")
    assert done.returncode != 0
    assert "asked for a venv" in done.stderr


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (ExitCode.VERIFIED, ""),
        (ExitCode.GAPS_FOUND, "exit code 1: gaps found"),
        (ExitCode.USAGE, "exit code 2: usage or plan error"),
        (ExitCode.UNVERIFIED, "exit code 3: nothing failed, but something is unverified"),
        (ExitCode.INTERNAL, "exit code 4: the harness itself broke"),
        (ExitCode.INTERRUPTED, "exit code 130: interrupted"),
    ],
)
def test_verify_script_exits_as_rocverify_does(checkout: Path, code: ExitCode, words: str) -> None:
    done = run(checkout / "scripts/verify.sh", "--device", "emulator", FAKE_CODE=str(int(code)))
    assert done.returncode == code
    assert done.stdout == "ran run phase 16 --device emulator\n"
    assert words in done.stderr


@pytest.mark.parametrize(("code", "status"), [(0, 0), (1, 2), (3, 2)])
def test_make_verify_says_the_code_that_make_hides(checkout: Path, code: int, status: int) -> None:
    done = subprocess.run(
        ["make", "verify", "VERIFY_ARGS=--seed 7"],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "FAKE_CODE": str(code)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status
    assert "ran run phase 16 --seed 7" in done.stdout
    assert code == 0 or f"exit code {code}" in done.stderr
