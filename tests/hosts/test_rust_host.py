"""A Rust engine with build.rs and plans in the wild style: as it is, built and run, and with sabotages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rocverify.device.library_build import hip_library_folder
from tests.hosts.hipcc import make_hipcc
from tests.hosts.host import Sabotage, copied, each, find_nothing, judge, verify
from tests.hosts.rust_sabotages import SABOTAGES

HOST = "rust_host"
_BUILD_S = 240.0


@pytest.mark.long
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path, kept: Path) -> None:
    find_nothing(HOST, tmp_path, kept)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_is_verified_with_its_own_tests(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo: install Rust")
    root = copied(HOST, tmp_path)
    monkeypatch.setenv("HIP_PATH", str(make_hipcc(tmp_path / "hip", kept)))
    # Beforehand, so that the programs are still there when the functions of calls are looked up.
    monkeypatch.setenv("LIBRARY_PATH", str(hip_library_folder()))
    subprocess.run(["cargo", "test", "--offline", "--no-run"], cwd=root, check=True, timeout=_BUILD_S)
    ran = verify(root, kept, "all", "--allow-commands")
    assert not ran.not_passed(), ran.output
    assert ran.exit_code == 0, ran.output
    tests = ran.checks()["04-02/V1/command"]["evidence"]["tests"]
    assert sum(one["passed"] for one in tests) == 11


@each(SABOTAGES)
def test_each_sabotage_is_noticed(sabotage: Sabotage, tmp_path: Path, kept: Path) -> None:
    judge(sabotage, HOST, tmp_path, kept)
