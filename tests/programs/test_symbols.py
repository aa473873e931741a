"""The libraries export every HIP name that the programs ask for."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.device.library_build import hip_library_folder
from tests.programs.build import Program, Workshop, programs, undefined_symbols
from tests.programs.test_programs import QUICK

_LIBRARIES = ("libamdhip64.so", "libhiprtc.so", "libhipblas.so", "librocblas.so")
_PREFIXES = ("hip", "__hip", "rocblas_")


@functools.cache
def _exported() -> frozenset[str]:
    return frozenset(name for library in _LIBRARIES for name in _defined(hip_library_folder() / library))


def _defined(path: Path) -> set[str]:
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] != "SHN_UNDEF"}


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(one, id=one.name, marks=() if one.name in QUICK else (pytest.mark.long,))
        for folder in ("cpp", "rust", "c", "planted")
        for one in programs(folder)
    ],
)
def test_libraries_export_what_programs_ask_for(workshop: Workshop, program: Program) -> None:
    undefined = undefined_symbols(workshop.executable(program))
    asked = {name for name in undefined if name.startswith(_PREFIXES)}
    assert asked
    assert asked <= _exported(), f"missing: {sorted(asked - _exported())}"
