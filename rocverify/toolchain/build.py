"""Builds the kernels of the manifest: each source, for each target, to one plain code object.

Compilers run in parallel, with the root as their working directory and no path of this machine in what they
write, so that the same source gives the same bytes in every checkout. Results come from the cache if source,
every header, flags, compiler and device libraries are the same.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from rocverify.errors import CompileError, ToolchainError
from rocverify.store.digests import digest_bytes, digest_texts
from rocverify.store.tools import ToolRun, run_tool
from rocverify.toolchain.cache import CachedObject, ObjectCache
from rocverify.toolchain.codeobject import CodeObject, read_code_object
from rocverify.toolchain.devicelibs import MENDED, libraries_for
from rocverify.toolchain.diagnostics import compile_error
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.headers import (
    HeaderState,
    header_state,
    parse_depfile,
    relative_to_root,
    search_path,
)
from rocverify.toolchain.manifest import ManifestEntry
from rocverify.toolchain.reads import Readable, may_hold_assembly, reading_directive, system_folders

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


@dataclass(frozen=True, slots=True)
class _Request:
    """One compilation: `key` names everything that decides its result, but for the headers."""

    entry: ManifestEntry
    target: str
    flags: tuple[str, ...]
    source_sha256: str
    key: str


class _SourceChangedError(Exception):
    """The source or a header changed while the compiler ran."""


class Builder:
    """Compiles the sources below `root`; keeps what it makes in `cache_dir`. Safe to use from threads."""

    def __init__(
        self, root: Path, toolchain: Toolchain, cache_dir: Path, *, includes: Sequence[Path] | None = None
    ) -> None:
        """includes: folders outside the root that sources may read besides the toolchain's and the system's;
        None: they may read anything, since the user has named them by hand."""
        self._root = root.resolve()
        self._includes = None if includes is None else tuple(one.resolve() for one in includes)
        self._toolchain = toolchain
        self._cache_dir = cache_dir
        self._cache = ObjectCache(cache_dir)
        self._read: dict[str, CodeObject] = {}
        self._libraries: dict[tuple[str, int | None], Path] = {}
        self._search_paths: dict[tuple[str, ...], list[str]] = {}

    def build(self, entry: ManifestEntry, target: str, extra_flags: Sequence[str] = ()) -> BuiltObject:
        """The code object of one source for one target, from the cache or compiled now.

        `extra_flags` come after the entry's own. Raises CompileError if the source is missing or is
        rejected, ToolchainError if the compiler cannot do its work.
        """
        request = self._request(entry, target, (*entry.flags, *extra_flags))
        cached = self._found(request)
        if cached is not None:
            return self._built(request, cached, fresh=False)
        with self._cache.compiling(request.key):
            cached = self._found(request)
            if cached is not None:
                return self._built(request, cached, fresh=False)
            return self._compiled(request)

    def _found(self, request: _Request) -> CachedObject | None:
        """What the cache has; CompileError where it was made from files that may not be read in this run."""
        cached = self._cache.find(request.key, self._root)
        if cached is not None:
            self._check_reads(request, cached.headers.files, cached.headers.lookups.folders)
        return cached

    def build_all(
        self, entries: Sequence[ManifestEntry], targets: Sequence[str], extra_flags: Sequence[str] = ()
    ) -> list[BuiltObject | CompileError]:
        """Every entry for every target, in parallel; entry by entry, each for all targets in turn.

        A source that does not compile gives its CompileError in its place.
        """
        jobs = list(product(entries, targets))

        def one(job: tuple[ManifestEntry, str]) -> BuiltObject | CompileError:
            try:
                return self.build(*job, extra_flags)
            except CompileError as error:
                return error

        with ThreadPoolExecutor(max_workers=max(1, min(len(jobs), len(os.sched_getaffinity(0))))) as pool:
            return list(pool.map(one, jobs))

    def _request(self, entry: ManifestEntry, target: str, flags: tuple[str, ...]) -> _Request:
        source_sha256 = digest_bytes(self._source_bytes(entry))
        toolchain = self._toolchain
        compiler = (toolchain.identity, toolchain.device_libs_digest, MENDED, toolchain.hip_version)
        key = digest_texts((_CACHE_FORMAT, *compiler, entry.source, source_sha256, target, *flags))
        return _Request(entry, target, flags, source_sha256, key)

    def _source_bytes(self, entry: ManifestEntry) -> bytes:
        path = self._root / entry.source
        if not path.resolve().is_relative_to(self._root):
            raise CompileError("leads out of the root", log="", where=entry.source)
        if path.exists() and not path.is_file():  # reading a pipe may never end
            raise CompileError("is not a file", log="", where=entry.source, hint="restore the source")
        try:
            return path.read_bytes()
        except OSError as error:
            raise CompileError(
                f"cannot be read: {error.strerror}",
                log="",
                where=entry.source,
                hint="restore the source, or take its [[kernel]] out of the manifest",
            ) from None

    def _compiled(self, request: _Request) -> BuiltObject:
        for _ in range(_ATTEMPTS):
            try:
                return self._built(request, self._compile(request), fresh=True)
            except _SourceChangedError:
                request = self._request(request.entry, request.target, request.flags)
        raise ToolchainError(
            "changes while it is compiled", where=request.entry.source, hint="stop editing, then run again"
        )

    def _compile(self, request: _Request) -> CachedObject:
        """Runs the compiler once and stores the result, unless what it read changed under it."""
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="compile-", dir=self._cache_dir) as folder:
            output, depfile = Path(folder) / "out.co", Path(folder) / "out.d"
            self._check_assembly(request, [request.entry.source], Path(folder) / "out.s")
            command = (*self._command(request), "-MD", "-MF", str(depfile), "-o", str(output))
            began, clock = time.time_ns(), time.monotonic()
            run = run_tool(command, timeout_s=self._toolchain.timeout_s, cwd=self._root)
            seconds = time.monotonic() - clock
            if depfile.exists():  # also where the source was rejected
                listed = depfile.read_text(encoding="utf-8", errors="surrogateescape")
                self._check_reads(request, parse_depfile(listed), self._search_path(request))
            if run.returncode != 0:
                raise self._failure(request, run)
            data, read = _written(output, depfile, request.entry.source)
            headers = self._headers(request, read)
            own = [path for path in headers.files if not Path(path).is_absolute()]
            self._check_assembly(request, own, Path(folder) / "out.s")
        if self._changed_since(began, request, headers):
            raise _SourceChangedError
        read_code_object(data, request.entry.source)
        return self._cache.store(request.key, data, headers, self._shown(request, run.log), seconds)

    def _check_reads(self, request: _Request, paths: Iterable[str], searched: Sequence[str]) -> None:
        """CompileError for a file that may not be read; `searched`: where the compiler looks for headers."""
        readable = self._readable(searched)
        refused = None if readable is None else readable.refused(paths)
        if refused is not None:
            raise CompileError(
                f"reads {refused}, which lies outside of the project and of the compiler's folders",
                log="",
                where=request.entry.source,
                hint=f"bring it into the project, or run with --allow-include {Path(refused).parent}",
            )

    def _check_assembly(self, request: _Request, files: Iterable[str], output: Path) -> None:
        """CompileError where assembly in one of these files of the project's reads files."""
        if self._includes is None or output.exists():
            return
        if not any(may_hold_assembly((self._root / path).read_bytes()) for path in files):
            return
        command = tuple("-S" if word == "-c" else word for word in self._command(request))
        run = run_tool((*command, "-o", str(output)), timeout_s=self._toolchain.timeout_s, cwd=self._root)
        if run.returncode != 0:
            return  # the compilation itself says what is wrong
        directive = reading_directive(output.read_text(encoding="utf-8", errors="replace"))
        if directive is not None:
            raise CompileError(
                f"has {directive} in its assembly: which files that reads cannot be judged",
                log="",
                where=request.entry.source,
                hint="take it out; #embed and #include are judged by what they read",
            )

    def _readable(self, searched: Sequence[str]) -> Readable | None:
        if self._includes is None:
            return None
        folders = system_folders(searched, self._toolchain.rocm_path, self._root)
        return Readable(self._root, folders, self._includes)

    def _shown(self, request: _Request, log: str) -> str:
        if not log:
            return log
        readable = self._readable(self._search_path(request))
        return log if readable is None else readable.shown(log)

    def _failure(self, request: _Request, run: ToolRun) -> ToolchainError:
        return compile_error(
            self._shown(request, run.log),
            run.returncode,
            source=request.entry.source,
            target=request.target,
            root=self._root,
            manifest_line=f"the manifest (line {request.entry.line})",
        )

    def _headers(self, request: _Request, depfile: str) -> HeaderState:
        try:
            return header_state(self._root, request.entry.source, depfile, self._search_path(request))
        except OSError:
            raise _SourceChangedError from None

    def _search_path(self, request: _Request) -> list[str]:
        """Where the compiler looks for headers, asked once for each set of flags."""
        flags = (request.target, *request.flags)
        if flags not in self._search_paths:
            run = run_tool(
                (*self._command(request), "-###"), timeout_s=self._toolchain.timeout_s, cwd=self._root
            )
            self._search_paths[flags] = search_path(run.log)
        return self._search_paths[flags]

    def _changed_since(self, began_ns: int, request: _Request, headers: HeaderState) -> bool:
        if digest_bytes(self._source_bytes(request.entry)) != request.source_sha256:
            return True
        times = ((self._root / path).stat() for path in headers.files)
        return any(max(stat.st_mtime_ns, stat.st_ctime_ns) >= began_ns for stat in times)

    def _command(self, request: _Request) -> tuple[str, ...]:
        """The compiler's command, but for the names of what it writes."""
        libraries = self._libraries_for(request.target, asked_version(request.flags))
        folder = relative_to_root(self._root, str(libraries.absolute()))
        return compile_command(
            self._toolchain, request.entry.source, request.target, request.flags, libraries=folder
        )

    def _libraries_for(self, target: str, abi_version: int | None) -> Path:
        key = (target, abi_version)
        if key not in self._libraries:
            made = libraries_for(self._toolchain, target, abi_version, self._cache_dir)
            self._libraries[key] = made.folder
        return self._libraries[key]

    def _built(self, request: _Request, cached: CachedObject, *, fresh: bool) -> BuiltObject:
        name = Path(request.entry.source).stem
        code_object = self._code_object(cached, request.entry.source)
        return BuiltObject(
            source=request.entry.source,
            target=request.target,
            path=cached.path,
            sha256=code_object.sha256,
            source_sha256=request.source_sha256,
            headers_sha256=cached.headers.digest,
            command=(*self._command(request), "-o", f"{name}.{request.target}.co"),
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


def compile_command(
    toolchain: Toolchain, source: str, target: str, flags: Sequence[str], *, libraries: str
) -> tuple[str, ...]:
    """The compiler's command for one plain code object, but for `-o`; `libraries` is the device bitcode."""
    return (
        str(toolchain.clang),
        *("-x", "hip", f"--offload-arch={target}"),
        *("--cuda-device-only", "--no-gpu-bundle-output"),
        f"--rocm-path={toolchain.rocm_path}",
        f"--rocm-device-lib-path={libraries}",
        "-fhip-kernel-arg-name",
        # Nothing of this checkout's place in the bytes: no folder, no hash of a path.
        *("-fdebug-compilation-dir=.", "-fuse-cuid=none"),
        *flags,
        *("-c", source),
    )


def program_command(
    toolchain: Toolchain, source: str, targets: Sequence[str], flags: Sequence[str], *, libraries: str
) -> tuple[str, ...]:
    """The compiler's command for a whole program, host and device, linked with HIP; but for `-o`."""
    return (
        str(toolchain.clang),
        *("-x", "hip", *(f"--offload-arch={target}" for target in targets)),
        f"--rocm-path={toolchain.rocm_path}",
        f"--rocm-device-lib-path={libraries}",
        *flags,
        *(source, "-lamdhip64"),
    )


def _written(output: Path, depfile: Path, source: str) -> tuple[bytes, str]:
    """The code object and the list of what was read for it, as the compiler wrote them."""
    try:
        return output.read_bytes(), depfile.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError as error:
        raise ToolchainError(
            f"the compiler reported success but wrote no code object: {error.strerror}",
            where=source,
            hint="is the cache folder writable, and the disk not full?",
        ) from error


def asked_version(flags: Sequence[str]) -> int | None:
    """The code object version that the flags ask for; None leaves it to the compiler."""
    versions = [match[1] for flag in flags if (match := re.fullmatch(r"-mcode-object-version=(\d)", flag))]
    return int(versions[-1]) if versions else None
