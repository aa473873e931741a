"""The libraries export every HIP name that the programs ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.device.library_build import hip_library_folder
from tests.programs.build import Workshop, programs, undefined_symbols
from tests.programs.test_programs import QUICK

_LIBRARIES = ("libamdhip64.so", "libhiprtc.so", "libhipblas.so", "librocblas.so")
_PREFIXES = ("hip", "__hip", "rocblas_")


def _exported() -> set[str]:
    return {name for library in _LIBRARIES for name in _defined(hip_library_folder() / library)}


def _defined(path: Path) -> set[str]:
    with path.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".dynsym")
        assert isinstance(table, SymbolTableSection)
        return {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] != "SHN_UNDEF"}


@pytest.mark.parametrize("names", [QUICK, pytest.param(None, marks=pytest.mark.long)], ids=["quick", "all"])
def test_libraries_export_what_programs_ask_for(workshop: Workshop, names: dict[str, str] | None) -> None:
    exported = _exported()
    asked = 0
    for program in (one for folder in ("cpp", "rust", "c", "planted") for one in programs(folder)):
        if names is not None and program.name not in names:
            continue
        undefined = undefined_symbols(workshop.executable(program))
        wanted = {name for name in undefined if name.startswith(_PREFIXES)}
        assert wanted <= exported, f"{program.name} asks for {sorted(wanted - exported)}"
        asked += len(wanted)
    assert asked > 0
