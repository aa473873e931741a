"""One run of the compiler on one kernel source: what it may read, what it reads, and whether that stays."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import CompileError, ToolchainError
from rocverify.store.digests import digest_bytes
from rocverify.store.tools import ToolRun, run_tool
from rocverify.toolchain.commands import asked_version, compile_command
from rocverify.toolchain.devicelibs import libraries_for
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


@dataclass(frozen=True, slots=True)
class Request:
    """One compilation: `key` names everything that decides its result, but for the headers."""

    entry: ManifestEntry
    target: str
    flags: tuple[str, ...]
    source_sha256: str
    key: str


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler wrote: the code object, what it read, its words, and the seconds that it took."""

    data: bytes
    headers: HeaderState
    log: str
    seconds: float


class SourceChangedError(Exception):
    """The source or a header changed while the compiler ran."""


class Compilation:
    """Runs the compiler at the root of a project. Safe to use from threads."""

    def __init__(
        self, root: Path, toolchain: Toolchain, cache_dir: Path, includes: Sequence[Path] | None
    ) -> None:
        """includes: see Builder."""
        self._root = root
        self._includes = None if includes is None else tuple(one.resolve() for one in includes)
        self._toolchain = toolchain
        self._cache_dir = cache_dir
        self._libraries: dict[tuple[str, int | None], Path] = {}
        self._search_paths: dict[tuple[str, ...], list[str]] = {}

    def source_bytes(self, entry: ManifestEntry) -> bytes:
        """The source as it stands now; CompileError where it cannot be read."""
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

    def run(self, request: Request) -> Compiled:
        """Runs the compiler once. Raises SourceChangedError where what it read changed under it, CompileError
        where the source is rejected or reads what it may not, ToolchainError."""
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="compile-", dir=self._cache_dir) as folder:
            output, depfile = Path(folder) / "out.co", Path(folder) / "out.d"
            self._check_assembly(request, [request.entry.source], Path(folder) / "out.s")
            command = (*self.command(request), "-MD", "-MF", str(depfile), "-o", str(output))
            began, clock = time.time_ns(), time.monotonic()
            run = run_tool(command, timeout_s=self._toolchain.timeout_s, cwd=self._root)
            seconds = time.monotonic() - clock
            if depfile.exists():  # also where the source was rejected
                listed = depfile.read_text(encoding="utf-8", errors="surrogateescape")
                self.check_reads(request, parse_depfile(listed), self._search_path(request))
            if run.returncode != 0:
                raise self._failure(request, run)
            data, read = _written(output, depfile, request.entry.source)
            headers = self._headers(request, read)
            own = [path for path in headers.files if not Path(path).is_absolute()]
            self._check_assembly(request, own, Path(folder) / "out.s")
        if self._changed_since(began, request, headers):
            raise SourceChangedError
        return Compiled(data, headers, self._shown(request, run.log), seconds)

    def check_reads(self, request: Request, paths: Iterable[str], searched: Sequence[str]) -> None:
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

    def _check_assembly(self, request: Request, files: Iterable[str], output: Path) -> None:
        """CompileError where assembly in one of these files of the project's reads files."""
        if self._includes is None or output.exists():
            return
        if not any(may_hold_assembly((self._root / path).read_bytes()) for path in files):
            return
        if self._assemble(request, output).returncode != 0:
            return  # the compilation itself says what is wrong
        directive = reading_directive(output.read_text(encoding="utf-8", errors="replace"))
        if directive is not None:
            raise CompileError(
                f"has {directive} in its assembly: which files that reads cannot be judged",
                log="",
                where=request.entry.source,
                hint="take it out; #embed and #include are judged by what they read",
            )

    def assembly(self, request: Request) -> str:
        """The assembly of a source; CompileError where it is rejected."""
        self._cache_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="compile-", dir=self._cache_dir) as folder:
            output = Path(folder) / "out.s"
            run = self._assemble(request, output)
            if run.returncode != 0:
                raise self._failure(request, run)
            return output.read_text(encoding="utf-8", errors="replace")

    def _assemble(self, request: Request, output: Path) -> ToolRun:
        command = tuple("-S" if word == "-c" else word for word in self.command(request))
        return run_tool((*command, "-o", str(output)), timeout_s=self._toolchain.timeout_s, cwd=self._root)

    def _readable(self, searched: Sequence[str]) -> Readable | None:
        if self._includes is None:
            return None
        folders = system_folders(searched, self._toolchain.rocm_path, self._root)
        return Readable(self._root, folders, self._includes)

    def _shown(self, request: Request, log: str) -> str:
        if not log:
            return log
        readable = self._readable(self._search_path(request))
        return log if readable is None else readable.shown(log)

    def _failure(self, request: Request, run: ToolRun) -> ToolchainError:
        return compile_error(
            self._shown(request, run.log),
            run.returncode,
            source=request.entry.source,
            target=request.target,
            root=self._root,
            manifest_line=f"the manifest (line {request.entry.line})",
        )

    def _headers(self, request: Request, depfile: str) -> HeaderState:
        try:
            return header_state(self._root, request.entry.source, depfile, self._search_path(request))
        except OSError:
            raise SourceChangedError from None

    def _search_path(self, request: Request) -> list[str]:
        """Where the compiler looks for headers, asked once for each set of flags."""
        flags = (request.target, *request.flags)
        if flags not in self._search_paths:
            run = run_tool(
                (*self.command(request), "-###"), timeout_s=self._toolchain.timeout_s, cwd=self._root
            )
            self._search_paths[flags] = search_path(run.log)
        return self._search_paths[flags]

    def _changed_since(self, began_ns: int, request: Request, headers: HeaderState) -> bool:
        if digest_bytes(self.source_bytes(request.entry)) != request.source_sha256:
            return True
        times = ((self._root / path).stat() for path in headers.files)
        return any(max(stat.st_mtime_ns, stat.st_ctime_ns) >= began_ns for stat in times)

    def command(self, request: Request) -> tuple[str, ...]:
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
