"""A contract against the metadata of a compiled kernel."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from rocverify.errors import ContractError
from rocverify.oracle.consistency import check_arguments, check_parameters
from rocverify.oracle.contract import F32, Dims, InOut, Scalar, boundary, contract
from rocverify.toolchain.code_metadata import KernelArg
from tests.fakes.affine import AFFINE


def kernel(*kinds: str) -> Any:
    """Metadata of a kernel with these arguments: `p` a pointer, a number a value of so many bytes."""
    arguments, offset = [], 0
    for kind in kinds:
        size = 8 if kind == "p" else int(kind)
        value_kind = "global_buffer" if kind == "p" else "by_value"
        arguments.append(KernelArg(offset=offset, size=size, kind=value_kind))
        offset += size
    return SimpleNamespace(name="affine_kernel", explicit_args=tuple(arguments))


def test_fitting_parameters_pass() -> None:
    check_parameters(AFFINE, kernel("p", "p", "p", "4", "4"))


@pytest.mark.parametrize(
    ("kinds", "problem"),
    [
        (("p", "p", "p", "4"), "5 arguments are given, the kernel takes 4"),
        (("p", "p", "p", "4", "4", "4"), "5 arguments are given, the kernel takes 6"),
        (("p", "p", "4", "p", "4"), "parameter out is a pointer, the kernel's is a value of 4 bytes"),
    ],
)
def test_a_disagreement_is_told(kinds: tuple[str, ...], problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        check_parameters(AFFINE, kernel(*kinds))


def test_a_number_by_value_is_no_pointer() -> None:
    @contract(source="a.hip", symbol="a")
    class Scaled:
        factor = Scalar(F32)
        x = InOut("n", F32)
        dims = Dims(n=boundary(1, 8))
        parameters = ("factor", "x", "n")

        def launch(self, arrays: Any) -> Any:
            raise AssertionError(arrays)

        def reference(self, factor: Any, x: Any) -> Any:
            return factor * x

    check_parameters(Scaled, kernel("4", "p", "4"))
    with pytest.raises(ContractError, match="parameter factor is a value, the kernel's is a pointer"):
        check_parameters(Scaled, kernel("p", "p", "4"))


def test_fitting_arguments_pass() -> None:
    check_arguments(
        AFFINE, kernel("p", "4", "8"), (ctypes.c_void_p(1), ctypes.c_uint32(1), ctypes.c_uint64(1))
    )


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((ctypes.c_void_p(1),), "1 arguments are given, the kernel takes 2"),
        ((ctypes.c_void_p(1), ctypes.c_uint64(1)), "argument 2 is 8 bytes"),
        ((ctypes.c_uint64(1), ctypes.c_uint32(1)), "argument 1 is 8 bytes, the kernel's is a pointer"),
        ((0x1000, 0x1000), "argument 2 is a pointer"),
    ],
)
def test_arguments_that_do_not_fit_are_told(arguments: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(ContractError, match=problem):
        check_arguments(AFFINE, kernel("p", "4"), arguments)
