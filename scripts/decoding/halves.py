"""Which bits of VOP3 instructions name halves of registers, from the assembler in Triton's wheel.

    python -m scripts.decoding.halves

LLVM 19, which the tables are derived from, writes 16-bit operands of RDNA 3 and 4 as whole registers and
leaves the bits for their halves (OP_SEL) alone; later ones name halves (`v1.h`) and set them. Here the
assembler is asked: an operand is 16 bits wide where it takes a half of it, and the bit that differs between
`v1.l` and `v1.h` is its bit.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from itertools import product
from typing import Any

from elftools.elf.elffile import ELFFile
from triton.backends.amd.compiler import assemble_amdgcn

from rocverify.store.files import replace_file
from scripts.decoding.__main__ import PLACE

FAMILIES = {"gfx11": ("gfx110", "gfx1100"), "gfx12": ("gfx120", "gfx1200")}
FILE = PLACE / "halves.json"


def encoded(text: str, processor: str) -> int | None:
    """The bits of an instruction; None where the assembler rejects it."""
    try:
        file = assemble_amdgcn(text + "\n", processor, "")
    except RuntimeError:
        return None
    section = ELFFile(io.BytesIO(file)).get_section_by_name(".text")
    return int.from_bytes(section.data(), "little")


def main() -> None:
    """Writes the file."""
    found = {
        family: dict(sorted(_of(json.loads((PLACE / f"{table}.json").read_text()), processor)))
        for family, (table, processor) in FAMILIES.items()
    }
    parts = []
    for family, rows in found.items():
        lines = ",\n".join(f'  "{name}": {json.dumps(bits)}' for name, bits in rows.items())
        parts.append(f' "{family}": {{\n{lines}\n }}')
    replace_file(FILE, ("{\n" + ",\n".join(parts) + "\n}\n").encode())


def _of(data: Any, processor: str) -> Iterator[tuple[str, list[list[int]]]]:
    for row in data["formats"]["VOP3"]["instructions"].values():
        name, operands, modifiers = row[0], row[4], row[5]
        if "16" not in name or any(one[:2] == ["l", "op_sel"] for one in modifiers):
            continue
        kinds = [_is_vector(data, spec) for spec in operands]
        bits = _bits(name, kinds, processor)
        if bits:
            yield name.removesuffix("_e64"), bits


def _is_vector(data: Any, spec: Any) -> bool:
    return spec[0] == "t" and any(len(run) == 5 and run[2] == "v{}" for run in data["tables"][spec[3]])


def _bits(name: str, vectors: list[bool], processor: str) -> list[list[int]]:
    """For each 16-bit operand its place and its bit."""
    for narrow in product((True, False), repeat=len(vectors)):
        if any(one and not vector for one, vector in zip(narrow, vectors, strict=True)):
            continue
        shown = [f"v{i + 1}" if vector else "s1" for i, vector in enumerate(vectors)]
        plain = [text + ".l" * one for text, one in zip(shown, narrow, strict=True)]
        low = encoded(f"{name} {', '.join(plain)}", processor)
        if low is None:
            continue
        found = []
        for place in (i for i, one in enumerate(narrow) if one):
            texts = [text[:-1] + "h" if i == place else text for i, text in enumerate(plain)]
            high = encoded(f"{name} {', '.join(texts)}", processor)
            if high is not None:
                found.append([place, (low ^ high).bit_length() - 1])
        return found
    return []


if __name__ == "__main__":
    main()
