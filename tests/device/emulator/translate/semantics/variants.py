"""The forms in which a modelled vector instruction is tried: operand kinds, modifiers, halves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.device.emulator.probes import Probe, Row
from tests.device.emulator.translate.semantics.models import TYPES, Valu, clamped, constant, decode, modified

LETTERS = "abc"


@dataclass(frozen=True)
class Source:
    """One source operand: `kind` v, s or a constant's text; modifiers; `high` the upper half."""

    kind: str
    absolute: bool = False
    negate: bool = False
    high: bool = False

    def text(self, index: int, bits: int) -> str:
        letter = LETTERS[index] + ("2" if bits == 64 else "")
        name = {"v": f"{{{letter}}}", "s": f"{{s{letter}}}"}.get(self.kind, self.kind)
        name = f"|{name}|" if self.absolute else name
        return f"-{name}" if self.negate else name

    def value(self, row: Row, lane: int, index: int, type_name: str) -> int:
        type_ = TYPES[type_name]
        if self.kind == "v":
            raw = getattr(row, LETTERS[index])[lane]
        elif self.kind == "s":
            raw = getattr(row, "s" + LETTERS[index])
        else:
            raw = constant(type_, self.kind)
        raw = raw >> 16 if self.high else raw
        if type_.format:
            raw = modified(type_.format, raw & type_.format.mask, self.absolute, self.negate)
        return decode(type_, raw)


@dataclass(frozen=True)
class Variant:
    """One probe of one instruction, with what the model expects of it."""

    mnemonic: str
    model: Valu
    sources: tuple[Source, ...]
    clamp: bool = False
    high_result: bool = False
    suffix: str = ""

    @property
    def probe(self) -> Probe:
        bits = TYPES[self.model.result].bits
        names = [
            s.text(i, TYPES[t].bits)
            for i, (s, t) in enumerate(zip(self.sources, self.model.sources, strict=True))
        ]
        text = f"{self.mnemonic} {', '.join(['{d2}' if bits == 64 else '{d}', *names])}"
        selects = [int(s.high) for s in self.sources] + [0] * self.model.accumulates + [int(self.high_result)]
        if any(selects):
            text += f" op_sel:[{','.join(map(str, selects))}]"
        return Probe(f"{text}{self.suffix}{' clamp' if self.clamp else ''}", vector=2 if bits == 64 else 1)

    def expected(self, row: Row, lane: int) -> Any:
        values = [
            source.value(row, lane, index, type_name)
            for index, (source, type_name) in enumerate(zip(self.sources, self.model.sources, strict=True))
        ]
        if self.model.accumulates:
            old = row.old[lane] >> 16 if self.high_result else row.old[lane]
            values.append(decode(TYPES[self.model.result], old))
        result = self.model.fn(*values)
        return clamped(self.model, result) if self.clamp else result


V = Source("v")


def variants(mnemonic: str, model: Valu) -> Iterator[Variant]:
    """Registers first; then scalars, constants, literals, modifiers, clamp and halves."""
    count = len(model.sources)
    plain = (V,) * count

    def at(index: int, source: Source) -> tuple[Source, ...]:
        return (*plain[:index], source, *plain[index + 1 :])

    yield Variant(mnemonic, model, plain)
    yield Variant(mnemonic, model, at(0, Source("s")))
    yield Variant(mnemonic, model, at(count - 1, Source("s")))
    yield Variant(mnemonic, model, at(0, Source("-4")))
    yield Variant(mnemonic, model, at(count - 1, Source("17")))
    yield Variant(mnemonic, model, at(0, Source("0x12345")))
    if model.takes_modifiers:
        yield Variant(mnemonic, model, at(0, Source("0.5")))
        yield Variant(mnemonic, model, at(count - 1, Source("0.15915494309189532")))
        yield Variant(mnemonic, model, at(0, Source("v", negate=True)))
        yield Variant(mnemonic, model, at(count - 1, Source("v", absolute=True)))
        yield Variant(mnemonic, model, at(count - 1, Source("v", absolute=True, negate=True)))
    if TYPES[model.result].format or model.saturates:
        yield Variant(mnemonic, model, plain, clamp=True)
    if all(TYPES[t].bits == 16 for t in (model.result, *model.sources)):
        yield Variant(mnemonic, model, at(0, Source("v", high=True)))
        yield Variant(mnemonic, model, at(count - 1, Source("v", high=True)), high_result=True)
