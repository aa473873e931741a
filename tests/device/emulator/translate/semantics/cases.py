"""Instructions whose whole effect on a wave is modelled, scalars and masks included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.probes import Probe, Row, Seen, run_probes
from tests.device.emulator.translate.semantics.models import TYPES, agrees, mask

Effect = dict[str, Any]
"""What changed: `v` lanes of {d} (None keeps the old value), `s` the bits of {sd}, `vcc`, `exec`, `scc`.
What is absent must be as it was (looked at where the probe observes it)."""


@dataclass(frozen=True)
class Case:
    """`mnemonic` is the handler that this proves; `result` the type of vector lanes; `s_bits` how many
    bits of {sd} the instruction writes."""

    mnemonic: str
    probe: Probe
    effect: Callable[[Row], Effect]
    result: str = "b32"
    s_bits: int = 32


def failures(machine: Machine, assembler: Assembler, cases: Sequence[Case], rows: Sequence[Row]) -> list[str]:
    """One text for every case that disagrees with its model somewhere."""
    found = []
    all_seen = run_probes(machine, assembler, [case.probe for case in cases], rows)
    for case, seen in zip(cases, all_seen, strict=True):
        wrong = [text for row, one in zip(rows, seen, strict=True) for text in _compare(case, row, one)]
        if wrong:
            found.append(f"{case.probe.text}: {len(wrong)} wrong, e.g. {wrong[0]}")
    return found


def assembled(assembler: Assembler, cases: Sequence[Case], lanes: int = 32) -> list[Case]:
    """The cases that the assembler at hand takes."""
    lines = [(index, line) for index, case in enumerate(cases) for line in case.probe.body(lanes)]
    refused = {lines[place][0] for place in assembler.rejected([line for _, line in lines], lanes)}
    return [case for index, case in enumerate(cases) if index not in refused]


def _compare(case: Case, row: Row, seen: Seen) -> list[str]:
    effect = case.effect(row)
    wrong = []
    for name in ("s", "vcc", "exec", "scc"):
        if name == "s" and not case.probe.scalar:
            continue
        if name != "s" and not getattr(case.probe, name):
            continue
        before = row.sold if name == "s" else getattr(row, name)
        expected = effect.get(name, before)
        if name == "s":
            kept = mask(64) & ~mask(case.s_bits)
            expected = expected & mask(case.s_bits) | before & kept
        got = getattr(seen, name)
        if name in ("vcc", "exec"):
            got &= mask(row.lanes)
        if got != expected:
            wrong.append(f"{_words(row)}: {name} {got:#x}, not {expected:#x}")
    return wrong + _compare_lanes(case, row, seen, effect)


def _compare_lanes(case: Case, row: Row, seen: Seen, effect: Effect) -> list[str]:
    type_, wrong = TYPES[case.result], []
    width = 64 if case.probe.vector == 2 else 32
    for lane, value in enumerate(seen.v):
        expected = effect["v"][lane]
        old = row.old[lane] & mask(width)
        right = value == old if expected is None else agrees(type_, expected, value)
        if not right:
            shown = "unchanged" if expected is None else expected
            words = f"a={row.a[lane]:#x} b={row.b[lane]:#x} c={row.c[lane]:#x} old={old:#x}"
            wrong.append(f"lane {lane} {words} {_words(row)}: {value:#x}, not {shown}")
    return wrong


def _words(row: Row) -> str:
    return (
        f"sa={row.sa:#x} sb={row.sb:#x} sold={row.sold:#x} vcc={row.vcc:#x} exec={row.exec:#x} scc={row.scc}"
    )


def lanewise(fn: Callable[[Row, int], Any]) -> Callable[[Row], Effect]:
    """Active lanes get fn(row, lane), the others keep what they had."""
    return lambda row: {"v": [fn(row, i) if row.active(i) else None for i in range(row.lanes)]}


def mask_of(row: Row, holds: Callable[[int], bool]) -> int:
    """The lane mask of a condition; inactive lanes are 0."""
    return sum(1 << lane for lane in range(row.lanes) if row.active(lane) and holds(lane))
