"""Finds, from what LLVM prints for words, which field of an instruction says what."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from scripts.decoding.layouts import Field, Role
from scripts.decoding.modifier_fields import ModifierFields, number_samples
from scripts.decoding.operand_fields import samples
from scripts.decoding.records import Record, UnclearError, part_of
from scripts.decoding.texts import Parts


class Inference(ModifierFields):
    """Completes records of one layout."""

    def probes(self, record: Record) -> list[int]:
        """The words that `complete` asks for first."""
        return [word for one in self._asked_fields(record) for _, word in self._values(record, one)] + [
            record.base ^ 1 << bit for bit in self._other_bits(record)
        ]

    def complete(self, record: Record) -> None:
        """Finds what each field says. Raises UnclearError where no rule fits."""
        if record.size > 4 * record.layout.dwords:
            self._always_literal(record)
        # Operands first: bits may belong to them.
        for one in sorted(self._asked_fields(record), key=lambda one: one.role is not Role.OPERAND):
            values = self._values(record, one)
            answers = self.llvm.ask([word for _, word in values], record.layout.dwords)
            seen = {
                value: (printed, part_of(printed, record.layout))
                for (value, _), printed in zip(values, answers, strict=True)
            }
            if one.role is Role.IMMEDIATE:
                self._immediate(record, one, {value: parts for value, (_, parts) in seen.items()})
            elif one.role is Role.OPERAND:
                self._operand(record, one, seen)
            else:
                self._modifier(record, one, {value: parts for value, (_, parts) in seen.items()})
        self._check_other_bits(record)
        self._order(record)

    # ---- which fields, which values

    def _asked_fields(self, record: Record) -> list[Field]:
        single = {test.low for test in record.layout.tests if test.value is None}
        fixed = set()
        for test in record.layout.tests:
            if test.value is not None and record.base >> test.low & (1 << test.width) - 1 == test.value:
                fixed.add(test.low)
        return [one for one in record.fields if one.low not in single | fixed]

    def _values(self, record: Record, one: Field) -> list[tuple[int, int]]:
        if one.role is Role.IMMEDIATE:
            chosen: Sequence[int] = number_samples(one.width)
        elif one.role is Role.MODIFIER:
            brief = record.layout.brief
            whole = one.whole or one.width <= (2 if brief else 4)
            chosen = (
                range(1 << one.width) if whole else sorted({*samples(one.width, brief), one.of(record.base)})
            )
        else:
            chosen = samples(one.width, record.layout.brief)
        words = [(value, one.put(record.base, value)) for value in chosen]
        return [pair for pair in words if record.layout.tests_alike(pair[1], record.base)]

    def _other_bits(self, record: Record) -> list[int]:
        layout = record.layout
        taken = layout.encoding_mask | layout.zero
        low, width = layout.opcode
        for first, count in [(low, width), *((t.low, t.width) for t in layout.tests)]:
            taken |= ((1 << count) - 1) << first
        for one in record.fields:
            taken |= ((1 << one.width) - 1) << one.low
        return [bit for bit in range(32 * layout.dwords) if not taken >> bit & 1]

    def _check_other_bits(self, record: Record) -> None:
        record.must_mask |= record.layout.zero
        bits = self._other_bits(record)
        answers = self.llvm.ask([record.base ^ 1 << bit for bit in bits], record.layout.dwords)
        for bit, printed in zip(bits, answers, strict=True):
            parts = part_of(printed, record.layout)
            if parts != record.parts:
                if parts is not None:
                    raise UnclearError(f"bit {bit} makes it {parts}")
                record.must_mask |= 1 << bit

    def _order(self, record: Record) -> None:
        """Puts modifiers in the order in which they are written, by words that show them together."""
        record.modifiers += [(["c", word], 0) for word in self._constant(record)]
        shown = [self._with(record, [place]) for place in range(len(record.modifiers))]
        words = [self._with(record, list(range(len(shown))))]
        words += [self._with(record, list(pair)) for pair in itertools.combinations(range(len(shown)), 2)]
        single = [part_of(p, record.layout) for p in self.llvm.ask(shown, record.layout.dwords)]
        names = []
        for place, parts in enumerate(single):
            if parts is None:
                raise UnclearError(f"a modifier {record.modifiers[place]} alone")
            spec = record.modifiers[place][0]
            new = (w for w in parts.modifiers if w not in record.parts.modifiers)
            names.append(str(spec[1]) if spec[0] == "c" else next(new, None))
        before: set[tuple[int, int]] = set()
        for printed in self.llvm.ask(words, record.layout.dwords):
            parts = part_of(printed, record.layout)
            if parts is None:
                continue
            at = {p: _position(parts, name) for p, name in enumerate(names) if name is not None}
            before |= {
                (a, b)
                for a, i in at.items()
                for b, j in at.items()
                if i is not None and j is not None and i < j
            }
        counts = [sum((other, place) in before for other in range(len(shown))) for place in range(len(shown))]
        ordered = sorted(range(len(shown)), key=lambda place: counts[place])
        record.modifiers = [record.modifiers[place] for place in ordered]

    def _constant(self, record: Record) -> list[str]:
        """The modifiers that no field says."""
        said: set[str] = set()
        for spec, _ in record.modifiers:
            if spec[0] == "t":
                table = spec[3]
                assert isinstance(table, int)
                said |= {word for text in self.tables.all[table] if text for word in text.split()}
            elif spec[0] == "f":
                said |= {w for w in record.parts.modifiers if w.startswith(str(spec[3]))}
            else:
                said |= {w for w in record.parts.modifiers if w.startswith(f"{spec[1]}:")}
        return [word for word in record.parts.modifiers if word not in said]

    def _with(self, record: Record, places: list[int]) -> int:
        word = record.base
        for place in places:
            spec, shown = record.modifiers[place]
            if spec[0] == "c":
                continue
            low = spec[1] if spec[0] != "l" else None
            if isinstance(low, int):
                width = spec[2]
                assert isinstance(width, int)
                word = word & ~(((1 << width) - 1) << low) | shown
            else:
                lows = spec[3]
                assert isinstance(lows, list)
                # Of a list, the bit that was seen first, away from its default.
                bit = next(one for one in lows if one >= 0)
                word ^= 1 << bit if (word >> bit & 1) == spec[2] else 0
        return word


def _position(parts: Parts, word: str) -> int | None:
    name = word.partition(":")[0]
    places = [place for place, one in enumerate(parts.modifiers) if one.partition(":")[0] == name]
    return places[0] if places else None
