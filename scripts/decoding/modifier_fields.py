"""Which modifiers the bits of an instruction are, and its numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rocverify.device.emulator.isa.numbers import FORMS, hardware_register, message, whole_message
from scripts.decoding.layouts import Field
from scripts.decoding.operand_fields import OperandFields
from scripts.decoding.records import Record, UnclearError, part_of
from scripts.decoding.texts import Parts

NAMED_FORMS = (
    ("hwreg", "hwreg", hardware_register, 31 << 11, 64),
    ("sendmsg", "sendmsg", message, 0, 256),
    ("message", "sendmsg", whole_message, 0, 1 << 10),
)
_NUMBER = re.compile(r"\w+:\d+")
LISTS = ("op_sel", "op_sel_hi", "neg_lo", "neg_hi")


class ModifierFields(OperandFields):
    """Finds modifiers and numbers too."""

    def _modifier(self, record: Record, one: Field, seen: dict[int, Parts | None]) -> None:
        base = record.base >> one.low & (1 << one.width) - 1
        known = {value: parts for value, parts in seen.items() if parts is not None}
        if not known:
            raise UnclearError(f"{one.name}: no value of it is an instruction")
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
        self._check_number(record, one, texts)
        shown = [value for value, text in zip(seen, texts, strict=True) if text and value != base]
        if not shown:
            raise UnclearError(f"{one.name} is shown at {base} alone: {record.parts}, {seen}")
        showing = shown[0]
        table = self._full_modifier(record, one, dict(zip(seen, texts, strict=True)), without)
        record.modifiers.append((["t", one.low, one.width, table], one.put(0, showing)))

    def _check_number(self, record: Record, one: Field, texts: Sequence[str | None]) -> None:
        """Bits of one number have to be one field, which another layout of the format has."""
        names = _names(texts)
        for spec, _ in record.modifiers if one.width == 1 else ():
            if spec[0] == "t" and spec[2] == 1:
                table = spec[3]
                assert isinstance(table, int)
                if names & _names(self.tables.all[table]):
                    raise UnclearError(f"a second bit of {names}")

    def _full_modifier(
        self, record: Record, one: Field, table: dict[int, str | None], without: set[str]
    ) -> int:
        """The table of all values of a modifier, of which samples are known."""
        signature = ("modifier", one.width, *table.items())
        if signature not in self.tables.signatures:
            values = self._others(record, one, table)
            answers = self.llvm.ask([one.put(record.base, value) for value in values], record.layout.dwords)
            whole = dict(table)
            for value, printed in zip(values, answers, strict=True):
                parts = part_of(printed, record.layout)
                own = () if parts is None else (word for word in parts.modifiers if word not in without)
                whole[value] = None if parts is None else " ".join(own)
            texts = [whole.get(value) for value in range(1 << one.width)]
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
                        if name.isidentifier() or name.startswith("MSG_"):
                            names[value] = name
                if all(write(names)(value) == text for value, text in texts.items()):
                    self.tables.names[kind] = names
                    return kind
        # s_version's names of compilers' versions are no part of what it does, which is nothing.
        return "hex" if record.parts.mnemonic == "s_version" else number_form(texts)


def _names(texts: Sequence[str | None]) -> set[str]:
    """What numbers among modifiers are called."""
    return {text.partition(":")[0] for text in texts if text and _NUMBER.fullmatch(text)}


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
