"""backend_selected: the named kernels make the result, and nothing else does, not even when HIP refuses."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rocverify.checks.registry import CHECKS
from rocverify.errors import ContractError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

ROPE: dict[str, Any] = {
    "contract": "kernels.contracts.rope:Rope",
    "kernels": ["rope_kernel"],
    "dtypes": ["float32"],
}
PATH = "kernels/rope.py"
IMPORTS = "from numpy.typing import ArrayLike\n"
CALL = "    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)\n"
ON_HOST = '''\
def _on_host(x_ptr: Any, cos_ptr: Any, sin_ptr: Any, seq: int, heads: int, head_dim: int) -> None:
    """The same rotation, in NumPy."""
    down, up = hip.hipMemcpyKind.hipMemcpyDeviceToHost, hip.hipMemcpyKind.hipMemcpyHostToDevice
    x = np.empty((seq, heads, head_dim), np.float32)
    cos, sin = (np.empty((seq, head_dim // 2), np.float32) for _ in range(2))
    for array, pointer in ((x, x_ptr), (cos, cos_ptr), (sin, sin_ptr)):
        hip.hipMemcpy(array, int(pointer), array.nbytes, down)
    first, second = np.split(x, 2, axis=-1)
    c, s = cos[:, None], sin[:, None]
    x = np.concatenate([first * c - second * s, first * s + second * c], -1)
    hip.hipMemcpy(int(x_ptr), x, x.nbytes, up)


def rope_gpu_kernel('''


def with_host_path(rope: Project, call: str) -> None:
    rope.edit(PATH, IMPORTS, f"{IMPORTS}from rocm.bindings import hip\n")
    rope.edit(PATH, "import ctypes\n", "import ctypes\n\nimport numpy as np\n")
    rope.edit(PATH, "def rope_gpu_kernel(", ON_HOST)
    rope.edit(PATH, CALL, call)


@pytest.mark.parametrize(
    "params",
    [
        ROPE,
        {**ROPE, "contract": None, "entry": "kernels.rope:rope_gpu_kernel"},
        {**ROPE, "dtypes": None, "kernels": ["rope_kernel", "rope_kernel_f16", "rope_kernel_bf16"]},
        {**ROPE, "dtypes": ["float16"], "kernels": ["rope_kernel_f16"], "also": ["rope_kernel"]},
    ],
)
def test_the_named_kernels_run(rope: Project, params: dict[str, Any]) -> None:
    outcome = rope.check("backend_selected", **params)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert outcome.message.endswith("without a fallback")
    launched = [kernel for row in outcome.evidence["runs"] for kernel in row["launched"]]
    assert launched == params["kernels"]


def test_another_kernel_in_its_place_fails(rope: Project) -> None:
    outcome = rope.check("backend_selected", **{**ROPE, "kernels": ["rope_interleaved_kernel"]})
    texts = [f.message for f in outcome.findings]
    assert texts[0].endswith("did not launch rope_interleaved_kernel: it launched rope_kernel")
    assert "launches rope_kernel, which is none of rope_interleaved_kernel; called by" in texts[1]


@pytest.mark.long
def test_a_second_kernel_that_the_plan_does_not_list_fails(rope: Project) -> None:
    nothing = "(*arguments[:3], *(ctypes.c_uint32(0) for _ in range(3)))"
    more = f"    launch(CODE_OBJECT, 'rope_kernel_f16', rotary_geometry(1, 1, 2), {nothing}, stream)\n"
    rope.edit(PATH, CALL, more + CALL)
    outcome = rope.check("backend_selected", **ROPE)
    assert "launches rope_kernel_f16, which is none of rope_kernel" in outcome.message
    assert rope.check("backend_selected", **ROPE, also=["rope_kernel_f16"]).verdict is CheckVerdict.PASSED


def test_a_silent_fallback_to_numpy_is_found_by_refusing_the_launch(rope: Project) -> None:
    """The kernel runs and is right; only a failing launch shows the other way."""
    host = "        _on_host(x_ptr, cos_ptr, sin_ptr, seq, heads, head_dim)\n"
    with_host_path(rope, f"    try:\n    {CALL}    except Exception:\n{host}")
    outcome = rope.check("backend_selected", **ROPE)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "returns as if all were well although hipModuleLaunchKernel failed" in outcome.message
    assert "called by launch (kernels/runtime.py:" in outcome.message
    assert rope.check("backend_selected", **ROPE, forbid_fallback=False).verdict is CheckVerdict.PASSED


def test_a_result_that_the_host_makes_is_found_by_holding_the_kernel_back(rope: Project) -> None:
    """The kernel is launched for show, on rows that are computed on the host afterwards."""
    save = "    before = np.empty((seq, heads, head_dim), np.float32)\n"
    save += "    hip.hipMemcpy(before, int(x_ptr), before.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)\n"
    restore = (
        "    hip.hipMemcpy(int(x_ptr), before, before.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)\n"
    )
    host = "    _on_host(x_ptr, cos_ptr, sin_ptr, seq, heads, head_dim)\n"
    with_host_path(rope, f"{save}{CALL}{restore}{host}")
    outcome = rope.check("backend_selected", **ROPE)
    assert "gives the right result without rope_kernel: something else computes it" in outcome.message


@pytest.mark.long
def test_a_result_that_goes_through_the_host_is_found_in_the_trace(rope: Project) -> None:
    """The kernel makes it, and a launch that fails raises; but the host had it in its hands."""
    through = "    values = np.empty((seq, heads, head_dim), np.float32)\n"
    through += (
        "    hip.hipMemcpy(values, int(x_ptr), values.nbytes, hip.hipMemcpyKind.hipMemcpyDeviceToHost)\n"
    )
    through += (
        "    hip.hipMemcpy(int(x_ptr), values, values.nbytes, hip.hipMemcpyKind.hipMemcpyHostToDevice)\n"
    )
    with_host_path(rope, CALL + through)
    outcome = rope.check("backend_selected", **ROPE)
    assert "to the host (hipMemcpy): a part of the result may be computed there" in outcome.message
    assert str(outcome.findings[0].location).startswith("kernels/rope.py:")
    assert rope.check("backend_selected", **ROPE, forbid_fallback=False).verdict is CheckVerdict.PASSED


def test_a_wrong_result_fails(rope: Project) -> None:
    rope.edit(
        PATH,
        "rotary_geometry(seq, heads, head_dim), arguments",
        "rotary_geometry(1, heads, head_dim), arguments",
    )
    outcome = rope.check("backend_selected", **ROPE)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "elements of x are wrong" in outcome.message


def test_an_entry_without_a_contract_decides_nothing(rope: Project) -> None:
    with pytest.raises(ContractError, match=r"no contract drives kernels\.runtime:launch with rope_kernel"):
        rope.check("backend_selected", entry="kernels.runtime:launch", kernels=["rope_kernel"])
    with pytest.raises(ContractError, match=r"drives kernels\.rope:rope_gpu_kernel, not"):
        rope.check("backend_selected", **ROPE, entry="kernels.rope:apply_rope_device")


@pytest.mark.parametrize("params", [{"kernels": ["k"]}, {"kernels": [], "entry": "m:f"}])
def test_wrong_parameters_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CHECKS["backend_selected"].params(**params)
