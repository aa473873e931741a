"""Source places of native code: a program's debug information, asked by llvm-symbolizer, or read here where
there is none."""

from __future__ import annotations

import bisect
import json
import subprocess
import threading
import weakref
from functools import cache
from pathlib import Path

from elftools.common.exceptions import DWARFError, ELFError
from elftools.construct import ConstructError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from rocverify.toolchain.dwarf_lines import file_names, rows_of_unit

Place = tuple[str, int, str]
"""Source file, line, function; the function is "" where only the line is known."""


class NativeLines:
    """(module's file, offset of an instruction from where the module lies) -> its place in the source, and
    those of the functions that it was inlined into, outwards; empty where debug information does not tell.
    Answers are kept. `symbolizer` is llvm-symbolizer; None: the line tables are read here, which tells no
    function."""

    def __init__(self, symbolizer: Path | None = None) -> None:
        self._symbolizer = None if symbolizer is None else _Symbolizer(symbolizer)
        self._known: dict[tuple[str, int], tuple[Place, ...]] = {}
        self._lock = threading.Lock()

    def __call__(self, module: str, offset: int) -> tuple[Place, ...]:
        """The source lines of an address: the innermost inlined call first."""
        with self._lock:
            if (module, offset) not in self._known:
                self._known[module, offset] = self._look_up(module, offset)
            return self._known[module, offset]

    def _look_up(self, module: str, offset: int) -> tuple[Place, ...]:
        base = _has_lines(module)
        if base is None:
            return ()
        address = base + offset
        if self._symbolizer is not None:
            return self._symbolizer.ask(module, address)
        return _nearest(_line_table(module), address)


@cache
def _has_lines(module: str) -> int | None:
    """What an offset counts from, for a module with line tables; None for any other file."""
    try:
        with Path(module).open("rb") as file:
            elf = ELFFile(file)
            if not elf.has_dwarf_info():
                return None
            if elf.header["e_type"] != "ET_EXEC":
                return 0
            loads = [s["p_vaddr"] for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
            return min(loads, default=0) & -4096
    except (OSError, ELFError, ConstructError):
        return None


class _Symbolizer:
    """One llvm-symbolizer process, started at the first question: that takes longer than any answer."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[str] | None = None

    def ask(self, module: str, address: int) -> tuple[Place, ...]:
        """The places of an address, innermost first; empty where the tool does not know or does not run."""
        if "\n" in module or '"' in module:
            return ()
        try:
            answer = json.loads(self._answer(f'"{module}" {address:#x}\n'))
        except (OSError, json.JSONDecodeError):
            return ()
        return tuple(
            (frame["FileName"], int(frame["Line"]), frame.get("FunctionName", ""))
            for frame in answer.get("Symbol", [])
            if frame.get("Line")
        )

    def _answer(self, question: str) -> str:
        if self._process is None:
            self._process = subprocess.Popen(
                [self._path, "--output-style=JSON", "--demangle"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            weakref.finalize(self, _end, self._process)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(question)
        self._process.stdin.flush()
        return self._process.stdout.readline()


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@cache
def sources_of(module: str, changed: int) -> tuple[str, ...]:
    """The files that debug information says a module was compiled from, as it names them; empty where it has
    none. `changed`: the module's time stamp, for which the answer is kept."""
    del changed
    names: set[str] = set()
    try:
        with Path(module).open("rb") as file:
            info = ELFFile(file).get_dwarf_info()
            for unit in info.iter_CUs():
                program = info.line_program_for_CU(unit)
                names.update(() if program is None else map(_plain, file_names(program, unit).values()))
    except (OSError, ELFError, DWARFError, ConstructError, KeyError, IndexError):
        return ()
    return tuple(sorted(names))


def needed_by(module: str) -> tuple[str, ...]:
    """The libraries that a module is linked with, where it has them looked up itself (RUNPATH, RPATH)."""
    try:
        with Path(module).open("rb") as file:
            section = ELFFile(file).get_section_by_name(".dynamic")
            tags = list(section.iter_tags()) if isinstance(section, DynamicSection) else []
            names = [name for tag in tags if (name := getattr(tag, "needed", None))]
            paths = [getattr(tag, "runpath", None) or getattr(tag, "rpath", None) for tag in tags]
    except (OSError, ELFError, ConstructError):
        return ()
    folders = [folder for path in paths if path for folder in path.split(":")]
    here = str(Path(module).parent)
    at = [folder.replace("${ORIGIN}", here).replace("$ORIGIN", here) for folder in folders]
    return tuple(f"{folder}/{name}" for folder in at for name in names)


@cache
def _line_table(module: str) -> tuple[tuple[int, str, int], ...]:
    """(address, file, line) of every row, in order of addresses; file "" ends a sequence."""
    rows: list[tuple[int, str, int]] = []
    try:
        with Path(module).open("rb") as file:
            info = ELFFile(file).get_dwarf_info()
            for unit in info.iter_CUs():
                rows += ((at, _plain(name), line) for at, name, line in rows_of_unit(info, unit))
    except (OSError, ELFError, DWARFError, ConstructError, KeyError, IndexError):
        return ()
    return tuple(sorted(rows))


def _plain(name: str) -> str:
    return str(Path(name)) if name else ""


def _nearest(rows: tuple[tuple[int, str, int], ...], address: int) -> tuple[Place, ...]:
    """The row that an address belongs to."""
    at = bisect.bisect_right(rows, address, key=lambda row: row[0]) - 1
    if at < 0 or not rows[at][1] or not rows[at][2]:
        return ()
    return ((rows[at][1], rows[at][2], ""),)
