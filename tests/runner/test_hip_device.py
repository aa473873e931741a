"""The fixture `hip_device`: a device of its own for each test."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rocverify.errors import UsageError
from rocverify.runner.hip_device import HipDevice

SOURCE = """\
extern "C" __attribute__((global)) void scale(float* x, float s, int n) {
  int i = __builtin_amdgcn_workitem_id_x();
  if (i < n) x[i] *= s;
}
"""
FLAGS = ("-nogpuinc", "-nogpulib")


@pytest.fixture
def source(tmp_path: Path, kept: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel, in the working folder, which is outside any project."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/rocverify").symlink_to(kept)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scale.hip").write_text(SOURCE)
    return tmp_path / "scale.hip"


def test_kernels_on_arrays(source: Path, hip_device: HipDevice) -> None:
    x = np.ones(32, np.float32)
    hip_device.load(source, flags=FLAGS)["scale"][1, 32](x, 2.0, 32)
    assert x.sum() == 64
    assert hip_device.findings == []
    ((name, counted),) = hip_device.counters
    assert (name, counted.global_load_bytes) == ("scale", 128)


@pytest.mark.hip_device(target="gfx1151", sanitize=False)
def test_what_the_marker_says(source: Path, hip_device: HipDevice) -> None:
    module = hip_device.load(source, flags=FLAGS)
    assert hip_device.target == "gfx1151"
    assert "gfx1151" in repr(module)
    with pytest.raises(UsageError, match="nothing was looked for"):
        hip_device.findings  # noqa: B018


def test_a_marker_that_asks_for_something_else() -> None:
    def none() -> Any:
        raise AssertionError

    with pytest.raises(UsageError, match=r"@pytest\.mark\.hip_device: .*'colour'"):
        HipDevice.marked(none, {"colour": "red"})


def test_hip_python_and_programs(source: Path, hip_device: HipDevice) -> None:
    """Both are clients of the test's device; each test begins with an empty one."""
    del source
    hip = hip_device.hip
    error, address = hip.hipMalloc(64)
    assert error == hip.hipError_t.hipSuccess
    assert hip.hipMemset(address, 0, 64)[0] == error
    assert [event.function for event in hip_device.events] == ["hipMalloc", "hipMemset"]
    assert hip.hipFree(address)[0] == error
    found = subprocess.run(["env"], env=hip_device.environment(), capture_output=True, text=True, check=True)
    assert "ROCVERIFY_SOCKET=" in found.stdout
    assert hip_device.findings == []


def test_the_next_test_begins_with_another_device(source: Path, hip_device: HipDevice) -> None:
    del source
    assert hip_device.hip.hipMalloc(64)[0] == 0
    assert len(hip_device.events) == 1


def test_in_a_session_of_a_users_own(pytester_like: Any) -> None:
    assert pytester_like("def test_one(hip_device):\n    assert hip_device.target is None\n") == 0


@pytest.fixture
def pytester_like(tmp_path: Path, repo_root: Path) -> Any:
    """Runs a test file in a pytest of its own, with markers and options strict."""
    import os
    import sys

    def run(text: str) -> int:
        (tmp_path / "test_user.py").write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", "."]
        environment = {**os.environ, "PYTHONPATH": str(repo_root)}
        return subprocess.run(command, cwd=tmp_path, env=environment, check=False, timeout=120).returncode

    return run
