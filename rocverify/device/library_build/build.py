"""Builds the libraries from source: compiles, generates what no source implements, links."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.device.library_build.compiler import STUB_FLAGS, CCompiler, find_compiler
from rocverify.device.library_build.exports import read_exports
from rocverify.device.library_build.folder import DIGEST_FILE, sources_digest
from rocverify.device.library_build.libraries import LIBRARIES, SOURCES, Library, shared_sources
from rocverify.device.library_build.stubs import stub_source, version_script
from rocverify.errors import ToolchainError


def build_files(folder: Path, compiler: CCompiler) -> None:
    """Builds every library into `folder`. Compiles side by side, then links one after the other: each needs
    those before it. ToolchainError with the compiler's words if it fails."""
    with (
        tempfile.TemporaryDirectory(prefix="rocverify-hiplib-") as name,
        ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool,
    ):
        scratch = Path(name)
        sources = {source for library in LIBRARIES.values() for source in shared_sources(library)}
        objects = dict(
            zip(sources, pool.map(lambda one: _object(one, compiler, scratch), sources), strict=True)
        )
        own = {one.stem: [objects[source] for source in shared_sources(one)] for one in LIBRARIES.values()}
        generated = pool.map(
            lambda one: _generated(one, own[one.stem], compiler, scratch), LIBRARIES.values()
        )
        for library, (stubs, script) in zip(LIBRARIES.values(), generated, strict=True):
            needed = [str(folder / LIBRARIES[other].file) for other in library.needs]
            compiler.link(
                [*own[library.stem], stubs],
                folder / library.file,
                [
                    f"-Wl,--version-script={script}",
                    f"-Wl,-soname,{library.soname}",
                    "-Wl,-rpath,$ORIGIN",
                    *needed,
                    "-ldl",
                    "-lm",
                ],
            )


def _object(source: Path, compiler: CCompiler, scratch: Path) -> Path:
    target = scratch / f"{source.stem}.o"
    compiler.compile(source, target, SOURCES)
    return target


def _generated(
    library: Library, objects: Sequence[Path], compiler: CCompiler, scratch: Path
) -> tuple[Path, Path]:
    """The object of a library's stubs, and its version script."""
    implemented = frozenset[str]().union(*(exported_functions(path) for path in objects))
    exports = read_exports(SOURCES / library.exports)
    stubs, script = scratch / f"{library.stem}_stubs.c", scratch / f"{library.stem}.map"
    stubs.write_text(stub_source(exports, implemented, status=library.status), encoding="utf-8")
    script.write_text(version_script(exports, implemented), encoding="utf-8")
    compiler.compile(stubs, stubs.with_suffix(".o"), SOURCES, STUB_FLAGS)
    return stubs.with_suffix(".o"), script


def exported_functions(path: Path) -> frozenset[str]:
    """The names that an object file defines for others, by its symbol table."""
    with path.open("rb") as file:
        try:
            table = ELFFile(file).get_section_by_name(".symtab")
        except ELFError as error:
            raise ToolchainError("the C compiler did not write an ELF object", where=path.name) from error
        symbols = list(table.iter_symbols()) if isinstance(table, SymbolTableSection) else []
    return frozenset(
        symbol.name
        for symbol in symbols
        if symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK")
        and symbol["st_other"]["visibility"] == "STV_DEFAULT"
        and symbol["st_shndx"] != "SHN_UNDEF"
    )


def write_prebuilt(folder: Path) -> None:
    """Builds the libraries for a wheel: without links, which it cannot hold, with the sources' digest."""
    folder.mkdir(parents=True, exist_ok=True)
    build_files(folder, find_compiler())
    (folder / DIGEST_FILE).write_text(sources_digest() + "\n", encoding="ascii")
