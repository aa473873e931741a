"""What a contract or a wrapper admits and no case has tried: parameters that no call passes, sizes from which
on indices need more bits, a stream that could not be passed. A pass says nothing of them; they are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from rocverify.oracle.case import Case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.far import STEPS, Far

SIXTEEN_BITS = 2**16
"""What an index of 16 bits, and a grid along y or z, does not reach: a case above it is made wherever the
contract admits one."""

_INDICES = (SIXTEEN_BITS, *STEPS)
"""From so many elements on an index of 16, 31 or 32 bits does not reach the last."""


def not_tried(spec: ContractSpec, passed: frozenset[str], refusals: Sequence[str]) -> list[str]:
    """In words. passed: the wrapper's parameters that calls have passed; refusals: why it took no stream."""
    origin = getattr(spec.subject, "origin", None)
    optional = () if origin is None or not passed else origin.optional
    found = [f"the parameter {name}: no case passes it" for name in optional if name not in passed]
    found += [f"the parameter stream: {words}" for words in dict.fromkeys(refusals)]
    return found


def sizes_not_tried(spec: ContractSpec, cases: Sequence[Case], far: Sequence[Far] = ()) -> list[str]:
    """The highest step that an array may reach by the contract, and reaches in no case; for a case beyond it
    that decided nothing (in `far`), why."""
    cases = [*cases, *(one.case for one in far if one.undecided is None)]
    reasons = {one.array: one.undecided for one in far if one.undecided is not None}
    last = spec.dims.complete({name: spec.dims[name].last for name in spec.dims})
    found = []
    for name, array in spec.arrays.items():
        admitted = prod(array.shape(last))
        tried = max((prod(array.shape(case.dims)) for case in cases), default=0)
        missed = [step for step in _INDICES if tried <= step < admitted]
        if missed:
            why = f" ({reasons[name]})" if name in reasons else ""
            found.append(
                f"{name} with more than {missed[0]:,} elements: it has {tried:,} at most, the contract "
                f"admits {admitted:,}{why}"
            )
    return found
