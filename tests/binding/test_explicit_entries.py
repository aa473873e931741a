"""The plan's `rocverify:` list binds what it names, and every mistake in it is told with its line."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rocverify.binding import BoundMustHave
from rocverify.errors import PlanError

Bind = Callable[..., tuple[BoundMustHave, ...]]

HEAD = """must_haves:
  truths:
    - "Row softmax kernel is compiled (SOFT-01)"
    - "Row sums are right (SOFT-02)"
    - "Row sums are fast (SOFT-02)"
  artifacts:
    - {path: kernels/mask.py, provides: "masking (MASK-01)"}
  key_links:
    - {from: kernels/mask.py, to: kernels/mask.py, via: by magic}
rocverify:
"""
FIRST = HEAD.count("\n") + 4  # the line on which the list's first entry starts


ARTIFACT = "  - proves: T1\n    check: artifact\n"


def bound(bind_front: Bind, entries: str) -> dict[str, BoundMustHave]:
    return {b.must_have.tail: b for b in bind_front(HEAD + entries)}


def refused(bind_front: Bind, entries: str) -> tuple[int, str]:
    with pytest.raises(PlanError) as caught:
        bind_front(HEAD + entries)
    return int((caught.value.where or "").rpartition(":")[2]) - FIRST, str(caught.value)


@pytest.mark.parametrize(
    ("proves", "tail"),
    [
        ("SOFT-01", "T1"),
        ("T2", "T2"),
        ("09-01/T2", "T2"),
        ("A1", "A1"),
        ("L1", "L1"),
        ("MASK-01", "A1"),
        ("row softmax", "T1"),
        ("Row sums are fast (SOFT-02)", "T3"),
        ("Row sums are r", None),
        ("'row  SUMS are right'", "T2"),
    ],
)
def test_proves(bind_front: Bind, proves: str, tail: str | None) -> None:
    entry = f"  - proves: {proves}\n    check: kernel_compiled\n    source: kernels/causal_mask.hip\n"
    if tail is None:
        assert "names no must-have" in refused(bind_front, entry)[1]
    else:
        specs = bound(bind_front, entry)[tail].checks
        assert [s.params["source"] for s in specs if s.kind == "kernel_compiled"] == [
            "kernels/causal_mask.hip"
        ]


def test_an_entry_replaces_what_a_truth_would_infer(bind_front: Bind) -> None:
    entry = "  - {proves: T1, check: artifact, path: kernels/mask.py}\n"
    (spec,) = bound(bind_front, entry)["T1"].checks
    assert (spec.id, spec.kind, spec.must_have) == ("09-01/T1/artifact", "artifact", "09-01/T1")
    assert "rocverify[0]" in spec.why
    assert spec.source.line == FIRST


def test_an_entry_adds_to_an_artifact(bind_front: Bind) -> None:
    entry = "  - {proves: A1, check: artifact, path: kernels/mask.py, min_lines: 2}\n"
    first, second = bound(bind_front, entry)["A1"].checks
    assert (first.id, dict(first.params)) == ("09-01/A1/artifact", {"path": "kernels/mask.py"})
    assert (second.id, dict(second.params)) == (
        "09-01/A1/artifact.2",
        {"path": "kernels/mask.py", "min_lines": 2},
    )


def test_an_entry_decides_a_link_that_says_nothing(bind_front: Bind) -> None:
    assert bound(bind_front, "  []\n")["L1"].checks == ()
    entry = "  - {proves: L1, check: key_link, from: kernels/mask.py, to: kernels/mask.py, pattern: mask}\n"
    (spec,) = bound(bind_front, entry)["L1"].checks
    assert dict(spec.params) == {
        "from_path": "kernels/mask.py",
        "to_path": "kernels/mask.py",
        "pattern": "mask",
    }


def test_one_entry_may_prove_several(bind_front: Bind) -> None:
    entry = "  - {proves: [T2, T3], check: kernel_compiled, source: kernels/causal_mask.hip}\n"
    found = bound(bind_front, entry)
    assert [found[t].checks[0].id for t in ("T2", "T3")] == [
        "09-01/T2/kernel_compiled",
        "09-01/T3/kernel_compiled",
    ]


def test_one_of_a_list_may_stand_alone(bind_front: Bind) -> None:
    entry = "  - {proves: T2, check: kernel_compiled, source: a.hip, symbol: row_kernel}\n"
    (spec,) = bound(bind_front, entry)["T2"].checks
    assert dict(spec.params) == {"source": "a.hip", "symbols": ["row_kernel"]}


@pytest.mark.parametrize(
    ("entry", "line", "said"),
    [
        ("  - proves: T1\n    check: kernel_compile\n", 1, "did you mean kernel_compiled"),
        (
            "  - proves: T1\n    check: magic\n",
            1,
            "the kinds are: absent, artifact, backend_selected, call_order, command",
        ),
        ("  - proves: T9\n    check: artifact\n    path: a\n", 0, "there is: T1, T2, T3, A1, L1"),
        ("  - proves: 08-01/T1\n    check: artifact\n    path: a\n", 0, "names no must-have"),
        ("  - proves: SOFT-02\n    check: artifact\n    path: a\n", 0, "fits several must-haves: T2"),
        ("  - proves: row sums\n    check: artifact\n    path: a\n", 0, "fits several must-haves: T2"),
        ("  - proves: SOFT-09\n    check: artifact\n    path: a\n", 0, "names no must-have"),
        ("  - proves: T1\n    check: artifact\n", 0, "rocverify[0].path: Field required"),
        (
            "  - proves: T1\n    check: artifact\n    path: a\n    lines: 3\n",
            3,
            "is not a parameter of artifact",
        ),
        ("  - proves: T1\n    check: artifact\n    path: a\n    min_lines: x\n", 3, "rocverify[0].min_lines"),
        (
            "  - proves: T1\n    check: artifact\n    path: a\n    exports:\n      - b\n      - [c]\n",
            5,
            "exports[1]",
        ),
        (
            "  - proves: T1\n    check: kernel_compiled\n    source: a\n    symbol: b\n    symbols: [c]\n",
            4,
            "says the same as 'symbol'",
        ),
        (
            "  - proves: T1\n    check: documented\n    entry: nonsense\n    flow: [a]\n",
            2,
            "rocverify[0].entry",
        ),
    ],
)
def test_mistakes(bind_front: Bind, entry: str, line: int, said: str) -> None:
    found, message = refused(bind_front, entry)
    assert said in message
    assert found == line


def test_all_faults_of_an_entry_are_told(bind_front: Bind) -> None:
    message = refused(bind_front, "  - proves: T1\n    check: artifact\n    lines: 3\n    exprots: [a]\n")[1]
    assert "rocverify[0].lines" in message
    assert "rocverify[0].exprots" in message
    assert "rocverify[0].path" in message
