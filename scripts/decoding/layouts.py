"""Where the fields of each microcode format lie: AMD's ISA manuals, chapter "Microcode Formats".

Positions are bits of the whole instruction, dword after dword, the first one lowest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from rocverify.device.emulator.isa.encodings import Format


class Role(Enum):
    """What the bits of a field are."""

    OPERAND = "operand"  # a register, or a source: what it says is found for each value
    MODIFIER = "modifier"  # a few bits that stand for a flag or a choice
    IMMEDIATE = "immediate"  # a number


@dataclass(frozen=True, slots=True)
class Field:
    """Bits `low` to `low + width - 1`. `bases`: values to try it with while the others are looked at.
    `whole`: what some of its values say does not tell what the others do."""

    name: str
    low: int
    width: int
    role: Role
    bases: tuple[int, ...] = (0,)
    whole: bool = False

    def put(self, word: int, value: int) -> int:
        """The word with this value in the field."""
        mask = (1 << self.width) - 1
        return word & ~(mask << self.low) | (value & mask) << self.low

    def of(self, word: int) -> int:
        """Its value in a word."""
        return word >> self.low & (1 << self.width) - 1


@dataclass(frozen=True, slots=True)
class Test:
    """Something besides the opcode that changes which operands there are: whether a field holds `value`; all
    values of the field where that is None."""

    low: int
    width: int
    value: int | None = None
    otherwise: int = 0

    def choices(self) -> tuple[tuple[int, int], ...]:
        """What it adds to an instruction's key, and a value of the field that does."""
        if self.value is None:
            return tuple((value, value) for value in range(1 << self.width))
        return ((0, self.otherwise), (1, self.value))

    def result(self, word: int) -> int:
        """What it adds to the key of a word."""
        found = word >> self.low & (1 << self.width) - 1
        return found if self.value is None else int(found == self.value)


@dataclass(frozen=True, slots=True)
class Layout:
    """A microcode format: its bytes, its opcode field and the others. `fixed`: bits that are set while it is
    asked about. `named`: only mnemonic and size are found. `part`: of a pair, the half that is looked at.
    `of`: the format whose opcodes it can have. `alternatives`: other fields that opcodes of it may have.
    `zero`: bits that are not decoded."""

    name: str
    dwords: int
    opcode: tuple[int, int]
    fields: tuple[Field, ...]
    tests: tuple[Test, ...] = ()
    fixed: int = 0
    named: bool = False
    part: int | None = None
    of: str | None = None
    alternatives: tuple[tuple[Field, ...], ...] = field(default=())
    zero: int = 0
    encoding_mask: int = 0
    formats: Sequence[Format] = ()

    def tests_alike(self, one: int, other: int) -> bool:
        """Whether two words have the same results of its tests."""
        return all(test.result(one) == test.result(other) for test in self.tests)

    @property
    def brief(self) -> bool:
        """Whether its fields are much like those of another format."""
        return self.of is not None or self.name in ("MUBUF", "MTBUF")

    def has(self, word: int) -> bool:
        """Whether a word has this format, not one that comes before it."""
        if self.part is not None:
            return True
        dwords = [word >> 32 * place & 0xFFFFFFFF for place in range(self.dwords)]
        for one in self.formats:
            if all(bits.holds(dwords) for bits in one.fields):
                return one.table == self.name
        return False


def vector(name: str, low: int, place: int, width: int = 8) -> Field:
    """A field that holds a VGPR, mostly."""
    return Field(name, low, width, Role.OPERAND, (20 + 8 * place, 126, 0))


def source(name: str, low: int, place: int) -> Field:
    """The nine bits of a vector source."""
    return Field(name, low, 9, Role.OPERAND, (276 + 8 * place, 8 * place + 16, 0))


def scalar(name: str, low: int, place: int, width: int = 8) -> Field:
    """A field that holds SGPRs, mostly."""
    return Field(name, low, width, Role.OPERAND, (8 + 8 * place, 0, 124))


def flag(name: str, low: int, width: int = 1, bases: tuple[int, ...] = (0,)) -> Field:
    """A field that stands for a flag or a choice."""
    return Field(name, low, width, Role.MODIFIER, bases)


def number(name: str, low: int, width: int) -> Field:
    """A field that is a number."""
    return Field(name, low, width, Role.IMMEDIATE, (0,))


def bits(name: str, lows: range, bases: tuple[int, ...] = (0,)) -> tuple[Field, ...]:
    """One-bit fields beside each other."""
    return tuple(flag(f"{name}{place}", low, 1, bases) for place, low in enumerate(lows))


def sdwa(layout: Layout) -> Layout:
    """A vector format's form with a dword that selects bytes and halves, which holds the first source."""
    compare = layout.name == "VOPC"
    kept = tuple(one for one in layout.fields if one.name != "src0")
    selections = (
        vector("src0", 32, 0),
        *((scalar("sdst", 40, 2, 7),) if compare else
          (flag("dst_sel", 40, 3, (6,)), flag("dst_unused", 43, 2), flag("clamp", 45), flag("omod", 46, 2))),
        flag("src0_sel", 48, 3, (6,)), *bits("src0_", range(51, 54)),
        flag("src1_sel", 56, 3, (6, 0)), *bits("src1_", range(59, 62)),
    )  # fmt: skip
    return replace(
        layout,
        name=f"{layout.name}_SDWA",
        dwords=2,
        fields=(*selections, *kept),
        tests=(Test(55, 1), Test(63, 1), *((Test(47, 1),) if compare else ())),
        fixed=layout.fixed | 249,
        of=layout.name,
    )


def dpp(layout: Layout, dword: int) -> tuple[Layout, ...]:
    """A vector format's forms with a dword of lane control, which holds the first source."""
    at, bit = 32 * dword, 32 * (dword - 1)
    kept = tuple(one for one in layout.fields if one.name != "src0")
    first = vector("src0", at, 0)
    control = (
        first, flag("ctrl", at + 8, 9), flag("fi", at + 18), flag("bc", at + 19),
        *bits("srcmod", range(at + 20, at + 24)), flag("bank", at + 24, 4, (15,)),
        flag("row", at + 28, 4, (15,)),
    )  # fmt: skip
    lanes = (first, number("dpp8", at + 8, 24))
    others = tuple(tuple(one for one in fields if one.name != "src0") for fields in layout.alternatives)
    return tuple(
        replace(
            layout,
            name=f"{layout.name}_{kind}",
            dwords=dword + 1,
            fields=(*extra, *kept),
            fixed=layout.fixed | announced << bit,
            of=layout.name,
            alternatives=tuple((*extra, *fields) for fields in others),
        )
        for kind, announced, extra in (
            ("DPP16", 250, control),
            ("DPP8", 233, lanes),
            ("DPP8FI", 234, lanes),
        )
    )
