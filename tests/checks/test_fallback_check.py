"""fallback and faster: kernels that are really taken away, and costs that counters decide or leave open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.errors import DeviceUnavailableError, RocverifyError
from rocverify.records import CheckVerdict
from rocverify.settings import Settings
from tests.attacks.project import KERNEL, contract_text, honest_files, manifest_text
from tests.checks.conftest import Project
from tests.programs.build import Workshop, read_program

CONTRACT = "kernels.contracts.affine:Affine"
HEAD = """
import numpy as np
from rocm.bindings import hip

from kernels.gpu import affine_on, checked


class KernelMissing(RuntimeError):
    pass


def on_host(x, shift, out, rows, cols):
    a, b = np.empty((rows, cols), np.float32), np.empty(cols, np.float32)
    back, there = hip.hipMemcpyKind.hipMemcpyDeviceToHost, hip.hipMemcpyKind.hipMemcpyHostToDevice
    checked(hip.hipMemcpy(a, x, a.nbytes, back))
    checked(hip.hipMemcpy(b, shift, b.nbytes, back))
    result = {factor} * a + b
    checked(hip.hipMemcpy(out, result, result.nbytes, there))


def affine(x, shift, out, rows, cols):
    try:
        affine_on("affine_kernel", x, shift, out, rows, cols)
    except (RuntimeError, OSError) as error:
        {handler}
"""
FALLS_BACK = HEAD.format(factor=2, handler="on_host(x, shift, out, rows, cols)")
REFUSES = HEAD.format(factor=2, handler='raise KernelMissing("build affine_kernel first") from error')
WRONG = HEAD.format(factor=3, handler="on_host(x, shift, out, rows, cols)")
SILENT = HEAD.format(factor=2, handler="pass")
_CALL = '        affine_on("affine_kernel", x, shift, out, rows, cols)'
NEVER = SILENT.replace(_CALL, "        on_host(x, shift, out, rows, cols)")
Make = Callable[[str], Project]


@pytest.fixture
def affine(tmp_path: Path, own_cache: Path) -> Iterator[Callable[..., Project]]:
    """The project of one kernel with this wrapper, and these files beside it."""
    made: list[Project] = []

    def make(wrapper: str | None = None, **more: str) -> Project:
        project = Project(tmp_path, Settings(device="emulator", cache_dir=str(own_cache)))
        made.append(project)
        files = {**honest_files(), **more}
        for path, text in {**files, **({"kernels/affine.py": wrapper} if wrapper else {})}.items():
            project.write(path, text)
        return project

    yield make
    for project in made:
        project.close()


@pytest.mark.parametrize("take", ["kernel", pytest.param("code_object", marks=pytest.mark.long)])
def test_a_fallback_that_works(affine: Make, take: str) -> None:
    outcome = affine(FALLS_BACK).check(
        "fallback", contract=CONTRACT, take=take, fallback="kernels.affine:on_host"
    )
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert outcome.evidence["launched"] == ["affine_kernel"]
    assert outcome.evidence["launched_without"] == []


def test_a_typed_error(affine: Make) -> None:
    project = affine(REFUSES)
    outcome = project.check("fallback", contract=CONTRACT, error="KernelMissing", expects=["build"])
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    other = project.check("fallback", contract=CONTRACT, error="OSError", expects=["gone"])
    assert other.verdict is CheckVerdict.FAILED
    assert "raises KernelMissing" in other.message


@pytest.mark.long
def test_an_error_that_says_nothing_of_the_kernel_decides_nothing(affine: Make) -> None:
    text = REFUSES.replace("build affine_kernel first", "bad configuration")
    project = affine(text.replace("KernelMissing", "EngineError"))
    with pytest.raises(
        RocverifyError, match=r"bad configuration' does not say that affine_kernel is missing"
    ):
        project.check("fallback", contract=CONTRACT, error="EngineError")


@pytest.mark.parametrize(
    ("wrapper", "params", "said"),
    [
        (WRONG, {}, "the fallback gives a wrong result"),
        pytest.param(SILENT, {}, "the fallback gives a wrong result", marks=pytest.mark.long),
        pytest.param(REFUSES, {}, "fails with KernelMissing instead of falling", marks=pytest.mark.long),
        pytest.param(SILENT, {"error": "KernelMissing"}, "as if all were well", marks=pytest.mark.long),
        (SILENT, {"fallback": "kernels.affine:on_host"}, "does not call kernels.affine:on_host"),
    ],
)
def test_what_is_no_fallback_fails(affine: Make, wrapper: str, params: dict[str, Any], said: str) -> None:
    outcome = affine(wrapper).check("fallback", contract=CONTRACT, **params)
    assert outcome.verdict is CheckVerdict.FAILED, outcome.message
    assert said in outcome.message


def test_a_fallback_that_is_always_taken_shows_nothing(affine: Make) -> None:
    with pytest.raises(RocverifyError, match="launches none of affine_kernel even when they are there"):
        affine(NEVER).check("fallback", contract=CONTRACT)


ENGINE = Path(__file__).parent / "engine.hip"


@pytest.mark.parametrize(
    ("defines", "params", "verdict", "said"),
    [
        ((), {"exit_code": 1}, CheckVerdict.PASSED, "ends with 1"),
        ((), {"expects": ["CPU"]}, CheckVerdict.FAILED, "exit status 1, not 0"),
    ],
)
def test_a_program_without_its_kernel(
    tmp_path: Path,
    kept: Path,
    own_cache: Path,
    defines: tuple[str, ...],
    params: dict[str, Any],
    verdict: CheckVerdict,
    said: str,
) -> None:
    project = Project(tmp_path, Settings(device="emulator", cache_dir=str(own_cache), allow_commands=True))
    shutil.copy(Workshop(kept).executable(read_program(ENGINE, defines)), tmp_path / "engine")
    outcome = project.check("fallback", run=["./engine"], kernels=["_Z5scalePfi"], **params)
    project.close()
    assert outcome.verdict is verdict, outcome.message
    assert said in outcome.message


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "either contract or run"),
        ({"run": ["./engine"]}, "kernels is missing"),
        ({"run": ["./engine"], "kernels": ["k"]}, "give expects"),
        ({"contract": CONTRACT, "error": "E", "fallback": "a:b"}, "either fallback or error"),
        ({"contract": CONTRACT, "error": "RuntimeError"}, "what any failure raises"),
    ],
)
def test_parameters(project: Callable[..., Project], params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        project({}).check("fallback", **params)


TWICE = KERNEL.replace("affine_kernel", "twice_kernel").replace(
    "out[i] =", "for (int n = 0; n < 2; ++n) ((volatile float*)out)[i] ="
)
PAIR = {
    "kernels/twice.hip": TWICE,
    "kernels/twice.py": (
        "from kernels.gpu import affine_on\n\n\ndef affine(x, shift, out, rows, cols):\n"
        '    affine_on("twice_kernel", x, shift, out, rows, cols, env="TWICE_HSACO")\n'
    ),
    "kernels/contracts/twice.py": contract_text("twice", "twice_kernel", "twice"),
    "kernels/kernels.toml": manifest_text({"affine": ["affine_kernel"], "twice": ["twice_kernel"]}),
}
FASTER = {"contract": CONTRACT, "than": "kernels.contracts.twice:Affine"}


@pytest.mark.long
def test_counters_decide_where_they_are_asked(affine: Callable[..., Project]) -> None:
    project = affine(**PAIR)
    fewer = project.check("faster", **FASTER, by=1.2, metric="global_bytes")
    assert fewer.verdict is CheckVerdict.PASSED, fewer.message
    more = project.check("faster", **FASTER, by=3, metric="global_bytes")
    assert more.verdict is CheckVerdict.FAILED
    assert "not 3 times fewer" in more.message
    with pytest.raises(DeviceUnavailableError, match=r"takes device time.*global_bytes"):
        project.check("faster", **FASTER, by=2)
    with pytest.raises(RocverifyError, match="with itself"):
        project.check("faster", contract=CONTRACT, than=CONTRACT, by=2)


@pytest.mark.long
def test_what_is_wrong_is_not_faster(affine: Callable[..., Project]) -> None:
    project = affine(**{**PAIR, "kernels/affine.hip": KERNEL.replace("2.0f", "3.0f")})
    outcome = project.check("faster", **FASTER, by=1.2)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "is wrong" in outcome.message
