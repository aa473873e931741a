"""Builds the kernels of the manifest: each source, for each target, to one plain code object.

Compilers run in parallel, with the root as their working directory and no path of this machine in what they
write, so that the same source gives the same bytes in every checkout. Results come from the cache if source,
every header, flags, compiler and device libraries are the same.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rocverify import progress
from rocverify.errors import CompileError, ToolchainError
from rocverify.store.digests import digest_bytes, digest_texts
from rocverify.toolchain.cache import CachedObject, ObjectCache
from rocverify.toolchain.codeobject import CodeObject, read_code_object
from rocverify.toolchain.compilation import Compilation, Request, SourceChangedError
from rocverify.toolchain.devicelibs import MENDED
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.headers import Seen
from rocverify.toolchain.manifest import ManifestEntry

# Raised whenever the same request could give other bytes than an older rocverify's cache holds.
_CACHE_FORMAT = "rocverify.build/1"
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class BuiltObject:
    """A compiled kernel source: the code object, and all that is needed to make it again.

    `command` is what to run at the root to get the same bytes; `headers_sha256` covers every header that
    was included; `cached` is true if no compiler ran; `seconds` is what the compiler took when it did.
    """

    source: str
    target: str
    path: Path
    sha256: str
    source_sha256: str
    headers_sha256: str
    command: tuple[str, ...]
    compiler: str
    log: str
    cached: bool
    seconds: float
    code_object: CodeObject


class Builder:
    """Compiles the sources below `root`; keeps what it makes in `cache_dir`. Safe to use from threads."""

    def __init__(
        self, root: Path, toolchain: Toolchain, cache_dir: Path, *, includes: Sequence[Path] | None = None
    ) -> None:
        """includes: folders outside the root that sources may read besides the toolchain's and the system's;
        None: they may read anything, since the user has named them by hand."""
        self._root = root.resolve()
        self._toolchain = toolchain
        self._cache = ObjectCache(cache_dir)
        self._compilation = Compilation(self._root, toolchain, cache_dir, includes)
        self._read: dict[str, CodeObject] = {}

    def build(
        self, entry: ManifestEntry, target: str, extra_flags: Sequence[str] = (), *, seen: Seen | None = None
    ) -> BuiltObject:
        """The code object of one source for one target, from the cache or compiled now.

        `extra_flags` come after the entry's own; seen: what was just looked at for others. Raises
        CompileError if the source is missing or is rejected, ToolchainError if the compiler cannot do its
        work.
        """
        request = self._request(entry, target, (*entry.flags, *extra_flags))
        cached = self._found(request, seen)
        if cached is not None:
            return self._built(request, cached, fresh=False)
        with self._cache.compiling(request.key):
            cached = self._found(request)
            if cached is not None:
                return self._built(request, cached, fresh=False)
            return self._compiled(request)

    @property
    def toolchain(self) -> Toolchain:
        """What it compiles with."""
        return self._toolchain

    def assembly(self, entry: ManifestEntry, target: str, extra_flags: Sequence[str] = ()) -> str:
        """What the compiler makes of one source, as assembly, compiled now. CompileError where it is missing
        or rejected."""
        return self._compilation.assembly(self._request(entry, target, (*entry.flags, *extra_flags)))

    def _found(self, request: Request, seen: Seen | None = None) -> CachedObject | None:
        """What the cache has; CompileError where it was made from files that may not be read in this run."""
        cached = self._cache.find(request.key, self._root, seen)
        if cached is not None:
            self._compilation.check_reads(request, cached.headers.files, cached.headers.lookups.folders)
        return cached

    def build_all(
        self, entries: Sequence[ManifestEntry], targets: Sequence[str], extra_flags: Sequence[str] = ()
    ) -> list[BuiltObject | CompileError]:
        """Every entry for every target, in parallel; entry by entry, each for all targets in turn.

        A source that does not compile gives its CompileError in its place.
        """
        jobs, seen = list(product(entries, targets)), Seen()

        def one(job: tuple[ManifestEntry, str]) -> BuiltObject | CompileError:
            try:
                return self.build(*job, extra_flags, seen=seen)
            except CompileError as error:
                return error

        with ThreadPoolExecutor(max_workers=max(1, min(len(jobs), len(os.sched_getaffinity(0))))) as pool:
            return list(pool.map(one, jobs))

    def _request(self, entry: ManifestEntry, target: str, flags: tuple[str, ...]) -> Request:
        source_sha256 = digest_bytes(self._compilation.source_bytes(entry))
        toolchain = self._toolchain
        compiler = (toolchain.identity, toolchain.device_libs_digest, MENDED, toolchain.hip_version)
        key = digest_texts((_CACHE_FORMAT, *compiler, entry.source, source_sha256, target, *flags))
        return Request(entry, target, flags, source_sha256, key)

    def _compiled(self, request: Request) -> BuiltObject:
        progress.say(f"compiling {request.entry.source} for {request.target}")
        for _ in range(_ATTEMPTS):
            try:
                return self._built(request, self._compile(request), fresh=True)
            except SourceChangedError:
                request = self._request(request.entry, request.target, request.flags)
        raise ToolchainError(
            "changes while it is compiled", where=request.entry.source, hint="stop editing, then run again"
        )

    def _compile(self, request: Request) -> CachedObject:
        compiled = self._compilation.run(request)
        read_code_object(compiled.data, request.entry.source)
        return self._cache.store(request.key, compiled.data, compiled.headers, compiled.log, compiled.seconds)

    def _built(self, request: Request, cached: CachedObject, *, fresh: bool) -> BuiltObject:
        name = Path(request.entry.source).stem
        code_object = self._code_object(cached, request.entry.source)
        return BuiltObject(
            source=request.entry.source,
            target=request.target,
            path=cached.path,
            sha256=code_object.sha256,
            source_sha256=request.source_sha256,
            headers_sha256=cached.headers.digest,
            command=(*self._compilation.command(request), "-o", f"{name}.{request.target}.co"),
            compiler=self._toolchain.version,
            log=cached.log,
            cached=not fresh,
            seconds=cached.seconds,
            code_object=code_object,
        )

    def _code_object(self, cached: CachedObject, source: str) -> CodeObject:
        """Parsed once for each object: the path is made of the digest of its bytes, which were checked."""
        key = cached.path.name
        if key not in self._read:
            self._read[key] = read_code_object(cached.data, source)
        return self._read[key]
