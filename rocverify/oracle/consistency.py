"""Whether a contract, or a launch it makes, fits the kernel in the code object.

HIP passes whatever bytes it is given: a wrong number or order of arguments "succeeds". The code object's
metadata knows what the kernel takes.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

from rocverify.errors import ContractError
from rocverify.oracle.contract import ContractSpec
from rocverify.toolchain.code_metadata import KernelArg, KernelMetadata

_POINTER_KINDS = frozenset({"global_buffer", "dynamic_shared_pointer"})
_POINTER_BYTES = 8


def check_parameters(spec: ContractSpec, kernel: KernelMetadata) -> None:
    """ContractError unless the contract's `parameters` fit the kernel: as many, and a pointer where an
    array of the device is named (a Scalar is a value). A contract that lists none is not checked."""
    if spec.parameters is None:
        return
    _check_count(spec, kernel, len(spec.parameters))
    for name, argument in zip(spec.parameters, kernel.explicit_args, strict=True):
        on_device = name in spec.arrays and spec.arrays[name].on_device
        if on_device != (argument.kind in _POINTER_KINDS):
            wanted = "a pointer" if on_device else "a value"
            raise _disagreement(
                spec, kernel, f"parameter {name} is {wanted}, the kernel's is {_words(argument)}"
            )
        if argument.name not in (None, name):
            raise _disagreement(spec, kernel, f"parameter {name} is {argument.name} in the kernel")


def check_arguments(spec: ContractSpec, kernel: KernelMetadata, arguments: Sequence[Any]) -> None:
    """ContractError unless the ctypes values of a launch fit the kernel in number, kind and size."""
    _check_count(spec, kernel, len(arguments))
    for number, (value, argument) in enumerate(zip(arguments, kernel.explicit_args, strict=True), 1):
        is_pointer = not isinstance(value, _Values) or isinstance(value, ctypes.c_void_p)
        size = _POINTER_BYTES if is_pointer else ctypes.sizeof(value)
        if is_pointer != (argument.kind in _POINTER_KINDS) or size != argument.size:
            given = "a pointer" if is_pointer else f"{size} bytes"
            raise _disagreement(
                spec, kernel, f"argument {number} is {given}, the kernel's is {_words(argument)}"
            )


_Values = (ctypes._SimpleCData, ctypes.Structure, ctypes.Union)


def _check_count(spec: ContractSpec, kernel: KernelMetadata, count: int) -> None:
    expected = len(kernel.explicit_args)
    if count != expected:
        raise _disagreement(spec, kernel, f"{count} arguments are given, the kernel takes {expected}")


def _words(argument: KernelArg) -> str:
    return "a pointer" if argument.kind in _POINTER_KINDS else f"a value of {argument.size} bytes"


def _disagreement(spec: ContractSpec, kernel: KernelMetadata, problem: str) -> ContractError:
    return ContractError(
        f"does not fit {kernel.name}: {problem}",
        where=spec.where,
        hint=f"compare the contract with the kernel's signature in {spec.source}",
    )
