"""Where compilers and their parts may lie: ROCm's own tree, and the places Debian uses.

Nothing here decides: each function yields what exists, best first. Tests point `SEARCH` at trees of
their own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import ToolchainError
from rocverify.store.tools import run_tool
from rocverify.toolchain.packages import DEBIAN_COMPILER_VERSIONS

MINIMUM_LLVM = 15
_NEWEST_LLVM_TRIED = 30
_PROBE_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class SearchPlaces:
    """The roots that searches start from."""

    rocm: tuple[Path, ...] = (Path("/opt/rocm"),)
    system: Path = Path("/usr")


SEARCH = SearchPlaces()


def rocm_roots(places: SearchPlaces) -> Iterator[Path]:
    """The roots of real ROCm installations: $ROCM_PATH, /opt/rocm, and those of tools on the PATH."""
    if named := os.environ.get("ROCM_PATH"):
        yield Path(named)
    yield from places.rocm
    for tool in ("amdclang++", "hipcc"):
        if found := shutil.which(tool):
            yield from _root_above(Path(found))
    if hipcc := shutil.which("hipcc"):
        yield from _root_that_hipcc_names(hipcc, places)


def _root_above(tool: Path) -> Iterator[Path]:
    """The nearest folder around a tool that holds HIP's headers, links followed."""
    for folder in tool.resolve().parents:
        if has_headers(folder):
            yield folder
            return


def _root_that_hipcc_names(hipcc: str, places: SearchPlaces) -> Iterator[Path]:
    """hipcc may be a wrapper somewhere else: ask it (for AMD) where its clang is.

    A hipcc of the distribution answers with the distribution's clang: no ROCm, so nothing comes of it.
    """
    try:
        said = run_tool([hipcc, "--version"], timeout_s=_PROBE_TIMEOUT_S).output
    except ToolchainError:
        return
    if folder := re.search(r"^InstalledDir:\s*(\S+)", said, re.MULTILINE):
        compiler = Path(folder[1]) / "clang++"
        if not compiler.resolve().is_relative_to(places.system):
            yield from _root_above(compiler)


def rocm_compilers(root: Path) -> Iterator[Path]:
    """The clang of the ROCm installation at `root`, in the layouts of ROCm 5, 6 and 7."""
    for name in ("lib/llvm/bin/clang++", "llvm/bin/clang++", "bin/amdclang++"):
        if (root / name).is_file():
            yield root / name


def system_compilers(places: SearchPlaces) -> Iterator[Path]:
    """The distribution's clang: the versions known to work first, then any other, newest first."""
    others = [v for v in range(_NEWEST_LLVM_TRIED, MINIMUM_LLVM, -1) if v not in DEBIAN_COMPILER_VERSIONS]
    for version in (*DEBIAN_COMPILER_VERSIONS, *others):
        compiler = places.system / "bin" / f"clang++-{version}"
        if compiler.is_file():
            yield compiler


def clang_for_c(places: SearchPlaces) -> Path | None:
    """A clang for plain C: of a ROCm installation, of the distribution, of the PATH."""
    found = [one for root in rocm_roots(places) for one in rocm_compilers(root)]
    for compiler in (*found, *system_compilers(places)):
        if (clang := compiler.resolve().parent / "clang").is_file():
            return clang
    on_path = shutil.which("clang")
    return None if on_path is None else Path(on_path)


def has_headers(root: Path) -> bool:
    """True where `root` holds HIP's runtime header."""
    return (root / "include/hip/hip_runtime.h").is_file()


def header_root(compiler: Path, places: SearchPlaces) -> Path | None:
    """The folder to give as --rocm-path: the nearest around the compiler with HIP's headers."""
    above = list(_root_above(compiler))
    elsewhere = [root for root in (*rocm_environment(), *places.rocm, places.system) if has_headers(root)]
    return next(iter((*above, *elsewhere)), None)


def rocm_environment() -> tuple[Path, ...]:
    """What $ROCM_PATH names, if it is set."""
    named = os.environ.get("ROCM_PATH")
    return (Path(named),) if named else ()


def device_libraries(header: Path, compiler: Path, places: SearchPlaces) -> Path | None:
    """The folder of ROCm's device bitcode (ockl, ocml, oclc_*) that goes with a compiler."""
    llvm = compiler.resolve().parent.parent
    folders = [
        header / "amdgcn/bitcode",
        *sorted(llvm.glob("lib/clang/*/lib/amdgcn/bitcode"), reverse=True),
        *sorted(llvm.glob("lib/clang/*/amdgcn/bitcode"), reverse=True),
        *sorted(places.system.glob("lib/*/amdgcn/bitcode")),
        places.system / "lib/amdgcn/bitcode",
    ]
    return next((folder for folder in folders if (folder / "ockl.bc").is_file()), None)


def linker(compiler: Path) -> Path | None:
    """The lld that clang runs: the one beside it."""
    return next((p for n in ("ld.lld", "lld") if (p := compiler.resolve().parent / n).is_file()), None)


def disassembler(compiler: Path, llvm_major: int, places: SearchPlaces) -> Path | None:
    """llvm-objdump: ROCm's own beside its clang; of the distribution's, the newest (it knows most)."""
    beside = compiler.resolve().parent / "llvm-objdump"
    versioned = places.system.glob("lib/llvm-*/bin/llvm-objdump")
    found = {int(path.parts[-3].removeprefix("llvm-")): path for path in versioned}
    if beside.is_file() and not beside.is_relative_to(places.system / "lib"):
        return beside
    if beside.is_file():
        found[llvm_major] = beside
    newest = max((v for v in found if v >= MINIMUM_LLVM), default=None)
    return None if newest is None else found[newest]
