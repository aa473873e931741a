"""wrapper_present on this repository's wrappers, whole and sabotaged, on the emulator."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.errors import CompileError, ContractError, SourceError
from rocverify.records import CheckVerdict
from tests.checks.conftest import Project

ROPE: dict[str, Any] = {
    "wrapper": "kernels.rope:rope_gpu_kernel",
    "source": "kernels/rope.hip",
    "symbol": "rope_kernel",
}
QK: dict[str, Any] = {
    "wrapper": "kernels.position_embeddings:position_embeddings_gpu_kernel",
    "source": "kernels/position_embeddings.hip",
    "symbol": "position_embeddings_kernel",
}


@pytest.mark.drawn(1, fast=2)
@pytest.mark.parametrize(
    "params",
    [
        ROPE,
        QK,
        {**ROPE, "symbol": "rope_interleaved_kernel"},
        {**ROPE, "wrapper": "kernels.rope:apply_rope_device"},
    ],
)
def test_a_right_wrapper_passes(rope: Project, params: dict[str, Any]) -> None:
    outcome = rope.check("wrapper_present", **params)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    launches = outcome.evidence["launches"]
    assert [x["dtype"] for x in launches] == ["float32", "float16", "bfloat16"]
    assert launches[0]["arguments"][0]["kind"] == "global_buffer"
    assert outcome.evidence["device"]["kind"] == "emulator"


@pytest.mark.long
def test_the_contract_may_be_named(rope: Project) -> None:
    outcome = rope.check("wrapper_present", **ROPE, contract="kernels.contracts.rope:Rope")
    assert outcome.verdict is CheckVerdict.PASSED
    with pytest.raises(ContractError, match=r"drives kernels\.rope:apply_rope_device, not"):
        rope.check("wrapper_present", **ROPE, contract="kernels.contracts.rope:RopeDevice")


def test_a_kernel_that_the_contract_does_not_declare_must_be_launched_all_the_same(rope: Project) -> None:
    """Wrappers that launch two kernels have one contract as a rule, which declares one of them."""
    named = {**ROPE, "contract": "kernels.contracts.rope:Rope", "symbol": "rope_interleaved_kernel"}
    outcome = rope.check("wrapper_present", **named)
    assert outcome.verdict is CheckVerdict.FAILED
    assert "launched rope_kernel" in outcome.message
    assert "rope_interleaved_kernel was expected" in outcome.message


CALL = "    launch(CODE_OBJECT, symbol, rotary_geometry(seq, heads, head_dim), arguments, stream)\n"
PATH, TENSOR = "kernels/rope.py", "kernels/tensor.py"
NARROW = "return Geometry(grid, (block_x, block_y, 1))"


@pytest.mark.drawn(2, fast=4)
@pytest.mark.parametrize(
    ("path", "old", "new", "message"),
    [
        (PATH, CALL, f"    # {CALL.strip()}\n    return None\n", "reaches no launch: no live call leads"),
        (PATH, CALL, f"    return None\n{CALL}", "reaches no launch"),
        (PATH, CALL, f"    if False:\n    {CALL}", "reaches no launch"),
        (PATH, "        ctypes.c_uint32(head_dim),\n", "", "passes 5 arguments to rope_kernel, which"),
        (
            PATH,
            "        ctypes.c_uint32(seq),\n        ctypes.c_uint32(heads),\n",
            "        ctypes.c_uint32(heads),\n        ctypes.c_uint32(seq),\n",
            "arguments 4 and 5 are swapped: seq and heads",
        ),
        (
            PATH,
            '        device_pointer(cos_ptr, "cos"),\n        device_pointer(sin_ptr, "sin"),\n',
            '        device_pointer(sin_ptr, "sin"),\n        device_pointer(cos_ptr, "cos"),\n',
            "arguments 2 and 3 are swapped: cos and sin",
        ),
        (PATH, "ctypes.c_uint32(seq)", "ctypes.c_uint64(seq)", "passes 4 bytes more than the 6 arguments of"),
        (PATH, "ctypes.c_uint32(seq)", "ctypes.c_float(seq)", "the bits of the float 5, was passed"),
        (PATH, 'device_pointer(x_ptr, "x")', "ctypes.c_uint32(seq)", "argument 1 (x) of rope_kernel is a po"),
        (PATH, 'else "rope_kernel"', 'else "rope_interleaved_kernel"', "launched rope_interleaved_"),
        (TENSOR, "grid = (seq, ", "grid = (seq - 1, ", "is too small: it leaves"),
        (TENSOR, NARROW, "return Geometry(grid, (512, 1, 1))", "has 512 work-items, rope_kernel takes at"),
        ("kernels/runtime.py", "geometry.shared_bytes, stream", "65537, stream", "dynamic LDS"),
    ],
)  # fmt: skip
def test_a_wrong_wrapper_fails(rope: Project, path: str, old: str, new: str, message: str) -> None:
    rope.edit(path, old, new)
    outcome = rope.check("wrapper_present", **ROPE)
    assert outcome.verdict is CheckVerdict.FAILED
    assert any(message in f.message for f in outcome.findings), outcome.message


@pytest.mark.long
def test_a_kernel_that_forgets_elements_is_not_blamed_on_the_wrapper(rope: Project) -> None:
    rope.edit("kernels/rope.hip", "head >= heads ||", "head + 1 >= heads ||")
    outcome = rope.check("wrapper_present", **ROPE)
    assert outcome.verdict is CheckVerdict.PASSED, outcome.message
    assert "untouched" in outcome.evidence["launches"][0]


@pytest.mark.long
def test_a_kernel_that_does_not_compile_is_a_compile_error(rope: Project) -> None:
    rope.edit(
        "kernels/rope.hip", "const unsigned pairs = head_dim / 2;", "const unsigned pairs = head_dim /;"
    )
    with pytest.raises(CompileError):
        rope.check("wrapper_present", **ROPE)


def test_a_deleted_kernel_is_a_source_error(rope: Project) -> None:
    (rope.root / "kernels" / "rope.hip").unlink()
    with pytest.raises(SourceError, match=r"rope\.hip: does not exist"):
        rope.check("wrapper_present", **ROPE)


def test_a_kernel_that_the_manifest_lacks_fails(rope: Project) -> None:
    manifest = rope.root / "kernels" / "kernels.toml"
    text = manifest.read_text()
    first, second = text.index("[[kernel]]"), text.rindex("[[kernel]]")
    manifest.write_text(text[:first] + text[second:])
    outcome = rope.check("wrapper_present", **ROPE)
    assert outcome.message == (
        "kernels/kernels.toml has no entry for kernels/rope.hip: nothing is built to launch"
    )


def test_a_symbol_that_the_code_object_lacks_fails(rope: Project) -> None:
    outcome = rope.check("wrapper_present", **{**ROPE, "symbol": "rope_kernel_f64"})
    assert "has no rope_kernel_f64: it has rope_interleaved_kernel" in outcome.message


def test_a_wrapper_that_does_not_exist_is_a_source_error(rope: Project) -> None:
    with pytest.raises(SourceError, match="defines no function nope"):
        rope.check("wrapper_present", **{**ROPE, "wrapper": "kernels.rope:nope"})
