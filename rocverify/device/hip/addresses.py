"""What an address is to a client, and whether a copy or a memset may touch the bytes behind it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.words import allocation_words, explain, freed_at

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context
    from rocverify.device.hip.holdings import Holdings


class Side(Enum):
    """Where the bytes at an address lie. PINNED is page-locked host memory, that the device sees too;
    PAGEABLE any other memory of the client, that only the client sees.

    `on_device` says whether a trace counts it as the device's, `seen_by_device` whether the device process
    can reach the bytes without the client.
    """

    DEVICE = ("device memory", True, True)
    MANAGED = ("managed memory", True, True)
    PINNED = ("pinned host memory", False, True)
    PAGEABLE = ("host memory", False, False)

    def __init__(self, words: str, on_device: bool, seen_by_device: bool) -> None:
        self.words, self.on_device, self.seen_by_device = words, on_device, seen_by_device


_KINDS = {"device": Side.DEVICE, "managed": Side.MANAGED, "host": Side.PINNED}


def side_of(context: Holdings, address: int) -> Side:
    """What an address is. In device memory it need not be live."""
    known = context.allocations.get(address)
    if known is not None:
        return _KINDS[known.kind]
    backend = context.backend
    if not backend.owns(address):
        return Side.PAGEABLE
    known = context.allocation_of(address)
    if known is not None:
        return _KINDS[known.kind]
    shared = backend.shared_region
    return Side.PINNED if shared.start <= address < shared.start + shared.size else Side.DEVICE


def check_span(context: Context, address: int, size: int, side: Side, what: str) -> None:
    """HipError unless [address, address + size) lies in one live allocation; `what` names the access, to
    which the words of `side` are added."""
    found = context.backend.find(address)
    if found is None:
        freed = freed_at(context, address)
        raise HipError(
            "hipErrorInvalidValue",
            f"{what} {side.words}: {explain(context, address)}",
            finding="bad_address",
            other=0 if freed is None else freed.site,
        )
    known = context.allocations.get(found.base)
    left = found.base + found.size - address
    if size > left:
        raise HipError(
            "hipErrorInvalidValue",
            f"{what} {side.words}: {size} bytes at {address:#x} are {size - left} more than the "
            f"{left} that are left of {allocation_words(context, address)}",
            finding="copy_size",
            other=0 if known is None else known.site,
        )
