"""A call's Python arguments against the kernel's metadata, and the kernarg segment that they make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rocverify.device.by_hand.arrays import ArrayCopies, DeviceArray, as_array
from rocverify.device.by_hand.parameter_types import element_bytes
from rocverify.device.by_hand.values import ValueMismatchError, scalar_bytes
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.errors import UsageError
from rocverify.toolchain.code_metadata import KernelArg

POINTER_BYTES = 8


def kernarg_of(
    kernel: str,
    takes: Sequence[KernelArg],
    types: Sequence[str | None],
    given: Sequence[Any],
    copies: ArrayCopies,
    memory: DeviceMemory,
) -> bytes:
    """The explicit part of the kernarg segment; arrays are placed in `copies`.

    `types` are the parameters' C++ types, where they are known. Raises UsageError naming the argument and
    what the kernel takes.
    """
    if len(given) != len(takes):
        listed = ", ".join(described(i, arg, types[i]) for i, arg in enumerate(takes))
        raise UsageError(
            f"takes {len(takes)} argument(s), {len(given)} given",
            where=kernel,
            hint=f"it takes {listed}" if listed else "call it without arguments",
        )
    segment = bytearray(max((arg.offset + arg.size for arg in takes), default=0))
    for index, (arg, value) in enumerate(zip(takes, given, strict=True)):
        try:
            data = _bytes(index, arg, types[index], value, copies, memory)
        except ValueMismatchError as error:
            raise UsageError(
                f"argument {described(index, arg, types[index])}, but {error}", where=kernel
            ) from None
        except UsageError as error:
            raise UsageError(
                error.message, where=f"{kernel}, {called(index, arg)}", hint=error.hint
            ) from None
        segment[arg.offset : arg.offset + len(data)] = data
    return bytes(segment)


def called(index: int, arg: KernelArg) -> str:
    """`argument 0 (x)`."""
    return f"argument {index} ({arg.name})" if arg.name else f"argument {index}"


def described(index: int, arg: KernelArg, type_name: str | None) -> str:
    """`0 (x) is a pointer`, with the type where it is known."""
    name = f"{index} ({arg.name})" if arg.name else str(index)
    if arg.kind == "global_buffer":
        return f"{name} is {type_name or 'a pointer'}"
    value = (
        f"a value of {arg.size} byte(s)" if arg.kind == "by_value" else f"{arg.kind} of {arg.size} byte(s)"
    )
    return f"{name} is {type_name + ', ' if type_name else ''}{value}"


def _bytes(
    index: int, arg: KernelArg, type_name: str | None, value: Any, copies: ArrayCopies, memory: DeviceMemory
) -> bytes:
    if arg.kind == "by_value":
        return scalar_bytes(value, arg.size, type_name)
    if arg.kind != "global_buffer":
        raise ValueMismatchError("no launch by hand can pass one")
    if value is None:
        return bytes(POINTER_BYTES)
    if isinstance(value, DeviceArray):
        if value.memory is not memory:
            raise UsageError("is an array of another device")
        return value.address.to_bytes(POINTER_BYTES, "little")
    array = as_array(value)
    if array is None:
        raise ValueMismatchError(
            f"a {type(value).__name__} was given: pass an array, or None for a null pointer"
        )
    wanted = element_bytes(type_name)
    if wanted is not None and array.dtype.itemsize not in (1, wanted):
        raise ValueMismatchError(f"the array holds {array.dtype.name}, of {array.dtype.itemsize} bytes")
    return copies.place(called(index, arg), array).to_bytes(POINTER_BYTES, "little")
