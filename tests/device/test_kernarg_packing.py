"""Arguments of a launch against the layout that the C ABI gives the same types.

The oracle is `ctypes.Structure`, which lays out fields as the compiler lays out kernel arguments.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rocm.bindings import hip as real_hip
from rocm.bindings.util.types import DeviceArray, ListOfPointer

from rocverify.device.emulator import api_launch
from rocverify.device.emulator.api_state import HipCallError
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.toolchain.codeobject import KernelArg, KernelMetadata

CODE = real_hip.hipError_t

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    ctypes.c_bool: st.booleans(),
    ctypes.c_int8: st.integers(-128, 127),
    ctypes.c_uint8: st.integers(0, 255),
    ctypes.c_int16: st.integers(-(2**15), 2**15 - 1),
    ctypes.c_uint16: st.integers(0, 2**16 - 1),
    ctypes.c_int32: st.integers(-(2**31), 2**31 - 1),
    ctypes.c_uint32: st.integers(0, 2**32 - 1),
    ctypes.c_int64: st.integers(-(2**63), 2**63 - 1),
    ctypes.c_uint64: st.integers(0, 2**64 - 1),
    ctypes.c_float: st.floats(width=32, allow_nan=False),
    ctypes.c_double: st.floats(allow_nan=False),
    ctypes.c_void_p: st.integers(1, 2**47),
}
ARGUMENTS = st.lists(
    st.sampled_from(list(VALUES)).flatmap(lambda kind: st.tuples(st.just(kind), VALUES[kind])),
    min_size=1,
    max_size=12,
)


class _State:
    """All that packing asks of the device's state."""

    memory = DeviceMemory(1 << 20)


def layout(arguments: list[tuple[Any, Any]]) -> tuple[KernelMetadata, bytes]:
    """Metadata of a kernel with such parameters, and the argument segment it expects."""
    fields = [(f"a{index}", kind) for index, (kind, _) in enumerate(arguments)]
    structure = type("Arguments", (ctypes.Structure,), {"_fields_": fields})
    args = tuple(
        KernelArg(
            name=name,
            offset=getattr(structure, name).offset,
            size=getattr(structure, name).size,
            kind="global_buffer" if kind is ctypes.c_void_p else "by_value",
        )
        for name, kind in fields
    )
    end = args[-1].offset + args[-1].size
    packed = bytes(structure(*[value for _, value in arguments]))[:end]
    return metadata(args, ctypes.sizeof(structure)), packed


def metadata(args: tuple[KernelArg, ...], size: int) -> KernelMetadata:
    return KernelMetadata(
        name="k", symbol="k.kd", args=args, kernarg_size=size, kernarg_align=8, lds_bytes=0, scratch_bytes=0,
        vgprs=8, sgprs=8, wavefront_size=32, max_workgroup_size=1024,
    )  # fmt: skip


def fields_of(kernel: KernelMetadata, segment: bytes) -> list[bytes]:
    return [segment[arg.offset : arg.offset + arg.size] for arg in kernel.explicit_args]


def kernarg(kernel: KernelMetadata, parameters: Any, extra: Any) -> bytes:
    return api_launch._kernarg(_State(), kernel, parameters, extra)  # type: ignore[arg-type]


@given(ARGUMENTS)
def test_an_extra_tuple_lies_as_c_has_it(arguments: list[tuple[Any, Any]]) -> None:
    kernel, expected = layout(arguments)
    packed = kernarg(kernel, None, tuple(kind(value) for kind, value in arguments))
    assert len(packed) == len(expected)
    assert fields_of(kernel, packed) == fields_of(kernel, expected)


@given(ARGUMENTS)
def test_kernel_params_gather_the_same_values(arguments: list[tuple[Any, Any]]) -> None:
    kernel, expected = layout(arguments)
    values = [kind(value) for kind, value in arguments]
    # hip-python takes a c_void_p for an address, so that a pointer's value stands in a box of its own.
    boxes = [ctypes.c_uint64(v.value) if isinstance(v, ctypes.c_void_p) else v for v in values]
    assert fields_of(kernel, kernarg(kernel, boxes, None)) == fields_of(kernel, expected)
    table = (ctypes.c_void_p * len(boxes))(*[ctypes.addressof(box) for box in boxes])
    assert fields_of(kernel, kernarg(kernel, table, None)) == fields_of(kernel, expected)
    assert fields_of(kernel, kernarg(kernel, ListOfPointer(boxes), None)) == fields_of(kernel, expected)


@given(ARGUMENTS, st.data())
def test_a_segment_that_is_too_short_is_never_read_past_its_end(
    arguments: list[tuple[Any, Any]], data: st.DataObject
) -> None:
    kernel, _ = layout(arguments)
    given_count = data.draw(st.integers(0, len(arguments) - 1))
    values = tuple(kind(value) for kind, value in arguments[:given_count])
    # Fewer arguments may still fill the segment if the missing ones fit in padding; they never do in C.
    with pytest.raises(HipCallError, match=rf"takes {len(arguments)} arguments in \d+ bytes, .* passes"):
        kernarg(kernel, None, values)
    boxes = [ctypes.c_uint64(1) for _ in range(given_count)]
    with pytest.raises(HipCallError, match=f"takes {len(arguments)} arguments, the launch passes"):
        kernarg(kernel, boxes, None)


def test_device_arrays_and_integers_are_pointers_in_extra() -> None:
    kernel, expected = layout([(ctypes.c_void_p, 0x1000), (ctypes.c_int32, 7), (ctypes.c_void_p, 0x2000)])
    assert fields_of(
        kernel, kernarg(kernel, None, (DeviceArray(0x1000), ctypes.c_int32(7), 0x2000))
    ) == fields_of(kernel, expected)


def test_a_prepared_configuration_is_read() -> None:
    kernel, expected = layout([(ctypes.c_int32, 7), (ctypes.c_double, math.pi)])
    buffer = ctypes.create_string_buffer(expected, len(expected))
    size = ctypes.c_size_t(len(expected))
    words = (ctypes.c_void_p * 5)(1, ctypes.addressof(buffer), 2, ctypes.addressof(size), 3)
    assert kernarg(kernel, None, ctypes.c_void_p(ctypes.addressof(words))) == expected
    words[4] = 9
    with pytest.raises(HipCallError, match="no HIP_LAUNCH_PARAM configuration"):
        kernarg(kernel, None, ctypes.c_void_p(ctypes.addressof(words)))


def test_wild_configurations_are_errors() -> None:
    kernel, _ = layout([(ctypes.c_int32, 7)])
    for wild in (ctypes.c_void_p(16), ctypes.c_void_p(0)):
        with pytest.raises(HipCallError) as failure:
            kernarg(kernel, None, wild)
        assert failure.value.code == "hipErrorInvalidValue"
    with pytest.raises(HipCallError, match="cannot be read"):
        kernarg(kernel, [ctypes.c_void_p(16)], None)
    with pytest.raises(HipCallError, match="kernelParams: "):
        kernarg(kernel, ctypes.c_void_p(16), None)


def test_a_device_address_as_parameter_is_explained() -> None:
    kernel, _ = layout([(ctypes.c_void_p, 1)])
    address = _State.memory.malloc(64)
    with pytest.raises(HipCallError, match="this is a device address itself"):
        kernarg(kernel, [DeviceArray(address)], None)
    box = DeviceArray(address)
    assert kernarg(kernel, [box.createRef()], None) == address.to_bytes(8, "little")


def test_a_parameter_too_small_for_its_argument_is_refused() -> None:
    kernel, _ = layout([(ctypes.c_double, 1.0)])
    with pytest.raises(HipCallError, match=r"argument 0 \(a0\) of k takes 8 bytes, the launch passes 4"):
        kernarg(kernel, [np.float32(1)], None)


def test_no_arguments_or_both_kinds() -> None:
    kernel, _ = layout([(ctypes.c_int32, 1)])
    with pytest.raises(HipCallError, match="the launch passes none"):
        kernarg(kernel, None, None)
    with pytest.raises(HipCallError, match="exclude each other"):
        kernarg(kernel, [ctypes.c_int32(1)], (ctypes.c_int32(1),))
    assert kernarg(metadata((), 0), None, None) == b""
    assert kernarg(metadata((), 0), None, ()) == b""


def test_hidden_arguments_are_nobodys_business_here() -> None:
    args = (
        KernelArg(name="n", offset=0, size=4, kind="by_value"),
        KernelArg(offset=8, size=4, kind="hidden_block_count_x"),
    )
    assert kernarg(metadata(args, 64), None, (ctypes.c_int32(5),)) == b"\5\0\0\0"


@pytest.mark.parametrize("entry", ["text", 1.5, object()])
def test_what_hip_python_cannot_pass_is_a_type_error(entry: Any) -> None:
    kernel, _ = layout([(ctypes.c_int32, 1)])
    with pytest.raises(TypeError):
        kernarg(kernel, None, (entry,))
    with pytest.raises(TypeError):
        kernarg(kernel, [entry], None)
