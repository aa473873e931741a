"""The instructions of a format: which there are, by words that LLVM takes for one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from scripts.decoding.layouts import Field, Layout
from scripts.decoding.probing import Disassembler, Printed
from scripts.decoding.texts import Parts, split


class UnclearError(Exception):
    """What LLVM printed fits no rule."""


@dataclass
class Record:
    """One instruction: what the table will say of it."""

    key: int
    layout: Layout
    fields: tuple[Field, ...]
    base: int
    fixed_bits: int
    parts: Parts
    size: int
    # Operand position -> its description; modifiers with the word that shows them, to be put in order.
    operands: dict[int, list[object]] = field(default_factory=dict)
    modifiers: list[tuple[list[object], int]] = field(default_factory=list)
    must_mask: int = 0
    literal: str | None = None


def part_of(printed: Printed | None, layout: Layout) -> Parts | None:
    """The parts that a layout looks at; of a pair, one half."""
    # LLVM writes comments for what is reserved; s_delay_alu, which only gives advice, is one all the same.
    if printed is None or ("/*" in printed.text and not printed.text.startswith("s_delay_alu")):
        return None
    text = printed.text
    if layout.part is not None:
        text = text.split(" :: ")[layout.part]
    return split(text)


def variants(layout: Layout, opcodes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The key of each opcode with each result of the layout's tests, and the bits that make it so."""
    for opcode in opcodes:
        for results in itertools.product(*(test.choices() for test in layout.tests)):
            fixed, key = layout.fixed | opcode << layout.opcode[0], opcode
            chosen = list(zip(layout.tests, results, strict=True))
            for test, (result, _) in chosen:
                key = key << (test.width if test.value is None else 1) | result
            # What holds is written last: several tests may be of one field.
            for test, (_, value) in sorted(chosen, key=lambda one: one[1][0]):
                fixed = fixed & ~(((1 << test.width) - 1) << test.low) | value << test.low
            # Two tests of one field cannot both hold.
            if all(
                test.result(fixed) == result for test, (result, _) in zip(layout.tests, results, strict=True)
            ):
                yield key, fixed


def fields_of(layout: Layout, key: int, plain: Mapping[int, Record] | None) -> list[tuple[Field, ...]]:
    """The fields that an instruction may have. `plain` are the instructions of the format that this one
    extends: there, they are known, and so are values that the instruction takes."""
    if plain is None:
        return [layout.fields, *layout.alternatives]
    opcode = key >> sum(1 if test.value is not None else test.width for test in layout.tests)
    one = plain[opcode]
    chosen = ((), *one.layout.alternatives).index(one.fields) if one.fields != one.layout.fields else 0
    kept = {known.name: known.of(one.base) for known in one.fields}
    fields = (layout.fields, *layout.alternatives)[chosen]
    return [
        tuple(replace(f, bases=(kept[f.name],)) if f.name in kept and f.name != "src0" else f for f in fields)
    ]


def records(
    layout: Layout, llvm: Disassembler, opcodes: Sequence[int], plain: Mapping[int, Record] | None
) -> Iterator[Record]:
    """An instruction for each opcode and each result of the layout's tests that LLVM knows, without what its
    fields say."""
    for key, fixed in variants(layout, opcodes):
        for fields in fields_of(layout, key, plain):
            found = _base(layout, llvm, fields, fixed)
            if found is not None and layout.has(found[0]):
                base, printed = found
                parts = part_of(printed, layout)
                assert parts is not None
                if plain is not None and not parts.modifiers:
                    continue  # the format that this one extends, with this as its source
                if parts.mnemonic == "v_illegal":
                    continue  # of zeros only: padding
                yield Record(key, layout, fields, base, layout.fixed, parts, printed.size)


def prefetch(
    layout: Layout, llvm: Disassembler, opcodes: Sequence[int], plain: Mapping[int, Record] | None
) -> None:
    """Asks at once for all words that `records` will ask for."""
    wanted = []
    for key, fixed in variants(layout, opcodes):
        for fields in fields_of(layout, key, plain):
            wanted += [word for _, word in _candidates(layout, fields, fixed)]
    llvm.ask(wanted, layout.dwords)


def _candidates(layout: Layout, fields: tuple[Field, ...], fixed: int) -> Iterator[tuple[int, int]]:
    """Words for an instruction, with how many of its fields are not at their best values."""
    tested = sum(((1 << test.width) - 1) << test.low for test in {t.low: t for t in layout.tests}.values())
    choices = [
        ((0, None),) if tested >> one.low & (1 << one.width) - 1 else tuple(enumerate(one.bases))
        for one in fields
    ]
    sources = [place for place, one in enumerate(fields) if one.name in ("src0", "src1", "src2")]
    for chosen in itertools.product(*choices):
        # Sources that are not used are the last ones.
        empty = [chosen[place][1] == 0 for place in sources]
        if empty != sorted(empty):
            continue
        word = fixed
        for one, (_, value) in zip(fields, chosen, strict=True):
            if value is not None:
                word = one.put(word, value)
        yield sum(rank for rank, _ in chosen), word


def _base(
    layout: Layout, llvm: Disassembler, fields: tuple[Field, ...], fixed: int
) -> tuple[int, Printed] | None:
    ranked = sorted(_candidates(layout, fields, fixed))
    for (_, word), printed in zip(ranked, llvm.ask([w for _, w in ranked], layout.dwords), strict=True):
        if part_of(printed, layout) is not None:
            assert printed is not None
            return word, printed
    return None


class Tables:
    """Tables of texts by value, each kept once."""

    def __init__(self) -> None:
        self.all: list[list[str | None]] = []
        self.signatures: dict[tuple[object, ...], int] = {}
        self.names: dict[str, dict[int, str]] = {}
        self._places: dict[tuple[str | None, ...], int] = {}

    def add(self, texts: list[str | None]) -> int:
        """The number of the table with these texts."""
        key = tuple(texts)
        if key not in self._places:
            self._places[key] = len(self.all)
            self.all.append(texts)
        return self._places[key]
