"""A failing case made smaller: the smallest shape and the plainest values that still fail the same way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace

from rocverify import progress
from rocverify.oracle.case import Case
from rocverify.oracle.contract import ContractSpec
from rocverify.oracle.dims import Dims
from rocverify.oracle.inputs import Kind
from rocverify.oracle.poison import Placement, Poison

Problem = str
Try = Callable[[Case], Problem | None]
"""Runs a case: what is wrong with it, or None where it passes or fails in another way."""

# Runs of the kernel that shrinking may cost.
_RUNS = 40


@dataclass(slots=True)
class Shrunk:
    """The smallest case found, what is wrong with it, and how many runs that took."""

    case: Case
    problem: Problem
    runs: int = 0


def shrink(spec: ContractSpec, case: Case, problem: Problem, attempt: Try) -> Shrunk:
    """Simplifies as long as something simpler fails too. A case that fails only sometimes may stay large."""
    search = _Search(spec.dims, attempt, Shrunk(case, problem))
    before = None
    while before != search.best.case:
        before = search.best.case
        search.round()
    return search.best


class _Search:
    """The smallest failing case so far, and ways to look for a smaller one."""

    def __init__(self, dims: Dims, attempt: Try, best: Shrunk) -> None:
        self._dims, self._attempt, self.best = dims, attempt, best
        self._passed: list[Case] = []

    def round(self) -> None:
        """Tries plain values, then each length, the longest first, then how the buffers are set up."""
        if self.best.case.kind is not Kind.PLAIN:
            self._fails(replace(self.best.case, kind=Kind.PLAIN))
        for name in sorted(self._dims, key=lambda n: -self.best.case.dims[n]):
            self._shorten(name)
        plain = replace(self.best.case, placement=Placement.GUARDED)
        if plain != self.best.case:
            self._fails(plain)
        if self.best.case.kind.is_finite and self.best.case.poison is not Poison.NAN:
            self._fails(replace(self.best.case, poison=Poison.NAN))

    def _shorten(self, name: str) -> None:
        """The shortest length with which it fails, if it fails with all longer ones."""
        lengths = self._dims[name].lengths()
        low, high = 0, bisect_left(lengths, self.best.case.dims[name])
        if not high or self._fails_at(name, lengths[0]):
            return
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self._fails_at(name, lengths[middle]) else (middle, high)

    def _fails_at(self, name: str, value: int) -> bool:
        now = self.best.case
        shape = self._dims.complete({**now.dims, name: value})
        smaller = all(shape[other] <= now.dims[other] for other in shape) and shape != now.dims
        return smaller and self._fails(replace(now, dims=shape))

    def _fails(self, case: Case) -> bool:
        """Whether a simpler case fails too: then it is the best one."""
        if self.best.runs >= _RUNS or case in self._passed:
            return False
        self.best.runs += 1
        progress.say(f"looking for a smaller case that fails ({self.best.runs} tried)")
        problem = self._attempt(case)
        if problem is None:
            self._passed.append(case)
            return False
        self.best.case, self.best.problem = case, problem
        return True
