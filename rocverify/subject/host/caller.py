"""Who calls a wrapper: with a stream of its own, or with none."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .imports import LoadError

_STREAM = "stream"
_OVERWRITTEN = 0xAD
"""The byte that the caller's arrays of the host hold after a call."""

_Host = np.ndarray[Any, Any]
_VALUES = (np.ndarray, np.generic, bool, int, float)


def parameters_of(function: Any) -> dict[str, bool]:
    """The names of a function's parameters, and whether each may be left out; none where it does not tell."""
    try:
        found = inspect.signature(function).parameters.values() if callable(function) else ()
    except (TypeError, ValueError):  # of compiled code
        return {}
    several = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return {one.name: one.default is not one.empty for one in found if one.kind not in several}


def results_of(spec: Any, result: Any) -> dict[str, np.ndarray[Any, Any]]:
    """What `call` returned, by the names that the contract gives it. LoadError where it is something else."""
    names = list(spec.returned)
    if not names:
        return {}
    if isinstance(result, Mapping):
        found = dict(result)
    elif len(names) == 1:
        found = {names[0]: result}
    else:
        found = dict(zip(names, result, strict=False)) if isinstance(result, tuple | list) else {}
    if set(found) != set(names) or not all(isinstance(one, _VALUES) for one in found.values()):
        words = ", ".join(type(one).__name__ for one in found.values()) or type(result).__name__
        raise LoadError(
            f"call() must return {', '.join(names)}, as NumPy arrays or numbers; it returned {words}",
            where=spec.where,
            kind="ContractError",
        )
    return {name: np.array(one) for name, one in found.items()}


class Caller:
    """One call. `library` is the HIP library, None where there is no device; `stream` the caller's own."""

    def __init__(self, library: Any, stream: Any) -> None:
        self._library, self.stream = library, stream
        self.passed: list[str] = []

    def noting(self, wrapper: Callable[..., Any]) -> Callable[..., Any]:
        """The wrapper, and which of its parameters it is given is noted."""
        if not parameters_of(wrapper):
            return wrapper

        @functools.wraps(wrapper)
        def noted(*given: Any, **named: Any) -> Any:
            self.passed = list(inspect.signature(wrapper).bind_partial(*given, **named).arguments)
            return wrapper(*given, **named)

        return noted

    def passing(self, wrapper: Callable[..., Any]) -> Callable[..., Any]:
        """The wrapper, given the stream too. Where it is given another one, the caller is one that has
        none."""

        def on_stream(*given: Any, **named: Any) -> Any:
            if _STREAM in inspect.signature(wrapper).bind_partial(*given, **named).arguments:
                self._wait()
                self.stream = None
                return wrapper(*given, **named)
            return wrapper(*given, **named, stream=self.stream)

        return on_stream

    def _wait(self) -> None:
        self._check(0 if self._library is None else self._library.rv_finish())

    def goes_on(self, hosts: Mapping[str, _Host]) -> dict[str, _Host]:
        """The call has returned: the judge looks at what the caller would see. Arrays of the host as they are
        then; a caller without a stream uses them for something else at once, one with a stream when that has
        come so far."""
        if self.stream is not None:
            self._returned(int(self.stream))
            return {name: array.copy() for name, array in hosts.items()}
        left = {name: array.copy() for name, array in hosts.items()}
        for array in hosts.values():
            if array.flags.writeable:
                array.reshape(-1).view(np.uint8)[:] = _OVERWRITTEN
        self._returned(None)
        return left

    def _returned(self, stream: int | None) -> None:
        self._check(0 if self._library is None else self._library.rv_returned(stream))

    @staticmethod
    def _check(code: int) -> None:
        if code:
            raise OSError(f"work that was queued has failed: error {code}")
