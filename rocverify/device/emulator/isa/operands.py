"""Operands of machine instructions, as LLVM's disassembler writes them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import Enum

from rocverify.errors import DeviceError


class OperandKind(Enum):
    """What an operand is."""

    SGPR = "sgpr"
    VGPR = "vgpr"
    INTEGER = "integer"  # an inline integer, or a field of the instruction
    LITERAL = "literal"  # a 32-bit literal, by its bits
    FLOAT = "float"  # an inline float constant
    SPECIAL = "special"  # src_shared_base, hwreg(...), ...
    NULL = "null"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Operand:
    """One operand. Registers have the `index` of the first of `count` dwords; `half` is "l" or "h"
    where a 16-bit half is named; `negate` and `absolute` are source modifiers, absolute first; `extend` of
    SDWA: what is selected of it has a sign."""

    kind: OperandKind
    index: int = 0
    count: int = 1
    value: float = 0.0
    name: str = ""
    half: str = ""
    negate: bool = False
    absolute: bool = False
    extend: bool = False

    @property
    def is_register(self) -> bool:
        """Whether it is a scalar or a vector register."""
        return self.kind in (OperandKind.SGPR, OperandKind.VGPR)

    @property
    def integer(self) -> int:
        """The value of an immediate operand; DeviceError for a register."""
        if self.kind in (OperandKind.INTEGER, OperandKind.LITERAL):
            return self.index
        raise DeviceError(f"operand {self} is not an immediate", hint="report this disassembly as a bug")

    def part(self, offset: int) -> Operand:
        """The dword `offset` of a register tuple."""
        return Operand(self.kind, self.index + offset, 1, self.value, self.name)


FLAT_SCRATCH, XNACK_MASK, VCC, TTMP, NULL_INDEX, M0, EXEC = 102, 104, 106, 108, 124, 125, 126

AGPR = 256
"""Accumulation registers are vector registers from this number on."""

_NAMED = {
    "flat_scratch": (FLAT_SCRATCH, 2),
    "flat_scratch_lo": (FLAT_SCRATCH, 1),
    "flat_scratch_hi": (FLAT_SCRATCH + 1, 1),
    "xnack_mask": (XNACK_MASK, 2),
    "xnack_mask_lo": (XNACK_MASK, 1),
    "xnack_mask_hi": (XNACK_MASK + 1, 1),
    "vcc": (VCC, 2),
    "vcc_lo": (VCC, 1),
    "vcc_hi": (VCC + 1, 1),
    "exec": (EXEC, 2),
    "exec_lo": (EXEC, 1),
    "exec_hi": (EXEC + 1, 1),
    "m0": (M0, 1),
}
_BANKS = {"ttmp": TTMP, "a": AGPR}
_REGISTER = re.compile(r"(s|v|a|ttmp)(?:(\d+)|\[(\d+):(\d+)\])(?:\.([lh]))?")
_INTEGER = re.compile(r"-?\d+")
_HEX = re.compile(r"-?0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")
_SPECIAL = re.compile(
    r"src_\w+|hwreg\(.*\)|sendmsg\(.*\)|lgkmcnt\(.*\)|vmcnt\(.*\)|\w+_cnt\(.*\)|instid\d.*|0x.*|attr.*|lit\(.*\)"
)


def parse_operand(text: str) -> Operand:
    """One operand as the disassembler writes it; DeviceError for a form that is not known."""
    text = text.strip()
    negate = absolute = False
    if text.startswith("-") and not any(form.fullmatch(text) for form in (_INTEGER, _HEX, _FLOAT)):
        negate, text = True, text[1:]
    if text.startswith("neg(") and text.endswith(")"):
        negate, text = True, text[4:-1]
    if text.startswith("sext(") and text.endswith(")"):
        return replace(_parse_plain(text[5:-1]), extend=True)
    if text.startswith("|") and text.endswith("|"):
        absolute, text = True, text[1:-1]
    plain = _parse_plain(text)
    if not (negate or absolute):
        return plain
    return Operand(
        plain.kind, plain.index, plain.count, plain.value, plain.name, plain.half, negate, absolute
    )


def _parse_plain(text: str) -> Operand:
    if text in _NAMED:
        index, count = _NAMED[text]
        return Operand(OperandKind.SGPR, index, count, name=text)
    if match := _REGISTER.fullmatch(text):
        return _register(match, text)
    if text == "null":
        return Operand(OperandKind.NULL, name=text)
    if text == "off":
        return Operand(OperandKind.OFF, name=text)
    if _INTEGER.fullmatch(text):
        return Operand(OperandKind.INTEGER, int(text), name=text)
    if _HEX.fullmatch(text):
        return Operand(OperandKind.LITERAL, int(text, 16), name=text)
    if _FLOAT.fullmatch(text):
        return Operand(OperandKind.FLOAT, value=float(text), name=text)
    if _SPECIAL.fullmatch(text):
        return Operand(OperandKind.SPECIAL, name=text)
    raise DeviceError(f"the disassembler wrote an operand of unknown form: {text!r}")


def _register(match: re.Match[str], text: str) -> Operand:
    bank, single, first, last, half = match.groups()
    index = int(single if single is not None else first)
    count = 1 if single is not None else int(last) - index + 1
    kind = OperandKind.VGPR if bank in ("v", "a") else OperandKind.SGPR
    return Operand(kind, index + _BANKS.get(bank, 0), count, name=text, half=half or "")


def split_operands(text: str) -> list[str]:
    """Splits at top-level commas; brackets and parentheses keep theirs."""
    return split_outside(text, ",")


def split_outside(text: str, separator: str) -> list[str]:
    """The non-empty parts between separators that stand outside brackets and parentheses."""
    parts, depth, current = [], 0, ""
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == separator and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += char
    return [part.strip() for part in [*parts, current] if part.strip()]
