"""Derives the tables of the families that are named, or of all."""

from __future__ import annotations

import argparse
import gc
import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rocverify.device.emulator.isa import encodings
from scripts.decoding.inference import Inference
from scripts.decoding.layouts import Layout
from scripts.decoding.probing import Disassembler
from scripts.decoding.records import Record, Tables, UnclearError, prefetch, records
from scripts.decoding.writing import write

FAMILIES: Mapping[str, tuple[str, str, Sequence[encodings.Format]]] = {
    "gfx110": ("gfx1100", "gfx11", encodings.GFX11),
    "gfx115": ("gfx1150", "gfx11", encodings.GFX11),
    "gfx103": ("gfx1030", "gfx103", encodings.GFX10),
    "gfx120": ("gfx1200", "gfx12", encodings.GFX12),
    "gfx90a": ("gfx90a", "gfx9", encodings.GFX9),
    "gfx94": ("gfx942", "gfx9", encodings.GFX9),
}
"""Processor, module of layouts, formats, by the table's name: the beginning of its processors' names."""
NEW = {"gfx115": ("SOP1", "SOP2", "SOPC", "SOPP", "VOP3_DPP16", "VOP3_DPP8", "VOP3P_DPP16", "VOP3P_DPP8")}
LIKE = {"gfx115": "gfx1100"}
"""What a table has new, and the processor that it has the other formats from."""
PLACE = Path(__file__).parents[2] / "rocverify" / "device" / "emulator" / "isa" / "families"


def derive(family: str, mc: str, memory: Path | None) -> list[str]:
    """Writes a family's table; what was unclear."""
    cpu, module, formats = FAMILIES[family]
    layouts = _with_encodings(importlib.import_module(f"scripts.decoding.{module}").LAYOUTS, formats)
    tables, unclear = Tables(), list[str]()
    asked = {one: Disassembler(one, mc) for one in dict.fromkeys((cpu, LIKE.get(family, cpu)))}
    for one, llvm in asked.items():
        if memory is not None:
            llvm.remember(memory / f"{one}.answers")
    found: dict[str, dict[int, Record]] = {}
    for layout in layouts:
        if layout.name.endswith(FETCHES_INACTIVE):
            found[layout.name] = fetching_inactive(found[layout.name.removesuffix(FETCHES_INACTIVE)])
            continue
        llvm = asked[cpu if layout.name in NEW.get(family, (layout.name,)) else LIKE[family]]
        inference = Inference(llvm, tables)
        known = found[layout.of] if layout.of else None
        opcodes = range(1 << layout.opcode[1]) if known is None else sorted(known)
        prefetch(layout, llvm, opcodes, known)
        candidates = list(records(layout, llvm, opcodes, known))
        if not layout.named:
            llvm.ask([word for record in candidates for word in inference.probes(record)], layout.dwords)
        done: dict[int, Record] = {}
        troubles: dict[int, str] = {}
        for record in candidates:
            if record.key in done:
                continue
            try:
                if not layout.named:
                    inference.complete(record)
                done[record.key] = record
            except UnclearError as error:
                troubles.setdefault(record.key, f"{layout.name} {record.key:#x} {record.parts}: {error}")
        unclear += [text for key, text in troubles.items() if key not in done]
        found[layout.name] = done
        print(f"{family} {layout.name}: {len(done)} ({llvm.asked} probes)", file=sys.stderr, flush=True)
    for one, llvm in asked.items():
        if memory is not None:
            llvm.keep(memory / f"{one}.answers")
    write(PLACE / f"{family}.json", cpu, layouts, found, tables)
    return unclear


FETCHES_INACTIVE = "FI"


def fetching_inactive(found: dict[int, Record]) -> dict[int, Record]:
    """DPP8 whose SRC0 says that inactive lanes are fetched is the same otherwise."""
    return {key: replace(one, modifiers=[*one.modifiers, (["c", "fi:1"], 0)]) for key, one in found.items()}


def _with_encodings(layouts: Sequence[Layout], table: Sequence[encodings.Format]) -> list[Layout]:
    """Layouts that know which bits tell their formats from all others."""
    formats = {one.table: one for one in table}
    known = []
    for layout in layouts:
        mask = (1 << 32 * layout.dwords) - 1
        if layout.part is None:
            mask = sum(
                (1 << bits.high + 1) - (1 << bits.low) << 32 * bits.dword
                for bits in formats[layout.name].fields
            )
        known.append(replace(layout, encoding_mask=mask, formats=tuple(formats.values())))
    return known


def main() -> int:
    """0 if every instruction that LLVM knows was understood."""
    parser = argparse.ArgumentParser(prog="python -m scripts.decoding", description=__doc__)
    parser.add_argument("families", nargs="*", default=list(FAMILIES), help="such as gfx11")
    parser.add_argument("--mc", default="llvm-mc-19", help="LLVM's llvm-mc")
    parser.add_argument("--memory", type=Path, help="folder for LLVM's answers, to go on from")
    options = parser.parse_args()
    # Millions of answers are kept, and none of them is in a cycle.
    gc.disable()
    unclear = []
    for family in options.families:
        unclear += derive(family, options.mc, options.memory)
    for text in unclear:
        print(f"not understood: {text}", file=sys.stderr)
    return 1 if unclear else 0


if __name__ == "__main__":
    sys.exit(main())
