"""MFMA and SMFMAC of CDNA from AMD's matrix layouts: which element a lane's bits are, and what an element of
the product is. The order of additions, which no manual says, is the one that runtime/matrix_cdna.c states."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from tests.device.emulator.translate.semantics import softfloat as sf
from tests.device.emulator.translate.semantics.models import mask, signed
from tests.device.emulator.translate.semantics.models_cdna import FNUZ
from tests.device.emulator.translate.semantics.softfloat import BF16, F16, F32, F64

LANES = 64
BITS = {"f16": 16, "bf16": 16, "i8": 8, "fp8": 8, "bf8": 8, "f32": 32, "xf32": 32, "f64": 64}
Registers = Sequence[Sequence[int]]
_NAME = re.compile(
    r"v_(?P<kind>mfma|smfmac)_(?:f32|i32|f64)_(?P<rows>\d+)x\d+x(?P<depth>\d+)(?:_(?P<blocks>\d+)b)?_?"
    r"(?P<a>xf32|bf16|f16|f32|f64|i8|fp8|bf8)(?:_(?P<b>fp8|bf8))?(?P<whole>_1k)?"
)


@dataclass(frozen=True)
class Kind:
    """One instruction: D is `rows` by `rows`, `blocks` times; A and B have `depth` elements along k."""

    mnemonic: str
    a: str
    b: str
    rows: int
    depth: int
    blocks: int
    sparse: bool = False

    @classmethod
    def of(cls, mnemonic: str) -> Kind:
        """From its name, which in CDNA 2 does not say the blocks: the lanes have room for so many."""
        found = _NAME.fullmatch(mnemonic)
        assert found is not None, mnemonic
        rows, depth, a = int(found["rows"]), int(found["depth"]), found["a"]
        sparse = found["kind"] == "smfmac"
        blocks = int(found["blocks"] or 1)
        if not found["blocks"] and not sparse and f"x{depth}_" not in mnemonic:
            # CDNA 2: a lane has one dword of i8 and of its own bfloats, else four halves, or one number.
            each = {"i8": 4, "f16": 4, "bf16": 4 if found["whole"] else 2}.get(a, 1)
            blocks = LANES * each // (rows * depth)
        return cls(mnemonic, a, found["b"] or a, rows, depth, blocks, sparse)

    @property
    def kept(self) -> int:
        """Elements of a row of A along k."""
        return self.depth // 2 if self.sparse else self.depth

    def dwords(self, depth: int, name: str) -> int:
        """Registers of A or B."""
        return self.blocks * self.rows * depth * BITS[name] // (32 * LANES)

    @property
    def outputs(self) -> int:
        """Registers of C and D."""
        return self.rows**2 * self.blocks * (2 if self.a == "f64" else 1) // LANES


@dataclass(frozen=True)
class Form:
    """Modifiers, and the constant that C is, if it is one."""

    cbsz: int = 0
    abid: int = 0
    blgp: int = 0
    constant: str = ""
    negated: tuple[int, int, int] = (0, 0, 0)

    def tail(self) -> str:
        """As the assembler has them."""
        words = [f"{name}:{value}" for name in ("cbsz", "abid", "blgp") if (value := getattr(self, name))]
        words += [f"neg:[{','.join(map(str, self.negated))}]"] if any(self.negated) else []
        return "".join(f" {word}" for word in words)


@cache
def side(rows: int, blocks: int, depth: int) -> Mapping[tuple[int, int, int], tuple[int, int]]:
    """Of A: lane and place in it, by row, element along k, and block; of B by column."""
    each = blocks * rows * depth // LANES
    found = {}
    for lane in range(LANES):
        row, group = lane % rows, lane // rows
        for place in range(each):
            found[row, group // blocks * each + place, group % blocks] = (lane, place)
    return found


@cache
def product(kind: Kind) -> Mapping[tuple[int, int, int], tuple[int, int]]:
    """Of C and D: lane and register, by row, column and block; registers of doubles are pairs."""
    found = {}
    registers = kind.rows**2 * kind.blocks // LANES
    for lane in range(LANES):
        for register in range(registers):
            column, block = lane % kind.rows, 0
            if kind.a == "f64" and kind.rows == 4:
                row, block = lane // 16, lane // 4 % 4
            elif kind.a == "f64":
                row = 4 * register + lane // 16
            elif kind.rows == 4:
                row, block = register, lane // 4
            elif kind.rows == 16:
                row, block = 4 * (lane // 16) + register % 4, register // 4
            else:
                row, block = 8 * (register // 4 % 4) + 4 * (lane // 32) + register % 4, register // 16
            found[row, column, block] = (lane, register)
    return found


@dataclass
class Operands:
    """What the registers hold before: `a`, `b`, `c` and `index`, a row of lanes each."""

    kind: Kind
    form: Form
    a: Registers
    b: Registers
    c: Registers
    index: Sequence[int]
    constant: int = 0
    flushes: bool = False
    known: dict[tuple[str, int, int, int], int] = field(default_factory=dict)

    def element(self, which: str, row: int, k: int, block: int) -> int:
        """An element's bits, after CBSZ, ABID and BLGP."""
        kind = self.kind
        name, depth, registers = (kind.a, kind.kept, self.a) if which == "a" else (kind.b, kind.depth, self.b)
        if which == "a" and self.form.cbsz:
            group = 1 << self.form.cbsz
            block = block // group * group + self.form.abid
        lane, place = side(kind.rows, kind.blocks, depth)[row, k, block]
        if which == "b":
            lane = _lane_of_b(self.form.blgp, lane)
        bits = BITS[name]
        if bits == 64:
            return registers[2 * place][lane] | registers[2 * place + 1][lane] << 32
        dword = registers[place * bits // 32][lane]
        return dword >> place * bits % 32 & mask(bits)

    def partner(self, row: int, j: int) -> int:
        """Which element of B belongs to element j of a row of A."""
        kind = self.kind
        if not kind.sparse:
            return j
        lane, place = side(kind.rows, kind.blocks, kind.kept)[row, j, 0]
        each = kind.blocks * kind.rows * kind.kept // LANES
        chosen = 0 if self.form.cbsz else self.form.abid
        return j // 2 * 4 + (self.index[lane] >> 2 * (each * chosen + place) & 3)

    def expected(self, row: int, column: int, block: int) -> int:
        """The bits of an element of D."""
        kind = self.kind
        lane, register = product(kind)[row, column, block]
        if kind.a == "f64":
            return self._double(row, column, block, lane, register)
        total = self.constant if self.form.constant else self.c[register][lane]
        if kind.a != "i8":
            total = self._flushed(total)
        for j in range(kind.kept):
            a = self.element("a", row, j, block)
            b = self.element("b", column, self.partner(row, j), block)
            if kind.a == "i8":
                total = total + signed(a, 8) * signed(b, 8) & mask(32)
            else:
                total = sf.fma(F32, self._single(kind.a, a), self._single(kind.b, b), total)
        return total if kind.a == "i8" else self._flushed(total)

    def _double(self, row: int, column: int, block: int, lane: int, register: int) -> int:
        total = self.constant
        if not self.form.constant:
            total = self.c[2 * register][lane] | self.c[2 * register + 1][lane] << 32
        signs = [bit << 63 for bit in self.form.negated]
        total ^= signs[2]
        for k in range(self.kind.depth):
            a, b = self.element("a", row, k, block), self.element("b", column, k, block)
            total = sf.fma(F64, a ^ signs[0], b ^ signs[1], total)
        return total

    def _flushed(self, bits: int) -> int:
        return bits & 1 << 31 if self.flushes and sf.is_denormal(F32, bits) else bits

    def _single(self, name: str, bits: int) -> int:
        if name in FNUZ:
            return FNUZ[name].single(bits)
        if name == "xf32":
            return _nineteen(bits)
        source = {"f16": F16, "bf16": BF16, "f32": F32}[name]
        if self.flushes and sf.is_denormal(source, bits):
            bits &= 1 << 15
        return bits if source is F32 else sf.convert(source, F32, bits)


def _nineteen(bits: int) -> int:
    """Rounded to nearest even at 13 bits less; special values lose them."""
    if not sf.is_finite(F32, bits):
        return bits & ~mask(13)
    whole, rest = bits >> 13, bits & mask(13)
    whole += rest > 1 << 12 or (rest == 1 << 12 and whole & 1)
    return whole << 13


def _lane_of_b(blgp: int, lane: int) -> int:
    if blgp in (1, 2):
        return lane % 32 + 32 * (blgp - 1)
    if blgp == 3:
        return (lane + 16) % 64
    return lane % 16 + 16 * (blgp - 4) if blgp >= 4 else lane
