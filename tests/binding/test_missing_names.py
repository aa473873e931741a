"""Names in checks that the project does not have are told, with place and nearest name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rocverify.binding import bind
from rocverify.binding.missing import missing_names
from rocverify.binding.project import Subject
from rocverify.plan import parse_plan
from rocverify.settings import Settings

PLAN = ".planning/phases/01-a/01-01-PLAN.md"
KERNEL = 'extern "C" __global__ void causal_mask_kernel(float* y) { y[0] = 1; }\n'
HEAD = "---\nphase: 01-a\nplan: 01\nmust_haves:\n  truths:\n    - It is so\nrocverify:\n  - proves: T1\n"


@pytest.fixture
def told(project: Path) -> Callable[[str], list[tuple[str, str, str]]]:
    (project / "kernels/causal_mask.hip").write_text(KERNEL)
    (project / "src").mkdir()
    (project / "src/engine.rs").write_text("struct E;\nimpl E { fn step() {} }\n")
    (project / "tests").mkdir()
    (project / "tests/test_mask.py").write_text(
        "def test_rows(): ...\nclass TestAll:\n    def test_one(self): ...\n"
    )
    settings = Settings()

    def missing(entry: str) -> list[tuple[str, str, str]]:
        """Line, message, nearest of each."""
        path = project / PLAN
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}{entry}---\n")
        plan = parse_plan(path, project)
        subject = Subject(project, settings)
        found = missing_names(plan, bind(plan, settings, subject=subject), subject)
        return [(one.place.rpartition(":")[2], one.message, one.nearest) for one in found]

    return missing


MASK = "kernels.contracts.mask"


@pytest.mark.parametrize(
    ("entry", "line", "message", "nearest"),
    [
        (
            f"    check: correctness\n    contract: {MASK}:MaskDevise\n",
            "10",
            f"{MASK} has no contract MaskDevise",
            f"{MASK}:MaskDevice",
        ),
        (
            f"    contract: {MASK}s:MaskDevice\n    check: correctness\n",
            "9",
            f"there is no module {MASK}s",
            MASK,
        ),
        (
            f"    check: correctness\n    contract: {MASK}:MaskDevice\n    dims: {{sequ: [1, 2]}}\n",
            "11",
            f"{MASK}:MaskDevice has no dimension sequ",
            "seq",
        ),
        (
            "    check: kernel_compiled\n    source: kernels/causal_masks.hip\n",
            "10",
            "there is no file kernels/causal_masks.hip",
            "kernels/causal_mask.hip",
        ),
        (
            "    check: kernel_compiled\n    source: kernels/causal_mask.hip\n    symbol: causal_kernel\n",
            "11",
            "kernels/causal_mask.hip defines no kernel causal_kernel",
            "causal_mask_kernel",
        ),
        (
            "    check: wrapper_present\n    wrapper: kernels.mask:mask_devices\n"
            "    source: kernels/causal_mask.hip\n    symbol: causal_mask_kernel\n",
            "10",
            "kernels.mask has no function mask_devices",
            "kernels.mask:mask_device",
        ),
        (
            "    check: no_host_roundtrip\n    entry: src/engine.rs:E::stop\n",
            "10",
            "src/engine.rs has no function E::stop",
            "E::step",
        ),
        (
            "    check: no_host_roundtrip\n    entry: src/engines.rs:step\n",
            "10",
            "there is no file src/engines.rs",
            "src/engine.rs",
        ),
        (
            "    check: tests_pass\n    nodes: [tests/test_mask.py::TestAll::test_two]\n",
            "10",
            "tests/test_mask.py has no test test_two",
            "test_one",
        ),
        (
            "    check: absent\n    names: [old]\n    paths: [kernels/*.cl]\n",
            "11",
            "nothing in the project is kernels/*.cl",
            "",
        ),
    ],
)
def test_what_is_not_there(
    told: Callable[[str], list[tuple[str, str, str]]], entry: str, line: str, message: str, nearest: str
) -> None:
    ((where, said, near),) = told(entry)
    assert (where, said) == (line, message)
    assert near == nearest


@pytest.mark.parametrize(
    "entry",
    [
        f"    check: correctness\n    contract: {MASK}:MaskDevice\n    dims: {{seq: [1, 2]}}\n",
        "    check: kernel_compiled\n    source: kernels/causal_mask.hip\n    symbol: causal_mask_kernel\n",
        "    check: kernel_compiled\n    source: kernels/causal_mask.hip\n"
        "    symbol: _Z18causal_mask_kernelPf\n",
        "    check: no_host_roundtrip\n    entry: src/engine.rs:E::step\n",
        "    check: no_host_roundtrip\n    entry: src/engine.rs:step\n",
        "    check: tests_pass\n    nodes: ['tests/test_mask.py::test_rows[3]']\n",
        "    check: no_host_roundtrip\n    entry: kernels.softmax:Pool.reserve_rows\n",
        "    check: no_host_roundtrip\n    entry: kernels.broken:broken_one\n",
        "    check: absent\n    names: [old]\n    paths: [kernels, 'src/*.rs']\n",
    ],
)
def test_what_is_there(told: Callable[[str], list[tuple[str, str, str]]], entry: str) -> None:
    assert told(entry) == []


def test_what_a_contract_names(project: Path, told: Callable[[str], list[tuple[str, str, str]]]) -> None:
    contracts = project / "kernels/contracts/mask.py"
    text = contracts.read_text()
    entry = f"    check: memory_safety\n    contract: {MASK}:MaskDevice\n"
    contracts.write_text(text.replace("causal_mask.hip", "causal.hip"))
    ((line, said, near),) = told(entry)
    assert (line, near) == ("10", "kernels/causal_mask.hip")
    assert said == f"there is no file kernels/causal.hip, which the contract {MASK}:MaskDevice is about"
    contracts.write_text(text.replace("kernels.mask:mask_device", "kernels.masks:mask_device"))
    assert told(entry)[0][1:] == (
        f"there is no module kernels.masks, which the contract {MASK}:MaskDevice names",
        "kernels.mask",
    )
