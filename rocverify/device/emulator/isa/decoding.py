"""Words to instructions, by the table of a family (families/*.json, which scripts/decoding derives).

A table says for each opcode of each microcode format which field is which operand or modifier. Operand fields
that an instruction has no use for may hold anything: the hardware takes no notice of them, and compilers
differ in what they write there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from rocverify.device.emulator.isa import halves
from rocverify.device.emulator.isa.decoding_table import (
    LITERAL_SOURCE,
    Decoded,
    FormatTable,
    Literal,
    Row,
    Table,
    constant,
)
from rocverify.device.emulator.isa.encodings import Format
from rocverify.device.emulator.isa.numbers import (
    FORMS,
    HALF_LITERALS,
    hardware_register,
    message,
    whole_message,
)
from rocverify.device.emulator.isa.operands import Operand, OperandKind

LONGEST = 20
"""Bytes of the longest instruction."""


def _distinct(operands: Iterable[Operand]) -> tuple[Operand, ...]:
    """Each place of an instruction has an operand of its own, also where two name the same register: which of
    them a control such as DPP concerns is told by the place."""
    found: list[Operand] = []
    for one in operands:
        found.append(replace(one) if any(one is other for other in found) else one)
    return tuple(found)


class Decoder:
    """The instructions of one table. Keeps what it has decoded: real code says the same words often."""

    def __init__(self, table: str, formats: Sequence[Format]) -> None:
        data = json.loads(_file(table).read_text())
        self._halves = halves.of_table(table)
        runs = map(halves.with_upper_halves, data["tables"]) if self._halves else data["tables"]
        self._tables = [Table(one) for one in runs]
        names = {kind: {int(n): name for n, name in known.items()} for kind, known in data["names"].items()}
        self._forms: dict[str, Callable[[int], str]] = {
            **FORMS,
            "hwreg": hardware_register(names.get("hwreg", {})),
            "sendmsg": message(names.get("sendmsg", {})),
            "message": whole_message(names.get("message", {})),
        }
        self._formats = {name: self._format(name, one) for name, one in data["formats"].items()}
        self._order = [(one, *_mask_and_value(one)) for one in formats]
        self._dispatch: dict[int, list[tuple[Format, int, int]]] = {}
        self._reaches: dict[Format, int] = {}
        self._met: tuple[dict[bytes, Decoded], ...] = ({}, {}, {})

    def at(self, code: bytes, place: int) -> Decoded | None:
        """The instruction at a place of some code, as decode() tells it. What one dword says, or two or
        three, is known once they were met."""
        one, two, three = self._met
        known = (
            one.get(code[place : place + 4])
            or two.get(code[place : place + 8])
            or three.get(code[place : place + 12])
        )
        if known is not None:
            return known
        window = code[place : place + LONGEST]
        word = int.from_bytes(window, "little")
        found = self.decode(word, len(window))
        if found is not None and found.size <= 12 and self._decisive(word) <= 8 * found.size:
            self._met[found.size // 4 - 1][window[: found.size]] = found
        return found

    def _decisive(self, word: int) -> int:
        """The highest bit, plus one, that has a say in what a word's first dword begins."""
        first = 0xFFFFFFFF
        return max(
            self._reach(one, mask)
            for one, mask, value in self._candidates(word)
            if word & mask & first == value & first
        )

    def _reach(self, one: Format, mask: int) -> int:
        """The same of one format, whose fields are those of the mask."""
        if one not in self._reaches:
            tables = ("VOPDX", "VOPDY") if one.name == "VOPD" else (one.table,)
            self._reaches[one] = max(mask.bit_length(), *(self._formats[name].reach() for name in tables))
        return self._reaches[one]

    def decode(self, word: int, available: int) -> Decoded | None:
        """The instruction at the start of `word` (dwords, the first one lowest), of which `available` bytes
        are there; None where these are no instruction."""
        for one in self._matching(word):
            if one.name == "VOPD":
                return self._pair(word, available)
            row = self._formats[one.table].row(word)
            if row is not None:
                return self._decoded(row, one.name, word, available)
        return None

    @property
    def mnemonics(self) -> frozenset[str]:
        """Of all instructions, without suffixes."""
        return frozenset(row.mnemonic for one in self._formats.values() for row in one.rows)

    def _matching(self, word: int) -> Iterator[Format]:
        """The formats that a word's bits may be of. An instruction without sources takes no notice of what
        announces lane control in others: such a word is of the plain format."""
        for one, mask, value in self._candidates(word):
            if word & mask == value:
                yield one

    def _candidates(self, word: int) -> list[tuple[Format, int, int]]:
        """The formats that a word's highest bits may be of, with what its other bits must be then."""
        prefix = word >> _PREFIX_LOW & _PREFIX_MASK
        candidates = self._dispatch.get(prefix)
        if candidates is None:
            candidates = self._dispatch[prefix] = [one for one in self._order if _may_begin(prefix, one)]
        return candidates

    # ---- one instruction

    def _decoded(self, row: Row, form: str, word: int, available: int) -> Decoded | None:
        size = row.size
        for low, mask in row.literals:
            if word >> low & mask == LITERAL_SOURCE:
                size = row.literal_at // 8 + 4
                break
        if size > available or word & row.must_mask != row.must_value:
            return None
        word &= (1 << 8 * size) - 1
        if word in row.known:
            return row.known[word]
        decoded = row.known[word] = self._read(row, form, word, size)
        return decoded

    def _read(self, row: Row, form: str, word: int, size: int) -> Decoded | None:
        operands, texts = [], []
        for place, spec in enumerate(row.operands):
            found = self._operand(spec, word, row)
            if found is None:
                return None
            if place in row.halves and word >> row.halves[place] & 1:
                found = _upper_half(found)
            texts.append(found[0])
            operands.append(found[1])
        words: list[str] = []
        modifiers: dict[str, str] = {}
        for spec in row.modifiers:
            text = self._modifier(spec, word)
            if text is None:
                return None
            if text:
                words.append(text)
                for one in text.split(" "):
                    name, _, value = one.partition(":")
                    modifiers[name] = value
        text = " ".join(part for part in (row.name, ", ".join(texts), *words) if part)
        known = () if row.opaque else _distinct(one for one in operands if one is not None)
        return Decoded(row.mnemonic, row.encoding, known, modifiers, text, size, form)

    def _operand(self, spec: Any, word: int, row: Row) -> tuple[str, Operand | None] | None:
        kind = spec[0]
        if kind == "t":
            _, low, width, table, negate, absolute, extend = spec
            entry = self._tables[table].operand(word >> low & (1 << width) - 1)
            if entry is None:
                return None
            if isinstance(entry, Literal):
                entry = self._literal(entry.form, word >> row.literal_at & 0xFFFFFFFF)
            if extend >= 0 and word >> extend & 1:
                return f"sext({entry[0]})", constant(f"sext({entry[0]})")
            negated = negate >= 0 and bool(word >> negate & 1)
            made_absolute = absolute >= 0 and bool(word >> absolute & 1)
            return _wrapped(entry, negated, made_absolute) if negated or made_absolute else entry
        if kind == "c":
            return spec[1], constant(spec[1])
        if kind == "l":
            return self._literal(spec[1], word >> row.literal_at & 0xFFFFFFFF)
        text = self._forms[spec[3]](word >> spec[1] & (1 << spec[2]) - 1)
        return text, None if row.opaque or not text else constant(text)

    def _literal(self, form: str, value: int) -> tuple[str, Operand]:
        text = self._forms[form](value)
        return text, Operand(
            OperandKind.LITERAL, value & 0xFFFF if form in HALF_LITERALS else value, name=text
        )

    def _modifier(self, spec: Any, word: int) -> str | None:
        kind = spec[0]
        if kind == "t":
            table: Table = self._tables[spec[3]]
            place: int = word >> spec[1] & (1 << spec[2]) - 1
            return table.texts[place]
        if kind == "f":
            value = word >> spec[1] & (1 << spec[2]) - 1
            shown: str = "" if spec[5] and not value else spec[3] + self._forms[spec[4]](value)
            return shown
        if kind == "l":
            _, name, default, lows = spec
            elements = [default if low < 0 else word >> low & 1 for low in lows]
            if all(one == default for one in elements):
                return ""
            return f"{name}:[{','.join(map(str, elements))}]"
        return str(spec[1])

    def _pair(self, word: int, available: int) -> Decoded | None:
        halves = []
        for name in ("VOPDX", "VOPDY"):
            row = self._formats[name].row(word)
            half = None if row is None else self._decoded(row, "VOPD", word, available)
            if half is None:
                return None
            halves.append(half)
        first, second = halves
        text, size = f"{first.text} :: {second.text}", max(first.size, second.size)
        return first._replace(text=text, size=size, second=second)

    # ---- reading the table

    def _format(self, name: str, data: Mapping[str, Any]) -> FormatTable:
        low, width = data["opcode"]
        literal_at = 32 * data["dwords"]
        tests = tuple(map(tuple, data["tests"]))
        make = partial(self._row, literal_at)
        return FormatTable(name, low, (1 << width) - 1, tests, data["instructions"], make)

    def _row(self, literal_at: int, data: Sequence[Any]) -> Row:
        name, size, mask, value, operands, modifiers = data
        mnemonic, encoding = name, ""
        for suffix in _SUFFIXES:
            if name.endswith(suffix):
                mnemonic, encoding = name.removesuffix(suffix), suffix[1:]
                break
        literals = tuple(
            (spec[1], (1 << spec[2]) - 1)
            for spec in operands
            if spec[0] == "t" and self._tables[spec[3]].has_literal
        )
        opaque = mnemonic.startswith(_OPAQUE)
        upper = {} if encoding not in _VOP3 else self._halves.get(mnemonic, {})
        return Row(
            name, mnemonic, encoding, size, int(mask, 16), int(value, 16), operands, modifiers, literals,
            literal_at, opaque, upper,
        )  # fmt: skip


_SUFFIXES = ("_e64_dpp8", "_e64_dpp", "_dpp8", "_dpp", "_sdwa", "_e64", "_e32")
_VOP3 = ("", "e64", "e64_dpp", "e64_dpp8")
_OPAQUE = ("s_waitcnt", "s_delay_alu", "s_clause", "s_branch", "s_cbranch", "s_version", "exp", "image_")
"""What has no operands for the rest of the program, only text."""
_PREFIX_LOW, _PREFIX_MASK = 23, 511


@cache
def decoder(target: str, formats: tuple[Format, ...]) -> Decoder | None:
    """The decoder of a processor, by the table whose name is the longest beginning of the processor's, made
    once for each table; None where there is no table."""
    known = _table_of(target)
    return None if known is None else _of_table(known, formats)


def has_table(target: str) -> bool:
    """Whether the instructions of a processor are decoded here."""
    return _table_of(target) is not None


def _table_of(target: str) -> str | None:
    names = [target[:length] for length in range(len(target), 3, -1)]
    return next((name for name in names if _file(name).is_file()), None)


@cache
def _of_table(name: str, formats: tuple[Format, ...]) -> Decoder:
    return Decoder(name, formats)


def _file(table: str) -> Traversable:
    return files(__package__) / "families" / f"{table}.json"


def _wrapped(entry: tuple[str, Operand], negate: bool, absolute: bool) -> tuple[str, Operand]:
    text, operand = entry
    immediate = operand.kind in (OperandKind.INTEGER, OperandKind.LITERAL, OperandKind.FLOAT)
    if absolute:
        text = f"|{text}|"
    if negate:
        text = f"neg({text})" if immediate and not absolute else f"-{text}"
    return text, replace(operand, negate=negate, absolute=absolute)


def _upper_half(found: tuple[str, Operand | None]) -> tuple[str, Operand | None]:
    """A 16-bit operand of which OP_SEL names the upper half. Constants have none: they stay as they are."""
    text, operand = found
    if operand is None or not operand.is_register:
        return found
    closing = "|" if text.endswith("|") else ""
    return f"{text.removesuffix('|')}.h{closing}", replace(operand, half="h")


def _mask_and_value(one: Format) -> tuple[int, int]:
    mask = value = 0
    for bits in one.fields:
        mask |= (1 << bits.high + 1) - (1 << bits.low) << 32 * bits.dword
        value |= bits.value << bits.low + 32 * bits.dword
    return mask, value


def _may_begin(prefix: int, one: tuple[Format, int, int]) -> bool:
    _, mask, value = one
    mask, value = mask >> _PREFIX_LOW & _PREFIX_MASK, value >> _PREFIX_LOW & _PREFIX_MASK
    return prefix & mask == value
