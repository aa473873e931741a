"""Which operand a field of an instruction is."""

from __future__ import annotations

from collections.abc import Container, Sequence

from rocverify.device.emulator.isa.numbers import FORMS, LITERAL_FORMS
from scripts.decoding.layouts import Field
from scripts.decoding.probing import FILLER, Disassembler, Printed
from scripts.decoding.records import Record, Tables, UnclearError, part_of
from scripts.decoding.texts import Parts

LITERAL_TEXTS = (hex(FILLER), hex(FILLER & 0xFFFF))
_LITERAL_SAMPLES = (
    0, 1, 64, 65, 0xFFFFFFF0, 0xFFFFFFEF, 0x3F800000, 0x3C00, 0x3E22F983, 0x3118, 0x12345678, 0xFFFF, 0xFFF0,
    0xFFFFFFFF, 0x10000, 0x3FF00000, 0x3F80, 0x3E22, 0xBC00, 0x40000000,
)  # fmt: skip


def samples(width: int, brief: bool) -> Sequence[int]:
    """Values that tell fields of different kinds apart: the ends of every range that there is for some. Fewer
    of them for formats that extend others."""
    if brief:
        few: tuple[int, ...] = (
            0, 1, 8, 9, 15, 25, 31, 48, 63, 104, 105, 106, 107, 124, 126, 127, 128, 192, 225, 240, 241, 249,
            252, 253, 254, 255, 256, 257, 289, 321, 383, 384, 400, 496, 508, 510, 511,
        )  # fmt: skip
        return [one for one in few if one < 1 << width]
    if width <= 4:
        return range(1 << width)
    if width <= 6:
        return (*range(6), 24, 25, 26, 27, 30, 31, *(range(48, 64) if width == 6 else ()))
    seven = (
        0,
        1,
        2,
        3,
        4,
        5,
        8,
        16,
        64,
        89,
        90,
        96,
        97,
        98,
        99,
        100,
        101,
        102,
        *range(103, 110),
        *range(120, 128),
    )
    if width == 7:
        return seven
    eight = (
        *seven, 128, 129, 192, 193, 208, 209, 224, 225, 233, *range(235, 243), 247, 248, 249,
        *range(250, 256),
    )  # fmt: skip
    if width == 8:
        return eight
    return (*eight, 256, 257, 258, 383, 384, 480, 481, 496, 497, *range(500, 512))


class OperandFields:
    """Finds operands. `tables` keeps each table of values once."""

    def __init__(self, llvm: Disassembler, tables: Tables) -> None:
        self.llvm, self.tables = llvm, tables

    def _always_literal(self, record: Record) -> None:
        for place, text in enumerate(record.parts.operands):
            if text in LITERAL_TEXTS:
                words = [record.base | value << 32 * record.layout.dwords for value in _LITERAL_SAMPLES]
                answers = self.llvm.ask(words, record.layout.dwords + 1)
                record.operands[place] = ["l", self._literal_form(record, place, answers)]
        if not record.operands:
            raise UnclearError("a literal that is nowhere")

    def _literal_form(self, record: Record, place: int, answers: list[Printed | None]) -> str:
        texts = []
        for printed in answers:
            parts = part_of(printed, record.layout)
            if parts is None or len(parts.operands) <= place:
                raise UnclearError("a literal changes the instruction")
            texts.append(parts.operands[place])
        for name in LITERAL_FORMS:
            if all(FORMS[name](value) == text for value, text in zip(_LITERAL_SAMPLES, texts, strict=True)):
                return name
        raise UnclearError(f"literals {texts}")

    def _operand(
        self, record: Record, one: Field, seen: dict[int, tuple[Printed | None, Parts | None]]
    ) -> None:
        places = self._places(record, {value: parts for value, (_, parts) in seen.items()})
        for place in places:
            table: dict[int, str | None] = {}
            for value, (printed, parts) in seen.items():
                table[value] = _operand_text(record, parts, place)
                literal = printed is not None and (
                    printed.size > record.size or table[value] in LITERAL_TEXTS
                )
                if literal and table[value] is not None:
                    word = one.put(record.base, value)
                    words = [word | literal << 32 * record.layout.dwords for literal in _LITERAL_SAMPLES]
                    answers = self.llvm.ask(words, record.layout.dwords + 1)
                    table[value] = "!" + self._literal_form(record, place, answers)
            record.operands[place] = [
                "t",
                one.low,
                one.width,
                self._full(record, one, place, table),
                -1,
                -1,
                -1,
            ]

    def _full(self, record: Record, one: Field, place: int, table: dict[int, str | None]) -> int:
        known = self.tables.signatures.get((one.width, *table.items()))
        if known is not None:
            return known
        values = self._others(record, one, table)
        answers = self.llvm.ask([one.put(record.base, value) for value in values], record.layout.dwords)
        whole = dict(table)
        for value, printed in zip(values, answers, strict=True):
            parts = part_of(printed, record.layout)
            whole[value] = _operand_text(record, parts, place)
        found = self.tables.add([whole.get(value) for value in range(1 << one.width)])
        self.tables.signatures[(one.width, *table.items())] = found
        return found

    @staticmethod
    def _others(record: Record, one: Field, known: Container[int]) -> list[int]:
        """The values of a field that are not known yet, and that leave the tests' results as they are."""
        return [
            value
            for value in range(1 << one.width)
            if value not in known and record.layout.tests_alike(one.put(record.base, value), record.base)
        ]

    def _places(self, record: Record, seen: dict[int, Parts | None]) -> list[int]:
        """The operands that change with a field; everything else must stay."""
        places: set[int] = set()
        for parts in seen.values():
            if parts is None or parts.mnemonic != record.parts.mnemonic:
                continue
            same = parts.modifiers == record.parts.modifiers
            if not same or len(parts.operands) != len(record.parts.operands):
                raise UnclearError(f"becomes {parts}")
            pairs = enumerate(zip(parts.operands, record.parts.operands, strict=True))
            places |= {place for place, (new, old) in pairs if new != old}
        return sorted(places)


def _operand_text(record: Record, parts: Parts | None, place: int) -> str | None:
    """What a value makes of an operand; None where it makes no instruction, or one of another format."""
    if parts is None or parts.mnemonic != record.parts.mnemonic:
        return None
    if len(parts.operands) <= place:
        raise UnclearError(f"becomes {parts}")
    return parts.operands[place]
