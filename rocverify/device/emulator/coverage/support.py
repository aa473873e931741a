"""What the emulator does with the code of each processor that is known here, from the tables themselves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from rocverify.device.emulator.coverage.fidelity import MODELS
from rocverify.device.emulator.isa.decoding import has_table
from rocverify.device.emulator.isa.disassembly import decoder_of
from rocverify.device.emulator.isa.targets import PROCESSORS, Target
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, ENDS
from rocverify.device.emulator.translate.semantics.tables import handlers

HEADINGS = ("Targets", "Decoded", "Instructions executed", "Sanitized, counted", "Of these modelled")


class Support(NamedTuple):
    """Processors that are treated alike. decoded: whether their instructions are known;
    executed: how many of them have semantics; modelled: how many of those give a model's result."""

    targets: tuple[str, ...]
    decoded: bool
    executed: int
    modelled: int

    def cells(self) -> tuple[str, ...]:
        """As a row of a table."""
        decoded = "yes" if self.decoded else "no"
        if not self.executed:
            return (_names(self.targets), decoded, "no", "no", "")
        return (_names(self.targets), decoded, str(self.executed), "yes", str(self.modelled))


def supported() -> Iterator[Support]:
    """All processors that are known here, those that are treated alike together."""
    for _, group in groupby(PROCESSORS.values(), key=_treated):
        alike = list(group)
        yield Support(tuple(one.name for one in alike), *_treated(alike[0])[1:])


def table() -> Iterator[str]:
    """The same as lines of Markdown."""
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(one.cells() for one in supported())]
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _treated(target: Target) -> tuple[str, bool, int, int]:
    decoded = has_table(target.name)
    if not target.executed:
        return target.family.name, decoded, 0, 0
    executed = _executed(target)
    return target.family.name, decoded, len(executed), sum(name in MODELS for name in executed)


def _executed(target: Target) -> set[str]:
    """The processor's instructions that have semantics, by the names that those have."""
    made = decoder_of(target)
    known = {*handlers(target.family), *BRANCHES, *ENDS}
    names = () if made is None else made.mnemonics
    spelled = (target.family.spellings.get(name, name) for name in names)
    return {name for one in spelled if (name := one.replace("v_dual_", "v_", 1)) in known}


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
