"""Finds the libraries that are built already, and has them built where they are not.

    <cache>/hiplib/<digest>/   libamdhip64.so, its links .so.5 .so.6 .so.7, libhiprtc.so ...

The digest covers the sources, this package and the compiler. A folder appears whole, by rename, and never
changes: any number of processes may look for it or make it at once. A wheel carries them in `PREBUILT`.
"""

from __future__ import annotations

import functools
import hashlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from rocverify.device.library_build.compiler import CCompiler, find_compiler
from rocverify.device.library_build.libraries import LIBRARIES, SOURCES, Library
from rocverify.errors import ToolchainError
from rocverify.store.user_folders import user_cache

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
    return folder if folder.is_dir() else _publish(folder, functools.partial(_built, compiler=compiler))


def _built(folder: Path, compiler: CCompiler) -> None:
    from rocverify.device.library_build.build import build_files  # what it takes is needed only here

    build_files(folder, compiler)
    for library in LIBRARIES.values():
        link_names(library, folder)


def cache_folder() -> Path:
    """<user's cache folder>/rocverify/hiplib; XDG_CACHE_HOME moves it."""
    return user_cache() / "hiplib"


def sources_digest() -> str:
    """Digest of all that the libraries are made of: C, lists of names, and this package."""
    total = hashlib.sha256()
    files = [*SOURCES.glob("*.[ch]"), *SOURCES.glob("*.txt"), *Path(__file__).parent.glob("*.py")]
    for path in sorted(files):
        data = path.read_bytes()
        total.update(f"{path.name} {len(data)}\n".encode() + data)
    return total.hexdigest()


def link_names(library: Library, folder: Path) -> None:
    """Makes the names under which a library is looked for."""
    for name in library.links:
        (folder / name).symlink_to(library.file)


def _prebuilt_digest() -> str | None:
    try:
        return (PREBUILT / DIGEST_FILE).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None


def _copy_prebuilt(folder: Path) -> None:
    for library in LIBRARIES.values():
        shutil.copyfile(PREBUILT / library.file, folder / library.file)
        (folder / library.file).chmod(0o755)
        link_names(library, folder)


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
