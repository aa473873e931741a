"""A code object's metadata: what is malformed is told with the path of its key."""

from __future__ import annotations

from typing import Any

import pytest

from rocverify.toolchain.code_metadata import Metadata, read_record

KERNEL: dict[str, Any] = {
    ".name": "k", ".symbol": "k.kd", ".kernarg_segment_size": 16, ".kernarg_segment_align": 8,
    ".group_segment_fixed_size": 0, ".private_segment_fixed_size": 0, ".vgpr_count": 8, ".sgpr_count": 16,
    ".wavefront_size": 32, ".max_flat_workgroup_size": 1024,
}  # fmt: skip
ARGUMENT = {".offset": 0, ".size": 8, ".value_kind": "global_buffer", ".name": "x"}


def note(**changes: Any) -> dict[str, Any]:
    kernel = {**KERNEL, ".args": (ARGUMENT,), **{f".{key}": value for key, value in changes.items()}}
    return {
        "amdhsa.version": (1, 2),
        "amdhsa.target": "amdgcn-amd-amdhsa--gfx1100",
        "amdhsa.kernels": (kernel,),
    }


def test_what_is_there_and_what_is_left_out() -> None:
    read = read_record(Metadata, note(of_a_later_compiler=1))
    (kernel,) = read.kernels
    (argument,) = kernel.explicit_args
    assert (read.version, kernel.name, kernel.vgprs, kernel.vgpr_spills) == ((1, 2), "k", 8, 0)
    assert (argument.kind, argument.name, argument.type_name) == ("global_buffer", "x", None)
    assert (kernel.uses_dynamic_stack, kernel.workgroup_processor_mode) == (False, None)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vgpr_count": "8"}, ".vgpr_count: is not an integer"),
        ({"vgpr_count": True}, ".vgpr_count: is not an integer"),
        ({"vgpr_count": -1}, ".vgpr_count: is -1, less than 0"),
        ({"name": ""}, ".name: is empty"),
        ({"symbol": 3}, ".symbol: is not text"),
        ({"uses_dynamic_stack": 1}, ".uses_dynamic_stack: is not a boolean"),
        ({"args": "xy"}, ".args: is not a list"),
        ({"args": (ARGUMENT, 3)}, ".args[1]: is not a map"),
        ({"args": ({**ARGUMENT, ".size": -8},)}, ".args[0].size: is -8, less than 0"),
        ({"args": ({".offset": 0, ".size": 8},)}, ".args[0].value_kind: is missing"),
    ],
)
def test_malformed_kernels(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the words are compared
        read_record(Metadata, note(**changes))
    assert str(raised.value) == f"amdhsa.kernels[0]{words}"


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ((), "metadata: is not a map"),
        ({}, "amdhsa.version: is missing"),
        ({**note(), "amdhsa.version": (1, 2, 3)}, "amdhsa.version: has 3 numbers instead of two"),
        ({**note(), "amdhsa.version": 1}, "amdhsa.version: is not a list"),
    ],
)
def test_malformed_notes(tree: object, words: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - the words are compared
        read_record(Metadata, tree)
    assert str(raised.value) == words
