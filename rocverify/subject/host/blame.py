"""Whose mistake it is that a call ended with an exception: the wrapper's, or the contract's that calls it."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .imports import LoadError, in_project
from .inspection import code_of

CONTRACTS_OWN = (AttributeError, NameError)
"""What only the one who wrote the line can have caused: a name that is not there."""


def contracts_mistake(root: Path, call: Callable[..., Any], error: Exception) -> LoadError | None:
    """The error that says so where a contract's own `call` names what is not there; None where the code that
    it calls has raised."""
    inner = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        place = in_project(root, frame.f_code.co_filename)
        inner = inner if place is None else (frame.f_code, f"{place}:{line}")
    if inner is None or inner[0] is not code_of(call):
        return None
    return LoadError(
        f"its own call() raised {type(error).__name__}: {error}",
        where=inner[1],
        hint="correct call() of the contract, or what the wrapper returns to it",
        kind="ContractError",
    )
