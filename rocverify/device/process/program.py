"""The program that is to run on the device: found, and looked at for what would keep it from our library.

Only the dynamic loader knows which libamdhip64 a program gets. It is asked, without running the program.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rocverify.errors import CodeObjectError, ToolchainError, UsageError, WrongTargetError
from rocverify.store.tools import run_tool

LIBRARY = re.compile(r"libamdhip64\.so(\.\d+)*")
_LOADED = re.compile(
    r"^\s*(?:(libamdhip64\.so[.\d]*) => (?:(not found)|(\S+))|(\S*/(libamdhip64\.so[.\d]*)) \(0x)",
    re.MULTILINE,
)
"""What is needed, and what was loaded before by $LD_PRELOAD."""
_REGISTERS = "__hipRegisterFatBinary"
_LOADER_TIMEOUT_S = 10.0
_MOST_BYTES = 1 << 26
"""Larger programs are not looked into for their targets."""

_ELF = b"\x7fELF"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that can be executed; `name` is what the user called it."""

    name: str
    path: Path


def find_program(name: str, search: str | None = None) -> Program:
    """The program that a shell would run; `search` is the PATH. UsageError where there is none."""
    if os.sep not in name:
        found = shutil.which(name, path=search)
        if found is None:
            here = Path(name)
            hint = f"write ./{name} for the one in this folder" if here.is_file() else None
            raise UsageError(f"there is no program {name} on the PATH", hint=hint)
        return Program(name, Path(found))
    path = Path(name)
    if not path.exists():
        raise UsageError("there is no such program", where=name)
    if path.is_dir():
        raise UsageError("is a folder, not a program", where=name)
    if not os.access(path, os.X_OK):
        raise UsageError("is not executable", where=name, hint=f"chmod +x {name}")
    return Program(name, path)


def check_program(program: Program, target: str, environment: Mapping[str, str], folder: Path) -> None:
    """UsageError for a program of which it can be told beforehand that it would not run on the device.

    `folder` holds our libraries, which `environment` makes the loader find. Scripts and programs that load
    HIP later are not judged here.
    """
    try:
        with program.path.open("rb") as file:
            if file.read(4) != _ELF:
                return
            facts = _facts(file)
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=program.name) from None
    if facts is None:
        return
    if facts.static_hip:
        raise UsageError(
            "is linked statically with HIP, so that no other library can take its place",
            where=program.name,
            hint="link it with -lamdhip64, the shared library",
        )
    if facts.needed:  # by its libraries, HIP may be needed, too
        _check_library(program, environment, folder, facts)
    if facts.fat_binary:
        _check_target(program, target)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a program's ELF file says. `search` is its DT_RPATH, which the loader takes before
    LD_LIBRARY_PATH, unless there is a DT_RUNPATH."""

    needed: tuple[str, ...]
    search: str
    fat_binary: bool
    static_hip: bool


def _facts(file: Any) -> _Facts | None:
    """None for what is damaged: the system will say so when it is to be executed."""
    from elftools.common.exceptions import ELFError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        elf = ELFFile(file)
        dynamic: Any = next(elf.iter_segments("PT_DYNAMIC"), None)
        tags = [] if dynamic is None else list(dynamic.iter_tags())
        needed = tuple(tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED")
        runpath = any(tag.entry.d_tag == "DT_RUNPATH" for tag in tags)
        rpath = next((tag.rpath for tag in tags if tag.entry.d_tag == "DT_RPATH"), "")
        fat_binary = elf.get_section_by_name(".hip_fatbin") is not None
        # Looking a symbol up takes long in large programs: only where it decides something.
        shared = any(LIBRARY.fullmatch(name) for name in needed)
        static = fat_binary and not shared and (dynamic is None or _defines(elf, _REGISTERS))
        return _Facts(needed, "" if runpath else rpath, fat_binary, static)
    except (ELFError, ConstructError, ValueError, LookupError, AttributeError):
        return None


def _defines(elf: Any, symbol: str) -> bool:
    tables = (elf.get_section_by_name(name) for name in (".dynsym", ".symtab"))
    found = (one for table in tables if table is not None for one in table.get_symbol_by_name(symbol) or ())
    return any(one.entry.st_shndx != "SHN_UNDEF" for one in found)


def _check_library(program: Program, environment: Mapping[str, str], folder: Path, facts: _Facts) -> None:
    """UsageError where the loader gives the program another libamdhip64 than ours."""
    for name, missing, path in _loaded(program.path, environment):
        if missing:
            ours = ", ".join(sorted(one.name for one in folder.glob("libamdhip64.so.*")))
            raise UsageError(f"needs {name}; rocverify has {ours}", where=program.name)
        if Path(path).resolve().parent == folder.resolve():
            continue
        if str(path) in environment.get("LD_PRELOAD", ""):
            raise UsageError(
                f"gets {path} first, by LD_PRELOAD, not rocverify's {name}",
                where=program.name,
                hint="unset LD_PRELOAD",
            )
        why = f", by its DT_RPATH {facts.search}" if facts.search else ""
        raise UsageError(
            f"gets {path} first{why}, not rocverify's {name}",
            where=program.name,
            hint=f"set LD_PRELOAD={folder / name}, or link with -Wl,--enable-new-dtags",
        )


def _loaded(path: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, bool, str]]:
    """(name, whether it is missing, path) of each libamdhip64 that the loader would load."""
    try:
        run = run_tool(
            [str(path.resolve())],
            timeout_s=_LOADER_TIMEOUT_S,
            environment={**environment, "LD_TRACE_LOADED_OBJECTS": "1"},
        )
    except ToolchainError:
        return
    for match in _LOADED.finditer(run.output):
        yield match[1] or match[5], bool(match[2]), match[3] or match[4] or ""


def _check_target(program: Program, target: str) -> None:
    from rocverify.toolchain.bundles import device_code, for_target

    if program.path.stat().st_size > _MOST_BYTES:
        return
    try:
        codes = device_code(program.path.read_bytes(), program.name)
        for_target(codes, target, program.name)
    except WrongTargetError as error:
        raise UsageError(error.message, where=program.name) from None
    except CodeObjectError:
        return  # the program may never load it; if it does, it gets the error
