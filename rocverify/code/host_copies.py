"""Copies to the host that a function of a Rust or C++ host reaches, over the records of
`rocverify.code.syntax`."""

from __future__ import annotations

import re
from collections.abc import Collection

from rocverify.code.callchains import Chain, search
from rocverify.code.places import Names, Place
from rocverify.code.syntax import Call, Unit
from rocverify.settings import Transfers

# As HIP has them (hipMemcpyDeviceToHost), and as bindings do: MEMCPY_DEVICE_TO_HOST, DeviceToHost, D2H, 2.
_TO_HOST = re.compile(r"(?:Memcpy|\b|_)_?(?:Device_?To_?Host|D2H|DtoH)\b|\A2\Z", re.IGNORECASE)
_TO_DEVICE = re.compile(r"(?:Memcpy|\b|_)_?(?:Host_?To_?Device|H2D|HtoD)\b|\A1\Z", re.IGNORECASE)
_DIRECTION = re.compile(
    r"(?:Memcpy|\b|_)_?(?:(?:Host|Device)_?To_?(?:Host|Device)|[HD](?:2|to)[HD])\b|\A[0-3]\Z", re.IGNORECASE
)
_FIRST_KIND = 3
"""The index behind target, source and size: a number before is no direction."""


def copies_to_host(
    names: Names, start: Unit, entry: str, transfers: Transfers, forbid: tuple[str, ...] = ()
) -> Chain:
    """The shortest chain of calls from `entry` to a copy to the host. What only may be one (a copy whose
    direction is a variable, a call that does not resolve) is the chain's `maybe`."""
    words = (*transfers.device_to_host, *forbid)

    def is_copy(call: Call, place: Place) -> bool | None:
        del place
        return _copies(call, words, transfers.copies, _TO_HOST)

    return search(names, [Place(start, function) for function in start.functions_of(entry)], is_copy)


def copies_back(call: Call, transfers: Transfers) -> bool | None:
    """Whether a call copies to the host; False where it may (no direction shows), None for others."""
    return _copies(call, transfers.device_to_host, transfers.copies, _TO_HOST)


def uploads(call: Call, transfers: Transfers) -> bool | None:
    """The same of copies to the device."""
    return _copies(call, transfers.host_to_device, transfers.copies, _TO_DEVICE)


def _copies(
    call: Call, words: Collection[str], copies: Collection[str], wanted: re.Pattern[str]
) -> bool | None:
    if call.kind:
        return None
    if call.name.rstrip("!") in words:
        return True
    if call.name not in copies:
        return None
    kinds = [text for at, text in enumerate(call.arguments) if at >= _FIRST_KIND or not text.isdigit()]
    if any(wanted.search(kind) for kind in kinds):
        return True
    return None if any(map(_DIRECTION.search, kinds)) or not call.arguments else False


def described(entry: str, chain: Chain) -> str:
    """`a() -> b() -> to_host_vec() at src/a.rs:12`."""
    steps = [step.partition(" (") for step in chain.steps]
    calls = " -> ".join(f"{name}()" for name in (entry, *(name for name, _, _ in steps)))
    return f"{calls} at {steps[-1][2].rstrip(')')}" if steps else calls
