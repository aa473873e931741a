"""Compares what instructions left with what their models say, and words the differences."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rocverify.device.emulator.machine import Machine
from tests.device.emulator.assembling import Assembler
from tests.device.emulator.probes import Row, Seen, run_probes
from tests.device.emulator.translate.semantics.models import TYPES, Near, agrees, mask
from tests.device.emulator.translate.semantics.variants import Variant

SHOWN = 1


def accepted(assembler: Assembler, candidates: Sequence[Variant], lanes: int = 32) -> list[Variant]:
    """Those that the assembler takes: not every form has every operand kind."""
    refused = assembler.rejected([v.probe.body(lanes)[0] for v in candidates], lanes)
    return [variant for index, variant in enumerate(candidates) if index not in refused]


def differences(
    machine: Machine,
    assembler: Assembler,
    tried: Sequence[Variant],
    rows: Sequence[Row],
    zeroing: Container[str] = (),
) -> list[str]:
    """One text for every variant that disagrees with its model somewhere. The instructions `zeroing` make the
    high half of their register zero, where their result is the low one."""
    found = []
    for variant, seen in zip(
        tried, run_probes(machine, assembler, [v.probe for v in tried], rows), strict=True
    ):
        wrong = [
            text for row, one in zip(rows, seen, strict=True) for text in _compare(variant, row, one, zeroing)
        ]
        if wrong:
            found.append(f"{variant.probe.text}: {len(wrong)} wrong, e.g. " + "; ".join(wrong[:SHOWN]))
    return found


def _compare(variant: Variant, row: Row, seen: Seen, zeroing: Container[str]) -> list[str]:
    type_ = TYPES[variant.model.result]
    width = 64 if type_.bits == 64 else 32
    wrong = []
    for lane, value in enumerate(seen.v):
        old, shift = row.old[lane] & mask(width), 16 if variant.high_result else 0
        if not row.active(lane):
            if value != old:
                wrong.append(f"inactive lane {lane} was written")
            continue
        expected = variant.expected(row, lane)
        kept = mask(width) & ~(mask(type_.bits) << shift)
        zeroed = variant.mnemonic in zeroing and not shift
        if not agrees(type_, expected, value >> shift) or (value ^ (0 if zeroed else old)) & kept:
            wrong.append(_words(row, lane, old, expected, value))
    return wrong


def _words(row: Row, lane: int, old: int, expected: object, value: int) -> str:
    shown = expected.bits if isinstance(expected, Near) else expected
    sources = " ".join(f"{name}={getattr(row, name)[lane]:#x}" for name in "abc")
    return f"{sources} sa={row.sa:#x} old={old:#x}: {value:#x}, not {int(shown) & mask(64):#x}"  # type: ignore[call-overload]
