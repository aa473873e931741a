"""The words of a truth count: an explicit binding that tries less than they say leaves it unverified."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rocverify.binding import BoundMustHave
from rocverify.binding.covering import uncovered
from rocverify.binding.model import Draft
from rocverify.binding.project import Subject
from rocverify.settings import Settings

Bind = Callable[..., tuple[BoundMustHave, ...]]

TYPED = """
from rocverify.oracle.contract import *
@contract(source="kernels/row_softmax.hip", symbol={F32: "row_softmax_kernel", F16: "row_softmax_kernel_f16"},
          wrapper="kernels.softmax:row_softmax_gpu")
class RowSoftmax:
    x = In("rows cols", F32 | F16)
    dims = Dims(rows=boundary(1, 4096), heads=choices(1, 2, 7))
@contract(source="kernels/causal_mask.hip", symbol="causal_mask_kernel", wrapper="kernels.mask:mask_gpu")
class Mask:
    x = InOut("rows cols", STORED)
    dims = Dims(rows=boundary(1, 64))
STORED = F32 | F16 | BF16
"""
SOFTMAX, MASK = "kernels.contracts.typed:RowSoftmax", "kernels.contracts.typed:Mask"


def correct(contract: str = SOFTMAX, **params: object) -> Draft:
    return Draft("correctness", {"contract": contract, **params}, "")


def artifact(path: str, **params: object) -> Draft:
    return Draft("artifact", {"path": path, **params}, "")


def command(*lines: str, **params: object) -> Draft:
    return Draft("command", {"run": list(lines), **params}, "")


def fallback(error: str) -> Draft:
    return Draft("fallback", {"contract": MASK, "error": error}, "")


CTEST = "cmake -S . -B b && cmake --build b && ctest --test-dir b"
ORDER = Draft("call_order", {"first": "causal_mask", "then": "dispatch"}, "")


@pytest.fixture
def subject(project: Path) -> Subject:
    (project / "kernels/contracts/softmax.py").write_text("")
    (project / "kernels/contracts/typed.py").write_text(TYPED)
    (project / "tests").mkdir()
    (project / "tests/test_a.py").write_text("SIZES = (96, 4096)\nNAMES = ('float16', 'mask_gpu')\n")
    return Subject(project, Settings())


TESTS = Draft("tests_pass", {"nodes": ["tests/test_a.py"]}, "")


@pytest.mark.parametrize(
    ("text", "checks", "said"),
    [
        ("Row softmax matches the reference", [artifact("README.md")], "asks for correctness"),
        ("Rows of the softmax sum to one", [artifact("README.md")], "no word of it is about README.md"),
        ("Softmax agrees with the reference in float32 and bfloat16", [correct()], "bfloat16 not tried"),
        ("Right in half precision", [correct(dtypes=["float32"])], "float16 not tried"),
        ("Right in all three types", [correct()], "it says 3 element types"),
        ("Right in each element type", [correct(dtypes=["float32"])], "it says every element type, float16"),
        ("Both kernels are right", [correct()], "it says 2 kernels, tried: kernels/row_softmax.hip"),
        ("All kernels are right", [correct()], "it says all kernels, kernels/causal_mask.hip"),
        ("causal_mask_kernel is right", [correct()], "causal_mask_kernel (kernels/causal_mask.hip)"),
        ("The causal mask kernel is right", [correct()], "causal mask (kernels/causal_mask.hip) not tried"),
        ("mask_gpu() is right", [correct()], "mask_gpu() not tried"),
        ("Right for 8,192 rows", [correct()], "8192 is in no parameter"),
        ("Right for 4096 rows", [correct(dims={"rows": [1, 64]})], "4096 is in no parameter"),
        ("Softmax races with nobody: no data races", [correct()], "asks for memory_safety"),
        ("There is no CPU fallback", [correct()], "asks for no_host_roundtrip"),
        ("Tested in bfloat16", [TESTS], "bfloat16 not tried"),
        (
            "`ctest --test-dir b` passes",
            [command("./say.sh")],
            "`ctest --test-dir b` is not run (run: ./say.sh)",
        ),
        ("All tests pass under ctest", [command("cargo test")], "`ctest` is not run (run: cargo test)"),
        ("cargo test passes", [command("cargo build")], "`cargo test` is not run (run: cargo build)"),
        ("cargo test passes", [command("cargo test --no-run")], "not run as it is: only with --no-run"),
        ("cargo test passes", [command("cargo test rope")], "not run as it is: only with rope"),
        ("`cargo test --features rocm` passes", [command("cargo test")], "without --features"),
        ("`pytest` is green", [command("pytest -k rope tests")], "only with -k"),
        ("`make check` passes", [command("make clean")], "without check"),
        ("`./run_tests.sh` passes", [command("./other.sh")], "`./run_tests.sh` is not run"),
        ("All unit tests pass", [command("./say.sh")], "asks for tests_pass"),
        ("All unit tests pass", [command("cargo test --no-run")], "asks for tests_pass"),
        ("mask_gpu() raises MaskMissingError", [fallback("EngineError")], "MaskMissingError not tried"),
        (
            "The CPU fallback works when causal_mask_kernel is missing",
            [fallback("EngineError")],
            "it says that a fallback is taken, and its checks expect an error",
        ),
        ("The build succeeds", [artifact("README.md")], "asks for command"),
        ("The 32 fused kernels are right", [correct()], "it says 32 kernels"),
        ("causal_mask() runs before the dispatch", [correct()], "causal_mask (kernels/causal_mask.hip)"),
    ],
)
def test_what_is_not_tried_is_said(subject: Subject, text: str, checks: list[Draft], said: str) -> None:
    assert said in "; ".join(uncovered(text, checks, subject))


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        ("README.md says how it is used", [artifact("README.md")]),
        ("The build manifest lists the mask", [artifact("kernels/kernels.toml", contains="causal_mask")]),
        ("Softmax agrees with the float64 reference in float32 and float16", [correct()]),
        ("Agrees with the reference in float64", [correct()]),
        ("Right in each element type", [correct(dtypes=["float32"]), correct(dtypes=["float16"])]),
        ("Right in all three types", [correct(MASK)]),
        ("Both kernels are right", [correct(), correct(MASK)]),
        ("Right for 4,096 rows and 7 heads", [correct()]),
        ("Row 0 and row 1 are right", [correct()]),
        ("Fewer than 5 percent", [Draft("performance", {"max": {"ratio": 0.05}}, "")]),
        ("Imports without a build", [TESTS]),
        ("mask_gpu() is right in float16 for 96 rows", [TESTS]),
        ("The 16-bit result of row_softmax_kernel_f16 is right", [correct()]),
        ("The mask hides what comes later", [correct(MASK)]),
        ("`ctest --test-dir build -j4` passes", [command(CTEST)]),
        ("All tests pass under ctest", [command(CTEST)]),
        ("cargo test passes", [command("cargo build", "cargo +nightly test --offline -q 2>&1 | tail -3")]),
        ("`pytest -q tests` is green", [command("python -m pytest tests")]),
        ("`pytest` is green", [command(".venv/bin/python -m pytest -q")]),
        ("pytest is green", [command("uv run pytest")]),
        ("pytest is green for tests/test_a.py", [TESTS, command("make -B")]),
        ("All unit tests pass", [command("cargo test")]),
        ("All tests pass", [command("make -j2 check")]),
        ("The build succeeds", [command("make -B")]),
        ("`TILE` is 32 in kernels/c9.py", [Draft("constant_value", {"name": "TILE", "value": 32}, "")]),
        ("causal_mask() runs before the dispatch", [ORDER]),
    ],
)
def test_what_is_tried_is_not_held_against_it(subject: Subject, text: str, checks: list[Draft]) -> None:
    assert uncovered(text, checks, subject) == ()


def test_a_binding_says_the_difference(bind_front: Bind) -> None:
    front = "must_haves:\n  truths:\n    - The mask kernel is compiled\nrocverify:\n"
    (bound,) = bind_front(f"{front}  - {{proves: T1, check: artifact, path: kernels/softmax.py}}")
    assert bound.checks
    assert "asks for kernel_compiled, bound are artifact" in bound.uncovered[0]


@given(st.text(st.characters(min_codepoint=0x370, max_codepoint=0xFFFF, categories=["L"]), min_size=1))
def test_words_of_any_script_are_words(more: str) -> None:
    from rocverify.binding.reading import _WORD

    assert _WORD.findall(f"is compiled {more}")[2:] == [more]


@pytest.mark.parametrize("more", ["и вдвое быстрее", "两倍快", "in ≤ 2 µs", "⚡"])
def test_unread_words_in_any_script_leave_a_truth_to_a_person(
    bind_truth: Callable[..., BoundMustHave], more: str
) -> None:
    bound = bind_truth(f"Row softmax kernel is compiled {more}")
    assert not bound.checks
    assert "nothing would decide" in bound.reason
