"""Kernels that the build manifest lists as built already: its `source` is a code object, or a bundle of them.

Nothing is compiled, and no compiler is needed. What is taken is what would be loaded; whether it was made of
the sources that lie beside it is not known.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from rocverify.errors import CodeObjectError, CompileError
from rocverify.store.digests import digest_bytes
from rocverify.toolchain.build import BuiltObject
from rocverify.toolchain.bundles import device_code, for_target
from rocverify.toolchain.cache import ObjectCache
from rocverify.toolchain.codeobject import read_code_object
from rocverify.toolchain.manifest import ManifestEntry

SUFFIXES = (".hsaco", ".co", ".hipfb")
PREBUILT = "none: it was built before"
"""In place of the compiler."""


def is_prebuilt(source: str) -> bool:
    """Whether a manifest's `source` is what compilers write."""
    return PurePosixPath(source).suffix in SUFFIXES


def taken(root: Path, entry: ManifestEntry, target: str, cache_dir: Path) -> BuiltObject | CompileError:
    """The code object that an entry has for a target; CompileError where it has none, or cannot be read."""
    path = root / entry.source
    if not path.resolve().is_relative_to(root.resolve()):
        return CompileError("leads out of the root", log="", where=entry.source)
    try:
        if path.exists() and not path.is_file():  # reading a pipe may never end
            return CompileError("is not a file", log="", where=entry.source, hint="restore the code object")
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
        return CompileError(message, log="", where=entry.source, hint="build it, then run again")
    try:
        codes = for_target(device_code(content, entry.source), target, entry.source)
        facts = read_code_object(codes[0].data, entry.source)
    except CodeObjectError as error:
        return CompileError(error.message, log="", where=entry.source, hint=error.hint)
    if len(codes) > 1:
        message = f"holds {len(codes)} code objects for {target}: one entry is for one of them"
        return CompileError(message, log="", where=entry.source, hint="list each code object by itself")
    return BuiltObject(
        source=entry.source,
        target=target,
        path=ObjectCache(cache_dir).keep(codes[0].data),
        sha256=facts.sha256,
        source_sha256=digest_bytes(content),
        headers_sha256="",
        command=(),
        compiler=PREBUILT,
        log="",
        cached=True,
        seconds=0.0,
        code_object=facts,
    )
