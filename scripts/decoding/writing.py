"""A family's table as JSON: small enough to read, and to see in a diff what changed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts.decoding.layouts import Layout
from scripts.decoding.records import Record, Tables

_INTEGER = re.compile(r"\d+")


def write(
    file: Path, cpu: str, layouts: Sequence[Layout], found: Mapping[str, Mapping[int, Record]], tables: Tables
) -> None:
    """Writes what was found of a family's formats."""
    formats = {layout.name: _format(layout, found[layout.name]) for layout in layouts}
    lines = ["{", f' "processor": "{cpu}",', f' "names": {json.dumps(tables.names)},', ' "tables": [']
    lines += _joined([json.dumps(runs(texts), separators=(",", ":")) for texts in tables.all])
    lines += [" ],", ' "formats": {']
    blocks = []
    for name, (head, rows) in formats.items():
        block = [f'  "{name}": {{{head}, "instructions": {{', *_joined(rows), "  }}"]
        blocks.append("\n".join(block))
    lines += [",\n".join(blocks), " }", "}", ""]
    file.parent.mkdir(exist_ok=True)
    file.write_text("\n".join(lines))


def _joined(rows: Sequence[str]) -> list[str]:
    return [f"  {row}{',' if place < len(rows) - 1 else ''}" for place, row in enumerate(rows)]


def _format(layout: Layout, found: Mapping[int, Record]) -> tuple[str, list[str]]:
    tests = [[test.low, test.width, test.value] for test in layout.tests]
    head = f'"dwords": {layout.dwords}, "opcode": {json.dumps(layout.opcode)}, "tests": {json.dumps(tests)}'
    return head, [f'"{key}": {_row(record)}' for key, record in sorted(found.items())]


def _row(record: Record) -> str:
    mask = record.must_mask
    operands = [record.operands.get(place, ["c", text]) for place, text in enumerate(record.parts.operands)]
    for place in sorted(record.operands):
        if place >= len(operands):
            operands.append(record.operands[place])
    if record.layout.named:
        operands = []
    spec: list[object] = [record.parts.mnemonic, record.size, hex(mask), hex(record.base & mask), operands]
    spec.append([] if record.layout.named else [one for one, _ in record.modifiers])
    return json.dumps(spec, separators=(",", ":"))


def runs(texts: Sequence[str | None]) -> list[list[object]]:
    """A table as runs: [first value, how many, text with {} for numbers, the first numbers, their steps]."""
    found: list[list[object]] = []
    place = 0
    while place < len(texts):
        text = texts[place]
        if text is None:
            place += 1
            continue
        length, steps = _run(texts, place)
        if length == 1:
            found.append([place, text])
        else:
            numbers = [int(one) for one in _INTEGER.findall(text)]
            found.append([place, length, _INTEGER.sub("{}", text), numbers, steps])
        place += length
    return found


def _run(texts: Sequence[str | None], start: int) -> tuple[int, list[int]]:
    """How many texts from `start` on differ in numbers alone, which grow by the same steps."""
    first = texts[start]
    assert first is not None
    shape, numbers = _INTEGER.sub("{}", first), [int(one) for one in _INTEGER.findall(first)]
    steps: list[int] | None = None
    length = 1
    while start + length < len(texts):
        text = texts[start + length]
        # Nothing may be lost by writing numbers again: no leading zeros.
        if text is None or _INTEGER.sub("{}", text) != shape or re.search(r"\b0\d", text + first):
            break
        own = [int(one) for one in _INTEGER.findall(text)]
        moved = [new - old for new, old in zip(own, numbers, strict=True)]
        if steps is None:
            steps = moved
        elif moved != [step * length for step in steps]:
            break
        length += 1
    return length, steps or []
