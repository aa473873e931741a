"""The direction of a copy between host and device: by the function's name, or by a kind among its arguments.

As HIP has kinds (hipMemcpyDeviceToHost), and as bindings do: MEMCPY_DEVICE_TO_HOST, DeviceToHost, D2H, 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from enum import StrEnum

from rocverify.code.arguments import without_keyword

Worth = Callable[[str], Collection[str]]
"""What an argument, as it is written, can stand for."""


class Direction(StrEnum):
    """Where a copy moves data."""

    TO_HOST = "device to host"
    TO_DEVICE = "host to device"
    ON_DEVICE = "device to device"
    ON_HOST = "host to host"
    OPEN = "a direction that cannot be seen"


_ENDS = {
    "hd": Direction.TO_DEVICE,
    "dh": Direction.TO_HOST,
    "dd": Direction.ON_DEVICE,
    "hh": Direction.ON_HOST,
}
_NUMBERS = {
    "0": Direction.ON_HOST,
    "1": Direction.TO_DEVICE,
    "2": Direction.TO_HOST,
    "3": Direction.ON_DEVICE,
}
_KIND = re.compile(
    r"(?:Memcpy|\b|_)_?(?:(?P<source>Host|Device)_?To_?(?P<target>Host|Device)|(?P<from>[HD])(?:2|to)(?P<to>[HD]))"
    r"(?:NoCU)?\b",
    re.IGNORECASE,
)
_INTEGER = re.compile(r"-?\d+")
_MADE_FROM_NUMBER = re.compile(r"(?P<kind>[\w.:]+)\((?P<number>[^(),]*)\)")
_ENUMERATION = re.compile(r"hipMemcpy(?:Kind|Default|(?:Host|Device)To(?:Host|Device)(?:NoCU)?)")
_COPY = re.compile(r"hip(?:Drv)?Memcpy(?:\w*)|hipGraph(?:Exec)?(?:Add)?Memcpy\w*")
_BY_NAME = (
    (re.compile(r"DtoH|AtoH|FromSymbol"), Direction.TO_HOST),
    (re.compile(r"HtoD|HtoA|ToSymbol"), Direction.TO_DEVICE),
    (re.compile(r"DtoD|DtoA|AtoD|AtoA|Peer"), Direction.ON_DEVICE),
)


def direction_of(
    name: str, arguments: tuple[str, ...], copies: Collection[str], worth: Worth
) -> Direction | None:
    """The direction of a call of one of HIP's copies, or of the functions named in `copies`; None for any
    other call. Of several that it may have, that to the host."""
    if name not in copies and not _COPY.fullmatch(name):
        return None
    if _ENUMERATION.fullmatch(name):
        return None
    for pattern, direction in _BY_NAME:
        if pattern.search(name):
            return direction
    found = {kind for argument in arguments for kind in _kinds(argument, worth)}
    if not found and (last := _last_or_kind(arguments)):
        found = set(_numbers(worth(last)))
    if Direction.TO_HOST in found:
        return Direction.TO_HOST
    return found.pop() if len(found) == 1 else Direction.OPEN


def _kinds(argument: str, worth: Worth) -> Iterator[Direction]:
    """The directions that an argument can stand for."""
    for written in worth(argument):
        found = _KIND.search(written)
        if found is not None:
            ends = (found["source"] or found["from"])[0] + (found["target"] or found["to"])[0]
            yield _ENDS[ends.lower()]
        elif written.endswith("hipMemcpyDefault"):
            yield Direction.OPEN
    made = _MADE_FROM_NUMBER.fullmatch(without_keyword(argument))  # hipMemcpyKind(2)
    if made is not None and any(kind.endswith("hipMemcpyKind") for kind in worth(made["kind"])):
        yield from _numbers(worth(made["number"]))


def _last_or_kind(arguments: tuple[str, ...]) -> str | None:
    """The argument that a bare number would stand in as the kind: by keyword, else the fourth or last."""
    given = [text for text in arguments if without_keyword(text) == text]
    for text in arguments:
        if text.startswith("kind="):
            return text
    if len(given) < 4:
        return None
    return given[3] if len(given) in (4, 5) else given[-1]


def _numbers(written: Iterable[str]) -> Iterator[Direction]:
    return (_NUMBERS.get(text, Direction.OPEN) for text in written if _INTEGER.fullmatch(text))
