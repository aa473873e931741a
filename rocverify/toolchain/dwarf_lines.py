"""The line tables of debug information: which file and line an address is of."""

from __future__ import annotations

import io
import posixpath
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property
from typing import Any

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct.core import ConstructError
from elftools.dwarf.dwarfinfo import DWARFInfo
from elftools.dwarf.lineprogram import LineProgram
from elftools.elf.elffile import ELFFile

UNREADABLE = (ELFError, DWARFError, ConstructError, KeyError, IndexError, ValueError, AttributeError)
"""What pyelftools raises for damaged debug information."""


class LineTable:
    """The lines of one ELF file; read when the first one is asked for. Damaged tables are none."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def at(self, address: int) -> str | None:
        """`file:line` of a virtual address; None where the table does not tell."""
        addresses, places = self._rows
        found = bisect_right(addresses, address) - 1
        return places[found] if found >= 0 else None

    @cached_property
    def _rows(self) -> tuple[list[int], list[str | None]]:
        try:
            elf = ELFFile(io.BytesIO(self._content))
            if elf.get_section_by_name(".debug_line") is None:
                return [], []
            info = elf.get_dwarf_info(relocate_dwarf_sections=False)
            rows = [row for unit in info.iter_CUs() for row in rows_of_unit(info, unit)]
        except UNREADABLE:
            return [], []
        # Of rows with one address the last one counts; where one sequence ends, another one may begin.
        rows.sort(key=lambda row: (row[0], bool(row[1])))
        addresses, places = [], []
        known: str | None = None
        for address, name, line in rows:
            if not name:
                known = None
            elif line:
                known = f"{name}:{line}"
            addresses.append(address)
            places.append(known)
        return addresses, places


def rows_of_unit(info: DWARFInfo, unit: Any) -> Iterator[tuple[int, str, int]]:
    """(address, file, line) of every row of a compilation unit; file "" ends a sequence."""
    program = info.line_program_for_CU(unit)
    if program is None:
        return
    names = file_names(program, unit)
    for entry in program.get_entries():
        state = entry.state
        if state is not None:
            name = "" if state.end_sequence else names.get(state.file, "")
            yield state.address, name, state.line


def file_names(program: LineProgram, unit: Any) -> dict[int, str]:
    """The files of a unit by their numbers, which begin at 1 before DWARF 5 and at 0 from then on."""
    header = program.header
    version = header["version"]
    root = unit.get_top_DIE().attributes.get("DW_AT_comp_dir")
    base = root.value.decode("utf-8", "replace") if root is not None else ""
    folders = [folder.decode("utf-8", "replace") for folder in header["include_directory"]]
    if version < 5:
        folders = [base, *folders]
    names = {}
    for number, entry in enumerate(header["file_entry"], 0 if version >= 5 else 1):
        folder = folders[entry.dir_index] if entry.dir_index < len(folders) else ""
        # As the compiler wrote them: "./" at their beginning stays.
        root_folder = "" if version >= 5 and entry.dir_index == 0 else base
        names[number] = posixpath.join(root_folder, folder, entry.name.decode("utf-8", "replace"))
    return names
