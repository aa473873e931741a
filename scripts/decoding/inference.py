"""Finds, from what LLVM prints for words, which field of an instruction says what."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rocverify.device.emulator.isa.numbers import (
    FORMS,
    LITERAL_FORMS,
    hardware_register,
    message,
    whole_message,
)
from scripts.decoding.layouts import Field, Layout, Role
from scripts.decoding.probing import FILLER, Disassembler, Printed
from scripts.decoding.texts import Parts, split

LITERAL_SOURCE = 255
NAMED_FORMS = (
    ("hwreg", "hwreg", hardware_register, 31 << 11, 64),
    ("sendmsg", "sendmsg", message, 0, 256),
    ("message", "sendmsg", whole_message, 0, 1 << 11),
)
LITERAL_TEXTS = (hex(FILLER), hex(FILLER & 0xFFFF))
LISTS = ("op_sel", "op_sel_hi", "neg_lo", "neg_hi")
_LITERAL_SAMPLES = (
    0, 1, 64, 65, 0xFFFFFFF0, 0xFFFFFFEF, 0x3F800000, 0x3C00, 0x3E22F983, 0x3118, 0x12345678, 0xFFFF, 0xFFF0,
    0xFFFFFFFF, 0x10000, 0x3FF00000, 0x3F80, 0x3E22, 0xBC00, 0x40000000,
)  # fmt: skip


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


def samples(width: int, brief: bool) -> Sequence[int]:
    """Values that tell fields of different kinds apart: the ends of every range that there is for some. Fewer
    of them for formats that extend others."""
    if brief:
        few = (0, 1, 8, 9, 15, 25, 31, 48, 63, 104, 105, 106, 107, 124, 126, 127, 128, 192, 225, 240, 241)
        few += (249, 252, 253, 254, 255, 256, 257, 289, 321, 383, 384, 400, 496, 508, 510, 511)
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
            for test, (result, value) in zip(layout.tests, results, strict=True):
                fixed = fixed & ~(((1 << test.width) - 1) << test.low) | value << test.low
                key = key << (test.width if test.value is None else 1) | result
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
    tested = {test.low for test in layout.tests}
    choices = [((0, None),) if one.low in tested else tuple(enumerate(one.bases)) for one in fields]
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


class Inference:
    """Completes records of one layout. `tables` keeps each table of values once."""

    def __init__(self, llvm: Disassembler, tables: Tables) -> None:
        self.llvm, self.tables = llvm, tables

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
            whole = one.width <= (2 if brief else 4)
            chosen = range(1 << one.width) if whole else samples(one.width, brief)
        else:
            chosen = samples(one.width, record.layout.brief)
        excluded = {test.value for test in record.layout.tests if test.low == one.low}
        return [(value, one.put(record.base, value)) for value in chosen if value not in excluded]

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

    # ---- the three roles

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
        excluded = {test.value for test in record.layout.tests if test.low == one.low}
        values = [value for value in range(1 << one.width) if value not in table and value not in excluded]
        answers = self.llvm.ask([one.put(record.base, value) for value in values], record.layout.dwords)
        whole = dict(table)
        for value, printed in zip(values, answers, strict=True):
            parts = part_of(printed, record.layout)
            whole[value] = _operand_text(record, parts, place)
        found = self.tables.add([whole.get(value) for value in range(1 << one.width)])
        self.tables.signatures[(one.width, *table.items())] = found
        return found

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

    def _modifier(self, record: Record, one: Field, seen: dict[int, Parts | None]) -> None:
        base = record.base >> one.low & (1 << one.width) - 1
        known = {value: parts for value, parts in seen.items() if parts is not None}
        if set(known) == {base}:
            record.must_mask |= ((1 << one.width) - 1) << one.low
            return
        if all(parts == record.parts for parts in known.values()) and len(known) == len(seen):
            return
        if one.width == 1 and self._single_bit(record, one, known[1 - base], 1 - base):
            return
        if any(parts.operands != record.parts.operands for parts in known.values()):
            if one.width == 1:
                raise UnclearError(f"{one.name} changes operands to {known[1 - base]}")
            self._operand(record, one, {value: (None, parts) for value, parts in seen.items()})
            return
        without = set.intersection(*(set(parts.modifiers) for parts in known.values()))
        texts = [
            None if parts is None else " ".join(word for word in parts.modifiers if word not in without)
            for parts in seen.values()
        ]
        showing = next(value for value, text in zip(seen, texts, strict=True) if text and value != base)
        table = self._full_modifier(record, one, dict(zip(seen, texts, strict=True)), without)
        record.modifiers.append((["t", one.low, one.width, table], one.put(0, showing)))

    def _full_modifier(
        self, record: Record, one: Field, table: dict[int, str | None], without: set[str]
    ) -> int:
        """The table of all values of a modifier, of which samples are known."""
        signature = ("modifier", one.width, *table.items())
        if signature not in self.tables.signatures:
            values = [value for value in range(1 << one.width) if value not in table]
            answers = self.llvm.ask([one.put(record.base, value) for value in values], record.layout.dwords)
            whole = dict(table)
            for value, printed in zip(values, answers, strict=True):
                parts = part_of(printed, record.layout)
                own = () if parts is None else (word for word in parts.modifiers if word not in without)
                whole[value] = None if parts is None else " ".join(own)
            texts = [whole[value] for value in range(1 << one.width)]
            self.tables.signatures[signature] = self.tables.add(texts)
        return self.tables.signatures[signature]

    def _single_bit(self, record: Record, one: Field, changed: Parts, value: int) -> bool:
        """Whether a bit is a source modifier, or part of a list such as op_sel."""
        pairs = enumerate(zip(record.parts.operands, changed.operands, strict=True))
        differing = [(place, old, new) for place, (old, new) in pairs if old != new]
        if differing and changed.modifiers == record.parts.modifiers:
            (place, old, new), *others = differing
            kind = {f"-{old}": 4, f"|{old}|": 5, f"sext({old})": 6}.get(new)
            if kind is None or others or record.operands.get(place, ["?"])[0] != "t":
                if kind is None:
                    return False
                raise UnclearError(f"a source modifier of {new}")
            record.operands[place][kind] = one.low
            return True
        for name in LISTS:
            old_list, new_list = listed(record.parts, name), listed(changed, name)
            if old_list != new_list:
                # Hidden where all are at the default, which they are at the base or away from there.
                default = value if old_list is not None else 1 - value
                elements = new_list or old_list
                assert elements is not None
                same = old_list if new_list and old_list else [default] * len(elements)
                places = [place for place, element in enumerate(elements) if element != same[place]]
                if len(places) != 1:
                    raise UnclearError(f"{name} {elements}")
                self._add_to_list(
                    record, name, (len(elements), places[0], one.low, default), one.put(0, value)
                )
                return True
        return False

    def _add_to_list(self, record: Record, name: str, place: tuple[int, int, int, int], shown: int) -> None:
        count, element, low, default = place
        for spec, _ in record.modifiers:
            if spec[0] == "l" and spec[1] == name:
                break
        else:
            spec = ["l", name, default, [-1] * count]
            record.modifiers.append((spec, shown))
        lows = spec[3]
        assert isinstance(lows, list)
        if len(lows) != count or spec[2] != default or lows[element] != -1:
            raise UnclearError(f"{name}: {spec}")
        lows[element] = low

    def _immediate(self, record: Record, one: Field, seen: dict[int, Parts | None]) -> None:
        known = {value: parts for value, parts in seen.items() if parts is not None}
        if set(known) == {0}:
            record.must_mask |= ((1 << one.width) - 1) << one.low
            return
        if all(parts == record.parts for parts in known.values()):
            return
        shape = {(parts.mnemonic, len(parts.operands)) for parts in known.values()}
        if len(shape) > 2 or len({name for name, _ in shape}) > 1:
            raise UnclearError(f"a number makes it {shape}")
        old = record.parts.operands
        changed = {
            place
            for parts in known.values()
            for place, text in enumerate(parts.operands)
            if place >= len(old) or old[place] != text
        }
        if changed:
            if len(changed) != 1:
                raise UnclearError(f"a number changes operands {changed}")
            (place,) = changed
            texts = {
                v: None if p is None else (p.operands[place] if place < len(p.operands) else "")
                for v, p in seen.items()
            }
            record.operands[place] = ["f", one.low, one.width, self._named_form(record, one, place, texts)]
            return
        words: dict[int, str | None] = {}
        without = set.intersection(*(set(parts.modifiers) for parts in known.values()))
        for value, parts in seen.items():
            own = () if parts is None else tuple(w for w in parts.modifiers if w not in without)
            words[value] = None if parts is None else " ".join(own)
        prefix = next(text.partition(":")[0] for text in words.values() if text) + ":"
        stripped = {
            value: text if text is None else text.removeprefix(prefix) for value, text in words.items()
        }
        hidden = words.get(0) == ""
        if hidden:
            stripped.pop(0)
        base = record.base >> one.low & (1 << one.width) - 1
        shown = max(value for value, text in words.items() if text and value != base)
        spec = ["f", one.low, one.width, prefix, number_form(stripped), int(hidden)]
        record.modifiers.append((spec, one.put(0, shown)))

    def _named_form(self, record: Record, one: Field, place: int, texts: dict[int, str | None]) -> str:
        """The form of an operand that is a number, or one of the names for numbers."""
        for kind, begins, write, shift, count in NAMED_FORMS:
            if any(text is not None and text.startswith(begins + "(") for text in texts.values()):
                values = [one.put(record.base, shift | value) for value in range(count)]
                answers = self.llvm.ask(values, record.layout.dwords)
                names: dict[int, str] = {}
                for value, printed in enumerate(answers):
                    parts = part_of(printed, record.layout)
                    if parts is not None:
                        name = parts.operands[place].partition("(")[2].rstrip(")")
                        if name.isidentifier() or (kind == "message" and name):
                            names[value] = name
                if all(write(names)(value) == text for value, text in texts.items()):
                    self.tables.names[kind] = names
                    return kind
        # s_version's names of compilers' versions are no part of what it does, which is nothing.
        return "hex" if record.parts.mnemonic == "s_version" else number_form(texts)

    # ---- the order of modifiers

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


def _operand_text(record: Record, parts: Parts | None, place: int) -> str | None:
    """What a value makes of an operand; None where it makes no instruction, or one of another format."""
    return None if parts is None or parts.mnemonic != record.parts.mnemonic else parts.operands[place]


def _position(parts: Parts, word: str) -> int | None:
    name = word.partition(":")[0]
    places = [place for place, one in enumerate(parts.modifiers) if one.partition(":")[0] == name]
    return places[0] if places else None


def listed(parts: Parts, name: str) -> list[int] | None:
    """The elements of a list modifier."""
    for word in parts.modifiers:
        if word.startswith(name + ":["):
            return [int(one, 0) for one in word[len(name) + 2 : -1].split(",")]
    return None


def number_samples(width: int) -> tuple[int, ...]:
    """Values of a number that tell its forms apart."""
    top = 1 << width
    chosen = {
        0,
        1,
        2,
        3,
        9,
        10,
        15,
        16,
        63,
        64,
        65,
        100,
        255,
        256,
        0x111,
        0x1234,
        0x3C00,
        0x7FFF,
        0x8000,
        0xABCD,
        0xFFF0,
    }
    chosen |= {top // 2 - 1, top // 2, top // 2 + 1, top - 17, top - 16, top - 2, top - 1, 0xFAC688 & top - 1}
    return tuple(sorted(value for value in chosen if 0 <= value < top))


def number_form(texts: dict[int, str | None]) -> str:
    """The name of the form that a number is written in; UnclearError where there is none."""
    for name, write in (FORMS).items():
        if all(write(value) == text for value, text in texts.items()):
            return name
    raise UnclearError(f"numbers {texts}")


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
