"""Rows of the tables, read out of evidence as the checks give it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.checks.registry import CHECKS
from rocverify.records import CheckVerdict
from rocverify.report import tables
from rocverify.report.evidence import check_lines
from rocverify.report.model import CheckReport


def a_check(kind: str, evidence: dict[str, Any], **parameters: Any) -> CheckReport:
    return CheckReport(
        id=f"16-01/T1/{kind}",
        kind=kind,
        verdict=CheckVerdict.PASSED,
        message="fine",
        evidence=evidence,
        duration_s=0.1,
        must_have="16-01/T1",
        parameters=parameters,
        why="because",
    )


BUILT = {
    "targets": {
        "gfx1100": {
            "code_object_sha256": "ab" * 32,
            "source_sha256": "cd" * 32,
            "compiler": "clang 19",
            "kernels": {
                "rope_kernel": {
                    "vgprs": 12,
                    "sgprs": 18,
                    "vgpr_spills": 0,
                    "lds_bytes": 64,
                    "wavefront_size": 32,
                }
            },
        }
    }
}


def test_kernels_and_code_objects_of_a_build() -> None:
    found = tables.nodes_of([a_check("kernel_compiled", BUILT, source="kernels/rope.hip")], [])
    (kernel,) = tables.kernels(found)
    assert (kernel.kernel, kernel.source, kernel.target) == ("rope_kernel", "kernels/rope.hip", "gfx1100")
    assert (kernel.vgprs, kernel.lds_bytes, kernel.scratch_bytes) == (12, 64, None)
    assert kernel.code_object == "ab" * 32
    (built,) = tables.code_objects(found)
    assert (built.sha256, built.source_sha256, built.compiler) == ("ab" * 32, "cd" * 32, "clang 19")


def test_a_code_object_that_was_only_launched_counts_once() -> None:
    launched = {"source": "kernels/rope.hip", "target": "gfx1100", **BUILT["targets"]["gfx1100"]}
    check = a_check("kernel_compiled", BUILT, source="kernels/rope.hip")
    found = tables.nodes_of([check], [launched])
    assert len(tables.kernels(found)) == 1
    assert len(tables.code_objects(found)) == 1
    alone = tables.nodes_of([], [launched])
    assert [row.source for row in tables.kernels(alone)] == ["kernels/rope.hip"]


def test_comparisons_by_dtype() -> None:
    worst = {"error": 1.5, "index": [45, 7, 2], "output": "x", "case": {"seed": 9}}
    evidence = {
        "contract": "kernels.contracts.rope:Rope",
        "seed": 77,
        "dtypes": {
            "float32": {
                "symbol": "rope_kernel",
                "cases": 24,
                "elements": 10,
                "max_ulp": worst,
                "budget_used": 0.5,
            }
        },
    }
    (row,) = tables.correctness([a_check("correctness", evidence)])
    assert (row.dtype, row.cases, row.max_ulp, row.worst_index) == ("float32", 24, 1.5, "x[45, 7, 2]")
    assert (row.seed, row.budget_used, row.max_abs) == (77, 0.5, None)


def test_errors_that_are_no_number_stay_text() -> None:
    evidence = {"dtypes": {"float16": {"max_ulp": {"error": "inf", "index": [1]}}}}
    (row,) = tables.correctness([a_check("correctness", evidence)])
    assert row.max_ulp == "inf"


def test_transfers_are_summed_by_place_and_code_does_not_count() -> None:
    copy = {"transfer": "h2d", "function": "hipMemcpy", "bytes": 100, "call_site": "kernels/runtime.py:9"}
    evidence = {
        "transfers_in_code": [{"call": "hipMemcpy", "direction": "device to host"}],
        "traces": [
            {
                "dtype": "float32",
                "events": [copy, {"launch": "rope_kernel"}, copy, {**copy, "transfer": "d2h"}],
            }
        ],
    }
    rows = tables.transfers([a_check("no_host_roundtrip", evidence)])
    assert [(r.direction, r.count, r.bytes, r.place) for r in rows] == [
        ("host to device", 2, 200, "kernels/runtime.py:9"),
        ("device to host", 1, 100, "kernels/runtime.py:9"),
    ]


KEYS = [
    "targets",
    "kernels",
    "launches",
    "dtypes",
    "traces",
    "events",
    "launch",
    "grid",
    "contains",
    "code",
    "pattern",
    "tolerance",
    "controls",
    "shapes",
    "vgprs",
    "max_ulp",
    "transfer",
    "bytes",
    "defined",
    "code_object_sha256",
    "source",
    "target",
    "ghost_replay",
    "x",
    "index",
    "call",
    "arguments",
    "call_site",
    "function",
    "cases",
    "seed",
    "budget_used",
    "refused_calls",
]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["h2d", "d2h"]),
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=25,
)
EVIDENCE = st.dictionaries(st.one_of(st.sampled_from(KEYS), st.text(max_size=8)), JSON, max_size=8)


@pytest.mark.long
@settings(max_examples=150)
@given(st.sampled_from([*CHECKS, "other"]), EVIDENCE)
def test_no_shape_of_evidence_breaks_a_report(kind: str, evidence: dict[str, Any]) -> None:
    check = a_check(kind, evidence, source="k.hip")
    for line in check_lines(check):
        assert line.lstrip().startswith("- ")
        assert "\n" not in line
    found = tables.nodes_of([check], [])
    tables.kernels(found)
    tables.code_objects(found)
    tables.transfers([check])
    tables.correctness([check])


def test_long_lists_are_cut_with_their_count() -> None:
    lines = check_lines(a_check("other", {"things": list(range(100))}))
    assert lines == ["- things (the first 6 of 100): 0, 1, 2, 3, 4, 5"]
