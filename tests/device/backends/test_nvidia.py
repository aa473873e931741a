"""A device that has its place, and no backend yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rocverify.cli.main import main
from rocverify.device.process.devices import DeviceOptions, open_device
from rocverify.errors import DeviceUnavailableError
from tests.attacks.project import PHASE, Project, plan_text

REFUSED = "rocverify has no backend for NVIDIA's GPUs"


def test_it_is_absent() -> None:
    with pytest.raises(DeviceUnavailableError, match=REFUSED):
        open_device(DeviceOptions("nvidia", "gfx1100"))


def test_exec_says_so_in_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["exec", "--device", "nvidia", "/bin/true"]) == 3
    said = capfd.readouterr()
    assert (said.out, said.err.splitlines()[0]) == ("", f"error: {REFUSED}")
    assert said.err.splitlines()[1:] == ["  hint: use --device amd, --device emulator or auto"]


def test_a_run_does_not_verify_what_it_could_not_launch(tmp_path: Path, kept: Path) -> None:
    check = {"check": "correctness", "contract": "kernels.contracts.affine:Affine"}
    plan = plan_text([("affine agrees with the reference", check)])
    project = Project.made(tmp_path / "project", kept, {f"{PHASE}/01-01-PLAN.md": plan})
    ran = project.run("--device", "nvidia")
    assert (ran.code, ran.verdict()) == (3, "unverified"), ran.output
    assert REFUSED in json.dumps(ran.report)
