"""Checks for truths that compare costs, and for what happens without a kernel."""

from __future__ import annotations

from rocverify.binding.model import Built, Draft, Undecided
from rocverify.binding.project import Contract
from rocverify.binding.reading import KernelMention, Reading

METRICS = {"bytes": "global_bytes", "instructions": "wave_instructions"}


def is_faster(reading: Reading) -> Built:
    """ "X is at least 2 times faster than Y", "... moves 2 times fewer bytes than Y": both contracts."""
    begin, end = reading.span("than")
    mentions = reading.kernels()
    ours = _contract(reading, [one for one in mentions if one.span[1] <= begin])
    theirs = _contract(reading, [one for one in mentions if one.span[0] >= end])
    if ours is None or theirs is None or ours == theirs:
        return Undecided(
            "it takes one contract of the faster kernel and one of the other; bind faster with contract, "
            "than and by (time, on a GPU), and metric where counts are meant"
        )
    by = 2.0 if reading.group("twice") else float(reading.group("times"))
    if by <= 1:
        return Undecided(f"{by:g} times is not a gain; bind faster with contract, than and by")
    params: dict[str, object] = {"contract": ours.ref, "than": theirs.ref, "by": by}
    if metric := reading.group("metric").lower():
        params["metric"] = METRICS[metric]
    return (Draft("faster", params, f"{ours.ref} and {theirs.ref} drive the two"),)


def _contract(reading: Reading, mentions: list[KernelMention]) -> Contract | None:
    """The one contract of what is mentioned."""
    found: dict[str, Contract] = {}
    for one in mentions:
        for contract in reading.subject.contracts_of(one.kernel.source):
            if not one.symbols or set(one.symbols) & set(contract.symbols):
                found[contract.ref] = contract
    return next(iter(found.values())) if len(found) == 1 else None


def falls_back(reading: Reading) -> Built:
    """ "The CPU fallback works when rope_kernel is missing", "f() falls back to g() when ...": the one
    contract that drives f or the kernel."""
    kernel = reading.group("kernel").strip("`")
    functions = reading.functions()
    fallback = [f for f in functions if f.name == reading.group("fallback")]
    wrapper = reading.group("wrapper")
    driving = [
        c
        for c in reading.subject.contracts
        if (not wrapper or any(c.wrapper == f.ref for f in functions if f.name == wrapper))
        and (not kernel or c.has(kernel))
    ]
    named = reading.group("fallback")
    if len(driving) != 1 or not (wrapper or kernel) or (named and len(fallback) != 1):
        there = ", ".join(c.ref for c in driving) if wrapper or kernel else "it names none"
        return Undecided(
            f"it takes one contract of the call ({there or 'there is none'}); bind fallback with contract "
            "(and fallback or error), or with run, kernels and expects"
        )
    params: dict[str, object] = {"contract": driving[0].ref}
    params |= {"kernels": [kernel]} if kernel else {}
    params |= {"fallback": fallback[0].ref} if fallback else {}
    return (Draft("fallback", params, f"{driving[0].ref} drives the call"),)
