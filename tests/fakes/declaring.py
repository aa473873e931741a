# ruff: noqa: ARG005 - lambdas stand for methods
"""Contracts made up in a line, for tests of what a declaration may and may not say."""

from __future__ import annotations

from typing import Any

from rocverify.oracle.contract import F16, F32, ContractSpec, Dims, InOut, boundary, contract


def declare(wrapper: str | None = "m:f", symbol: Any = "k", **members: Any) -> ContractSpec:
    """A contract with these members beside sensible defaults; None removes a default."""
    defaults: dict[str, Any] = {
        "x": InOut("n", F32 | F16),
        "dims": Dims(n=boundary(1, 9)),
        "call": lambda self, wrapper, arrays: None,
        "reference": lambda self, x: x,
    }
    given = {name: value for name, value in {**defaults, **members}.items() if value is not None}
    return contract(source="k.hip", symbol=symbol, wrapper=wrapper)(type("Subject", (), given))  # type: ignore
