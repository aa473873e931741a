"""Methods of contracts that compute from inputs, as the judge asks for them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

import numpy as np

from .connection import Connection
from .declarations import Declarations
from .tiled import LARGE, Tiled, is_large, little_memory

_KEPT = 4096
"""Results that are computed when they are asked for: more than any contract names mistakes."""


class Later:
    """Results that are computed once somebody asks for them, by the number that each was given."""

    def __init__(self) -> None:
        self._kept: dict[int, Callable[[], Any]] = {}
        self._numbers = itertools.count(1)

    def keep(self, function: Callable[[], Any]) -> int:
        """Keeps what computes a result, and gives its number; the oldest go where there are too many."""
        number = next(self._numbers)
        self._kept[number] = function
        while len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return number

    def result(self, number: int) -> Any:
        """The result of this number, computed now."""
        return self._kept[number]()


class Methods:
    """Serves the judge's calls of methods of contracts that are loaded, by the contract's name."""

    def __init__(
        self, contracts: Mapping[str, Any], declarations: Declarations, connection: Connection, later: Later
    ) -> None:
        self._contracts, self._declarations = contracts, declarations
        self._connection, self._later = connection, later

    def do_method(self, contract: str, method: str, offered: Mapping[str, Any], fresh: bool) -> Any:
        """What a method of a contract returns, and the generator that it was given, as it is then. fresh: the
        method runs in a copy of this process that ends with it."""
        work = partial(self._method, contract, method, dict(offered))
        return self._connection.copied(work) if fresh else work()

    def _method(self, contract: str, method: str, offered: dict[str, Any]) -> Any:
        result, rng, _ = self._watched(contract, method, offered)
        return result, rng

    def _watched(self, contract: str, method: str, offered: dict[str, Any]) -> tuple[Any, Any, bool]:
        """The same, and whether a number became too large for its type meanwhile, as far as NumPy tells."""
        self._declarations.show()
        over: list[str] = []
        watching = np.errstate(all="ignore", over="call", call=lambda kind, _: over.append(kind))
        large = _is_large(offered)
        offered = {name: v.array() if isinstance(v, Tiled) else v for name, v in offered.items()}
        if "dims" in offered:
            offered["dims"] = namespace(offered["dims"])
        with watching, little_memory() if large else contextlib.nullcontext():
            result = getattr(self._contracts[contract].subject, method)(**offered)
        return result, offered.get("rng"), bool(over)

    def do_methods(self, contract: str, calls: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """What methods of a contract return, one after another, each True and its result with whether a
        number overflowed; after the first that raises, with False and what it raised, none is called."""
        outcomes: list[Any] = []
        for method, offered in calls:
            try:
                result, _, over = self._watched(contract, method, dict(offered))
                outcomes.append((True, (result, over)))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # noqa: BLE001 - whatever the project's code raises is told
                return [*outcomes, (False, self._connection.told(error))]
        return outcomes

    def do_later(self, number: int) -> Any:
        """A result that was kept until it is asked for."""
        with np.errstate(all="ignore"):
            return self._later.result(number)


def _is_large(offered: Mapping[str, Any]) -> bool:
    """Whether arrays are given, or to be prepared, that memory cannot hold: whole copies of them must not be
    made."""
    return is_large(offered) or prod(offered.get("dims", {}).values()) > LARGE


class _Names(dict[str, Any]):
    """A mapping whose items are attributes too, also those named like a method: `arrays.keys`."""

    def __getattribute__(self, name: str) -> Any:
        return self[name] if name in self else super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"there is {', '.join(self)}, no {name}")


def namespace(values: Mapping[str, Any]) -> _Names:
    """Values whose names are attributes."""
    return _Names(values)
