"""A C++ library with CMake and plans in the wild style: as it is, run by CTest, and with sabotages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rocverify.device.library_build import hip_library_folder
from tests.hosts.cpp_sabotages import SABOTAGES
from tests.hosts.hipcc import make_hipcc
from tests.hosts.host import Sabotage, copied, each, find_nothing, judge, verify

HOST = "cpp_host"
_BUILD_S = 240.0


@pytest.mark.long
def test_nothing_is_found_where_nothing_is_wrong(tmp_path: Path, kept: Path) -> None:
    find_nothing(HOST, tmp_path, kept)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_it_is_verified_with_its_own_tests(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake: install it")
    root = copied(HOST, tmp_path)
    monkeypatch.setenv("HIP_PATH", str(make_hipcc(tmp_path / "hip", kept)))
    # Beforehand, so that the programs are still there when the functions of calls are looked up.
    monkeypatch.setenv("LIBRARY_PATH", str(hip_library_folder()))
    for command in (["cmake", "-S", ".", "-B", "build"], ["cmake", "--build", "build"]):
        subprocess.run(command, cwd=root, check=True, timeout=_BUILD_S)
    ran = verify(root, kept, "all", "--allow-commands")
    assert not ran.not_passed(), ran.output
    assert ran.exit_code == 0, ran.output


@each(SABOTAGES)
def test_each_sabotage_is_noticed(sabotage: Sabotage, tmp_path: Path, kept: Path) -> None:
    judge(sabotage, HOST, tmp_path, kept)
