"""Checks for truths about what is done before what."""

from __future__ import annotations

from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.reading import Reading

THINGS = {"dispatch": "dispatch", "launch": "dispatch", "upload": "upload"}
THINGS |= {"readback": "read_back", "download": "read_back"}


def in_order(reading: Reading) -> Built:
    """ "f() runs before the dispatch (in g())", "f() is called after g()"."""
    one = _function(reading, reading.group("one"))
    what = reading.group("what").lower().replace("-", "").split()
    other: str | Undecided = THINGS[what[-1]] if what else _function(reading, reading.group("another"))
    if isinstance(one, Undecided):
        return one
    if isinstance(other, Undecided):
        return other
    first, then = (one, other) if reading.group("when").lower() == "before" else (other, one)
    params: dict[str, object] = {"first": first, "then": then}
    if name := reading.group("entry"):
        found = _places(reading, name)
        if len(found) != 1:
            listed = ", ".join(found) or "none"
            return Undecided(
                f"{name}() is not one function ({listed}); bind call_order with first, then and entry"
            )
        params["entry"] = found[0]
    return (Draft("call_order", params, f"{first} is to come before {then}"),)


def _function(reading: Reading, name: str) -> str | Undecided:
    places = _places(reading, name)
    if len(places) > 1:
        return Undecided(
            f"{name}() may be {', '.join(places)}; bind call_order with first and then, that one in full"
        )
    if places:
        return name
    if any(kernel.has(name) for kernel in reading.subject.kernels):
        return Undecided(f"{name}() is a kernel; bind call_order with first, then: dispatch and entry")
    return Undecided(
        f"{name}() is not a function of the host sources; bind call_order with first, then and entry"
    )


def _places(reading: Reading, name: str) -> list[str]:
    subject = reading.subject
    found = (*subject.named(name), *subject.named_in_compiled(name))
    return list(dict.fromkeys(function.ref for function in found))
