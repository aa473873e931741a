"""What a call returned, as the contract declares it: shape and element type are the wrapper's promise too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rocverify.errors import SubjectError
from rocverify.oracle.contract import ContractSpec


def as_declared(
    spec: ContractSpec, before: Mapping[str, NDArray[Any]], hosts: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Arrays of the host by name, those that were returned in their declared form. SubjectError where the
    call returned another shape or element type. before: every array as it was before the call."""
    declared = spec.returned
    return {
        name: _as(spec, name, array, before[name]) if name in declared else array
        for name, array in hosts.items()
    }


def _as(spec: ContractSpec, name: str, value: NDArray[Any], like: NDArray[Any]) -> NDArray[Any]:
    if value.shape != like.shape:
        raise _other(spec, name, f"of the shape {value.shape}, not {like.shape}")
    if value.dtype == like.dtype:
        return value
    same_sort = (value.dtype.kind in "iub") == (like.dtype.kind in "iu")
    if value.ndim or not same_sort or (like.dtype.kind in "iu" and not _holds(like.dtype, int(value))):
        raise _other(spec, name, f"as {value.dtype}, not {like.dtype}")
    with np.errstate(all="ignore"):
        return value.astype(like.dtype)


def _holds(dtype: np.dtype[Any], number: int) -> bool:
    limits = np.iinfo(dtype)
    return int(limits.min) <= number <= int(limits.max)


def _other(spec: ContractSpec, name: str, how: str) -> SubjectError:
    return SubjectError(
        f"returned {name} {how}",
        kind="OtherResult",
        where=spec.wrapper or spec.where,
        hint="return what the contract declares, or correct the contract",
    )
