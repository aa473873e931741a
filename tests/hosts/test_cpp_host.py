"""A C++ library with CMake and plans in the wild style: as it is, run by CTest, and with sabotages."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from rocverify.checks.context import CheckContext
from rocverify.checks.registry import CHECKS
from rocverify.device.library_build import hip_library_folder
from rocverify.errors import RocverifyError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings
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


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_build_of_before_the_last_edit_decides_nothing(
    tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("cmake") is None:
        pytest.skip("no cmake: install it")
    root = copied(HOST, tmp_path)
    monkeypatch.setenv("HIP_PATH", str(make_hipcc(tmp_path / "hip", kept)))
    monkeypatch.setenv("LIBRARY_PATH", str(hip_library_folder()))
    build = ["cmake", "--build", "build"]
    for command in (["cmake", "-S", ".", "-B", "build"], build):
        subprocess.run(command, cwd=root, check=True, timeout=_BUILD_S)
    context = CheckContext(root, Settings(device="emulator", cache_dir=str(kept), allow_commands=True))
    ctest = {"run": ["ctest --test-dir build --output-on-failure -R solver"]}
    # the device sees which program it was
    hidden = {"run": ["sh -c 'exec build/test_solver'"]}
    checks = [("command", {**ctest, "gpu": "emulated"}), ("program", ctest), ("program", hidden)]
    try:
        (root / "src/solver.cpp").touch()
        for kind, params in checks:
            with pytest.raises(RocverifyError, match=r"build/test_solver is older than src/solver\.cpp"):
                CHECKS[kind].run(CHECKS[kind].params(**params), context)
        subprocess.run(build, cwd=root, check=True, timeout=_BUILD_S)
        for kind, params in checks:
            # what ran before is kept with its old evidence: a new run looks again
            context.memo.clear()
            outcome = CHECKS[kind].run(CHECKS[kind].params(**params), context)
            assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    finally:
        context.close()


@each(SABOTAGES)
def test_each_sabotage_is_noticed(sabotage: Sabotage, tmp_path: Path, kept: Path) -> None:
    judge(sabotage, HOST, tmp_path, kept)
