"""What a family's table for decoding holds (families/*.json), as the decoder reads it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from rocverify.device.emulator.isa.operands import Operand, OperandKind, parse_operand
from rocverify.errors import DeviceError

LITERAL_SOURCE = 255
_IS_LITERAL = "!"
"""Begins a table's text that is the form of the literal behind the instruction."""


class Decoded(NamedTuple):
    """What words say, wherever they lie. `format`: the microcode format's name; `size`: bytes; `second`: the
    Y half of a pair."""

    mnemonic: str
    encoding: str
    operands: tuple[Operand, ...]
    modifiers: Mapping[str, str]
    text: str
    size: int
    format: str
    second: Decoded | None = None


class Literal(NamedTuple):
    """Stands in a table for the dword behind the instruction, and says how it is written."""

    form: str


Entry = tuple[str, Operand] | Literal | None


@dataclass(slots=True)
class Table:
    """What a field's values say: texts, as runs have them, and operands, once they are asked for."""

    runs: Sequence[Sequence[Any]]
    operands: dict[int, Entry] = field(default_factory=dict)
    read: list[str | None] = field(default_factory=list)

    @property
    def texts(self) -> list[str | None]:
        """By value."""
        if not self.read:
            self.read = texts_of(self.runs)
        return self.read

    @property
    def has_literal(self) -> bool:
        """Whether a value stands for a dword behind the instruction."""
        text = self.texts[LITERAL_SOURCE]
        return text is not None and text.startswith(_IS_LITERAL)

    def operand(self, value: int) -> Entry:
        """What a value stands for; None if nothing does."""
        if value not in self.operands:
            text = self.texts[value]
            if text is None:
                self.operands[value] = None
            elif text.startswith(_IS_LITERAL):
                self.operands[value] = Literal(text[1:])
            else:
                self.operands[value] = (text, constant(text))
        return self.operands[value]


@dataclass(slots=True)
class Row:
    """One instruction of a table. `name`: mnemonic with its suffix; `size`: bytes without a literal that a
    source may ask for; `must_*`: bits that must hold a value; `literals`: fields (lowest bit, mask) that
    ask for the literal at bit `literal_at`; `opaque`: its operands are text only; `halves`: for 16-bit
    operands by place the bit that names the upper half."""

    name: str
    mnemonic: str
    encoding: str
    size: int
    must_mask: int
    must_value: int
    operands: Sequence[Any]
    modifiers: Sequence[Any]
    literals: tuple[tuple[int, int], ...]
    literal_at: int
    opaque: bool
    halves: Mapping[int, int]
    known: dict[int, Decoded | None] = field(default_factory=dict)


@dataclass(slots=True)
class FormatTable:
    """The instructions of one format, by their opcode and what else of the word tells them apart. data: as
    the table has them; made: the rows that were asked for; make: makes one."""

    name: str
    opcode_low: int
    opcode_mask: int
    tests: tuple[tuple[int, int, int | None], ...]
    data: Mapping[str, Sequence[Any]]
    make: Callable[[Sequence[Any]], Row]
    made: dict[int, Row | None] = field(default_factory=dict)

    @property
    def rows(self) -> Iterator[Row]:
        """All instructions."""
        return (row for key in self.data if (row := self._row(int(key))) is not None)

    def reach(self) -> int:
        """The highest bit, plus one, that decides which instruction it is, and whether it is one."""
        masks = (int(mask, 16).bit_length() for _, _, mask, *_ in self.data.values())
        return max(32, *(low + width for low, width, _ in self.tests), *masks)

    def row(self, word: int) -> Row | None:
        """The instruction of a word; None if there is none."""
        key = word >> self.opcode_low & self.opcode_mask
        for low, width, value in self.tests:
            found = word >> low & (1 << width) - 1
            key = key << width | found if value is None else key << 1 | (found == value)
        return self._row(key)

    def _row(self, key: int) -> Row | None:
        if key not in self.made:
            data = self.data.get(str(key))
            self.made[key] = None if data is None else self.make(data)
        return self.made[key]


@cache
def constant(text: str) -> Operand:
    """The operand that a text stands for; by its name where the translator has no form for it."""
    try:
        return parse_operand(text)
    except DeviceError:
        return Operand(OperandKind.SPECIAL, name=text)


def texts_of(runs: Sequence[Sequence[Any]]) -> list[str | None]:
    """The texts of the values 0 to 511, from runs as the table has them."""
    texts: list[str | None] = [None] * 512
    for run in runs:
        if len(run) == 2:
            texts[run[0]] = run[1]
            continue
        first, count, shape, numbers, steps = run
        for place in range(count):
            own = [number + step * place for number, step in zip(numbers, steps, strict=True)]
            texts[first + place] = shape.format(*own)
    return texts
