"""Builds the libraries from source, and finds those that are built already.

    <cache>/hiplib/<digest>/   libamdhip64.so, its links .so.5 .so.6 .so.7, libhiprtc.so ...

The digest covers the sources, this package and the compiler. A folder appears whole, by rename, and never
changes: any number of processes may look for it or make it at once. A wheel carries them in `PREBUILT`.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import platformdirs
from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.device.library_build.compiler import STUB_FLAGS, CCompiler, find_compiler
from rocverify.device.library_build.exports import read_exports
from rocverify.device.library_build.libraries import LIBRARIES, SOURCES, Library, shared_sources
from rocverify.device.library_build.stubs import stub_source, version_script
from rocverify.errors import ToolchainError

PREBUILT = SOURCES / "prebuilt"
"""Where a wheel keeps the libraries, with the digest of the sources that they were built of."""
DIGEST_FILE = "sources.sha256"


@functools.cache
def hip_library_folder() -> Path:
    """The folder to put on LD_LIBRARY_PATH: the libraries under every name that programs ask for.

    Made at first use, from the wheel's libraries where they are those of these sources, else by a C compiler.
    Raises ToolchainError if there is none, if it fails, or if the cache cannot be written.
    """
    digest = sources_digest()
    if _prebuilt_digest() == digest:
        folder = cache_folder() / f"{digest[:32]}-prebuilt"
        return folder if folder.is_dir() else _publish(folder, _copy_prebuilt)
    compiler = find_compiler()
    key = hashlib.sha256(f"{digest} {compiler.identity}".encode()).hexdigest()[:32]
    folder = cache_folder() / key
    return (
        folder if folder.is_dir() else _publish(folder, functools.partial(build_libraries, compiler=compiler))
    )


def cache_folder() -> Path:
    """<user's cache folder>/rocverify/hiplib; XDG_CACHE_HOME moves it."""
    return platformdirs.user_cache_path("rocverify", appauthor=False) / "hiplib"


def sources_digest() -> str:
    """Digest of all that the libraries are made of: C, lists of names, and this package."""
    total = hashlib.sha256()
    files = [*SOURCES.glob("*.[ch]"), *SOURCES.glob("*.txt"), *Path(__file__).parent.glob("*.py")]
    for path in sorted(files):
        data = path.read_bytes()
        total.update(f"{path.name} {len(data)}\n".encode() + data)
    return total.hexdigest()


def build_libraries(folder: Path, compiler: CCompiler | None = None) -> None:
    """Builds every library into `folder`, which exists, with the links to them."""
    _build_files(folder, compiler or find_compiler())
    for library in LIBRARIES.values():
        _link_names(library, folder)


def _build_files(folder: Path, compiler: CCompiler) -> None:
    """Compiles side by side, then links one after the other: each needs those before it."""
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


def _link_names(library: Library, folder: Path) -> None:
    for name in library.links:
        (folder / name).symlink_to(library.file)


def _prebuilt_digest() -> str | None:
    try:
        return (PREBUILT / DIGEST_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def write_prebuilt(folder: Path) -> None:
    """Builds the libraries for a wheel: without links, which it cannot hold, with the sources' digest."""
    folder.mkdir(parents=True, exist_ok=True)
    _build_files(folder, find_compiler())
    (folder / DIGEST_FILE).write_text(sources_digest() + "\n", encoding="ascii")


def _copy_prebuilt(folder: Path) -> None:
    for library in LIBRARIES.values():
        shutil.copyfile(PREBUILT / library.file, folder / library.file)
        (folder / library.file).chmod(0o755)
        _link_names(library, folder)


def _publish(folder: Path, make: Callable[[Path], None]) -> Path:
    """Has `make` fill a folder beside `folder`, and gives it that name: it is there whole or not at all."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=folder.parent))
    except OSError as error:
        raise ToolchainError(
            f"the HIP library cannot be kept here: {error.strerror}",
            where=str(folder.parent),
            hint="set XDG_CACHE_HOME to a folder that can be written",
        ) from error
    try:
        make(draft)
        draft.chmod(0o755)
        draft.rename(folder)
    except OSError as error:
        if not folder.is_dir():  # else another process was faster, and made the same
            raise ToolchainError(
                f"the HIP library could not be written: {error.strerror or error}", where=str(folder)
            ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder
