"""Plain sentences become checks where every word is accounted for, and reasons where not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from rocverify.binding import CATALOGUE, BoundMustHave

BindTruth = Callable[..., BoundMustHave]

SOFTMAX = {"source": "kernels/row_softmax.hip"}
MASK = {"source": "kernels/causal_mask.hip"}


def checks(bound: BoundMustHave) -> list[tuple[str, Mapping[str, Any]]]:
    return [(spec.kind, spec.params) for spec in bound.checks]


@pytest.mark.parametrize(
    ("truth", "params"),
    [
        ("Row softmax kernel is compiled", [SOFTMAX]),
        ("Row-softmax kernel compiles successfully (SOFT-01)", [SOFTMAX]),
        ("kernels/row_softmax.hip compiles", [SOFTMAX]),
        (
            "row_softmax.hip is built for gfx1100 and gfx1151",
            [{**SOFTMAX, "targets": ["gfx1100", "gfx1151"]}],
        ),
        ("row_softmax_kernel is compiled", [{**SOFTMAX, "symbols": ["row_softmax_kernel"]}]),
        ("Row softmax and causal mask kernels are compiled", [SOFTMAX, MASK]),
        ("The unlisted kernel is compiled", [{"source": "kernels/unlisted.hip"}]),
        ("All kernels compile", [SOFTMAX, MASK, {"source": "kernels/unlisted.hip"}]),
        ("Causal mask kernel is listed in the build manifest", [MASK]),
        ("hipcc compiles the causal mask kernel without errors", [MASK]),
    ],
)
def test_compiled(bind_truth: BindTruth, truth: str, params: list[Mapping[str, Any]]) -> None:
    assert checks(bind_truth(truth)) == [("kernel_compiled", p) for p in params]


def test_loaded_is_shown_by_a_launch(bind_truth: BindTruth) -> None:
    bound = bind_truth("Causal mask kernel is compiled and loaded (MASK-01)")
    assert checks(bound) == [
        ("kernel_compiled", MASK),
        (
            "wrapper_present",
            {
                "wrapper": "kernels.mask:mask_device",
                "source": "kernels/causal_mask.hip",
                "symbol": "causal_mask_kernel",
                "contract": "kernels.contracts.mask:MaskDevice",
            },
        ),
    ]
    assert [spec.id for spec in bound.checks] == ["09-01/T1/kernel_compiled", "09-01/T1/wrapper_present"]
    assert "'compiled'" in bound.checks[0].why


def test_compiled_is_decided_where_loaded_is_not(bind_truth: BindTruth) -> None:
    bound = bind_truth("The unlisted kernel is compiled and loaded")
    assert [spec.kind for spec in bound.checks] == ["kernel_compiled"]
    (less,) = bound.uncovered
    assert less.startswith(
        "whether kernels/unlisted.hip is loaded is not checked: no kernel contract names a"
    )


LOADER = """pub fn run_unlisted(f: Loader) { f.load("unlisted_kernel").launch(); }
#[cfg(test)]
mod tests { fn again(f: Loader) { f.load("unlisted_kernel"); } }
"""


def test_loaded_by_a_host_is_decided_by_its_tests(project: Path, bind_truth: BindTruth) -> None:
    for path, text in {
        "kernels/unlisted.hip": 'extern "C" __global__ void unlisted_kernel(float* x) {}\n',
        "Cargo.toml": '[package]\nname = "engine"\n',
        "src/run.rs": LOADER,
        "tests/all.rs": 'fn t(f: Loader) { f.load("unlisted_kernel"); }\n',
    }.items():
        (project / path).parent.mkdir(exist_ok=True)
        (project / path).write_text(text)
    bound = bind_truth("The unlisted kernel is compiled and loaded")
    assert bound.uncovered == ()
    assert checks(bound)[1:] == [
        (
            "wrapper_present",
            {
                "wrapper": "src/run.rs:run_unlisted",
                "source": "kernels/unlisted.hip",
                "symbol": "unlisted_kernel",
                "program": ["cargo test"],
            },
        )
    ]
    (project / "src/other.rs").write_text(LOADER)
    assert [spec.kind for spec in bind_truth("The unlisted kernel is compiled and loaded").checks] == [
        "kernel_compiled"
    ]


def test_several_checks_of_a_kind_are_numbered(bind_truth: BindTruth) -> None:
    bound = bind_truth("Row softmax and causal mask kernels are compiled")
    assert [spec.id for spec in bound.checks] == ["09-01/T1/kernel_compiled", "09-01/T1/kernel_compiled.2"]
    assert {str(spec.source) for spec in bound.checks} == {str(bound.must_have.source)}


@pytest.mark.parametrize("file", ["kernels.toml", "kernels/kernels.toml"])
def test_compiled_via_the_manifest(bind_truth: BindTruth, file: str) -> None:
    assert checks(bind_truth(f"Causal mask kernel is compiled via {file}")) == [
        ("kernel_compiled", MASK),
        ("artifact", {"path": "kernels/kernels.toml", "contains": r"causal_mask\.hip"}),
    ]


def test_compiled_via_a_file_that_only_the_plan_names(bind_truth: BindTruth) -> None:
    links = "  artifacts:\n    - {path: build.rs, provides: the build}\n"
    bound = bind_truth("Causal mask kernel is compiled via build.rs", links)
    assert checks(bound)[1] == ("artifact", {"path": "build.rs", "contains": r"causal_mask\.hip"})


def test_compiled_via_a_file_that_nothing_knows(bind_truth: BindTruth) -> None:
    bound = bind_truth("Causal mask kernel is compiled via build.rs")
    assert (bound.checks, "build.rs is not a file of this project" in bound.reason) == ((), True)


TRANSFER = {"entry": "kernels.softmax:softmax_device", "contract": "kernels.contracts.softmax:SoftmaxDevice"}


@pytest.mark.parametrize(
    ("truth", "params"),
    [
        ("No host round-trip in softmax_device()", TRANSFER),
        ("softmax_device() runs without device-to-host copies", None),
        ("Tensors stay on the GPU in softmax_device()", TRANSFER),
        ("The data never leaves the device in softmax_device()", TRANSFER),
        ("There is no CPU fallback in softmax_device", TRANSFER),
        ("No device-to-host copy happens in softmax_device()", TRANSFER),
        ("No device-to-host copies are ever made in softmax_device()", TRANSFER),
        ("No host round-trip ever takes place in softmax_device()", TRANSFER),
        ("No to_host_vec in `softmax_device`", {**TRANSFER, "forbid": ["to_host_vec"]}),
        (
            "softmax_device() is without hipMemcpyDtoH or copy_back()",
            {**TRANSFER, "forbid": ["hipMemcpyDtoH", "copy_back"]},
        ),
        (
            "No transfers in softmax_device(), only scale and bias are uploaded",
            {**TRANSFER, "allow_uploads": ["scale", "bias"]},
        ),
    ],
)
def test_no_transfer(bind_truth: BindTruth, truth: str, params: Mapping[str, Any] | None) -> None:
    bound = bind_truth(truth)
    if params is None:
        assert "'runs'" in bound.reason
    else:
        assert checks(bound) == [("no_host_roundtrip", params)]


def test_the_path_of_a_plan_is_what_its_links_say(bind_truth: BindTruth, links: str) -> None:
    truth = "CPU-GPU transfer overhead is eliminated - no to_host_vec in GPU path (SOFT-06)"
    assert checks(bind_truth(truth, links)) == [
        ("no_host_roundtrip", {**TRANSFER, "forbid": ["to_host_vec"]})
    ]


def test_uploads_that_a_task_allows(bind_truth: BindTruth, links: str) -> None:
    body = "<tasks><task><name>a</name><done>only scale/bias uploads before it</done></task></tasks>"
    bound = bind_truth("No host round-trips in the GPU path", links, body)
    assert checks(bound) == [("no_host_roundtrip", {**TRANSFER, "allow_uploads": ["scale", "bias"]})]
    assert "09-01/task1" in bound.checks[0].why


def test_a_path_that_nothing_names(bind_truth: BindTruth) -> None:
    bound = bind_truth("No host round-trips in the GPU path")
    assert bound.checks == ()
    assert "bind no_host_roundtrip with entry" in bound.reason
    assert "kernels.contracts.mask:MaskDevice" in bound.reason


ROW, DEVICE = "kernels.contracts.softmax:RowSoftmax", "kernels.contracts.softmax:SoftmaxDevice"
ALL_MASK = "kernels.contracts.mask:MaskDevice"


@pytest.mark.parametrize(
    ("truth", "params"),
    [
        ("GPU row softmax matches the CPU reference", [{"contract": ROW}, {"contract": DEVICE}]),
        ("softmax_device() agrees with the float64 NumPy reference within tolerance", [{"contract": DEVICE}]),
        ("The causal mask kernel produces correct results", [{"contract": ALL_MASK}]),
        ("Row softmax is numerically correct for all dtypes", [{"contract": ROW}, {"contract": DEVICE}]),
        (
            "softmax_device() matches the reference in float16, bf16 and fp32",
            [{"contract": DEVICE, "dtypes": ["float16", "bfloat16", "float32"]}],
        ),
        (
            "softmax_device() matches the reference for multi-head inputs",
            [{"contract": DEVICE, "dims": {"heads": [2, 7]}}],
        ),
        (
            "softmax_device() matches the reference for positions up to max_seq_len",
            [{"contract": DEVICE, "dims": {"max_seq_len": "max"}}],
        ),
    ],
)
def test_matches_reference(bind_truth: BindTruth, truth: str, params: list[Mapping[str, Any]]) -> None:
    assert checks(bind_truth(truth)) == [("correctness", p) for p in params]


def test_gpu_matches_cpu_of_the_plan(bind_truth: BindTruth, links: str) -> None:
    found = checks(bind_truth("GPU matches CPU", links))
    assert sorted(params["contract"] for _, params in found) == [ROW, DEVICE]


def test_gpu_matches_cpu_of_nothing(bind_truth: BindTruth) -> None:
    assert "which contract has the reference" in bind_truth("GPU matches CPU").reason


def test_limits_that_the_contract_does_not_list(bind_truth: BindTruth) -> None:
    bound = bind_truth("mask_device() matches the reference for multi-head inputs")
    assert "bind correctness with contract and dims" in bound.reason


@pytest.mark.parametrize(
    ("truth", "kind", "params"),
    [
        (
            "softmax_device() calls row_softmax_gpu()",
            "key_link",
            {
                "from_path": "kernels/softmax.py",
                "to_path": "kernels/softmax.py",
                "via": "softmax_device() calls row_softmax_gpu()",
                "caller": "softmax_device",
                "callee": "row_softmax_gpu",
            },
        ),
        (
            "row_softmax_gpu() launches row_softmax_kernel_f16",
            "wrapper_present",
            {
                "wrapper": "kernels.softmax:row_softmax_gpu",
                "source": "kernels/row_softmax.hip",
                "symbol": "row_softmax_kernel_f16",
                "contract": ROW,
            },
        ),
        (
            "row_softmax_gpu() wrapper is present",
            "wrapper_present",
            {
                "wrapper": "kernels.softmax:row_softmax_gpu",
                "source": "kernels/row_softmax.hip",
                "symbol": "row_softmax_kernel",
                "contract": ROW,
            },
        ),
        ("mask_gpu() exists", "defined", {"path": "kernels/mask.py", "names": ["mask_gpu"]}),
        ("`mask_gpu()` is defined", "defined", {"path": "kernels/mask.py", "names": ["mask_gpu"]}),
        ("kernels/mask.py exists", "artifact", {"path": "kernels/mask.py"}),
        (
            "kernels/mask.py exports mask_gpu and mask_device()",
            "artifact",
            {"path": "kernels/mask.py", "exports": ["mask_gpu", "mask_device"]},
        ),
    ],
)
def test_host_code(bind_truth: BindTruth, truth: str, kind: str, params: Mapping[str, Any]) -> None:
    assert checks(bind_truth(truth)) == [(kind, params)]


def test_documented_along_the_links(bind_truth: BindTruth, links: str) -> None:
    flow = {"entry": "kernels.softmax:softmax_device", "flow": ["row_softmax_gpu"]}
    for truth in (
        "GPU execution flow is documented and traceable",
        "softmax_device() is documented",
        "GPU flow is documented in its docstring",
        "GPU flow is documented in kernels/softmax.py",
    ):
        assert checks(bind_truth(truth, links)) == [("documented", flow)]


def test_documented_elsewhere(bind_truth: BindTruth, links: str) -> None:
    bound = bind_truth("GPU flow is documented in kernels/mask.py", links)
    assert "stands in kernels/softmax.py, not in kernels/mask.py" in bound.reason


def test_documented_without_links(bind_truth: BindTruth) -> None:
    assert "bind documented with entry and flow" in bind_truth("GPU flow is documented").reason
    assert "what mask_device() calls" in bind_truth("mask_device() is documented").reason


@pytest.mark.parametrize(
    ("truth", "left"),
    [
        ("Row softmax kernel is compiled and twice as fast", "twice fast"),
        ("Row softmax kernel is not compiled", "not"),
        ("Row softmax kernel is never compiled", "never"),
        ("Row softmax kernel is compiled with 32 VGPRs", "32 VGPRs"),
        ("Row softmax kernel is compiled without warnings", "without warnings"),
        ("softmax_device() matches the reference within 1e-5", "1e 5"),
        ("The log says that mask_gpu() exists", "log says that"),
        ("The flash softmax kernel and the row softmax kernel are compiled", "flash softmax"),
        ("mask_gpu() exists and softmax_device is fast", "softmax_device fast"),
        ("Causal mask kernel and wrapper are compiled", "wrapper"),
        ("No device-to-host copy happens twice in softmax_device()", "twice"),
        ("No device-to-host copy slowly happens in softmax_device()", "slowly happens"),
        ("Causal mask kernel is compiled happens", "happens"),
    ],
)
def test_words_that_no_check_decides_leave_the_truth_to_a_person(
    bind_truth: BindTruth, truth: str, left: str
) -> None:
    bound = bind_truth(truth)
    assert bound.checks == ()
    assert repr(left) in bound.reason
    assert "proves: T1" in bound.reason


@pytest.mark.parametrize(
    ("truth", "said"),
    [
        ("The kernel is compiled", "there are kernels/row_softmax.hip, kernels/causal_mask.hip"),
        ("helper_twice() exists", "kernels.mask:helper_twice, kernels.other:helper_twice"),
        ("softmax_device() calls helper_twice()", "may be"),
        ("softmax_device() calls nowhere_found()", "nowhere_found() is not a function of the host sources"),
        ("mask_gpu() wrapper is present", "which kernel kernels.mask:mask_gpu launches"),
        ("mask_gpu() launches causal_mask_kernel", "no kernel contract says"),
        ("The unlisted kernel is loaded", "no kernel contract names a wrapper"),
        ("broken_one() exists", "not a function of the host sources"),
    ],
)
def test_entities_that_cannot_be_resolved(bind_truth: BindTruth, truth: str, said: str) -> None:
    bound = bind_truth(truth)
    assert bound.checks == ()
    assert said in bound.reason


@pytest.mark.parametrize("many", ["both kernels", "all its kernels", "two kernels", "each kernel once"])
def test_how_many_kernels_a_function_launches_names_no_function(bind_truth: BindTruth, many: str) -> None:
    bound = bind_truth(f"softmax_device() launches {many}")
    assert bound.checks == ()
    assert "is not a function" not in bound.reason


def test_a_truth_that_nothing_can_decide(bind_truth: BindTruth) -> None:
    bound = bind_truth("Users are delighted")
    assert bound.checks == ()
    assert "no phrase of the catalogue fits" in bound.reason
    assert "phrase " in bound.nearest


def test_the_nearest_phrase_is_near(bind_truth: BindTruth) -> None:
    assert "kernel-compiled" in bind_truth("RoPE kernel compilation works").nearest
    assert "flow-documented" in bind_truth("The GPU flow of execution can be traced in documents").nearest


def test_every_example_of_the_catalogue_fits_its_row() -> None:
    assert len({phrase.name for phrase in CATALOGUE}) == len(CATALOGUE)
    for phrase in CATALOGUE:
        assert phrase.pattern.search(phrase.example), phrase.name
