"""Runs a project's own commands: over its tree but not in it, without network, with few variables and limits.

The tree is the lower layer of an overlay that is mounted in its place, in a mount namespace of the command's
own; where the kernel allows no such mount, a copy. What the command writes stays in a folder that is thrown
away. This keeps builds and tests from changing what is verified. It is no defence against a hostile program:
the command runs as the user who called rocverify, and the rest of the file system is there.
"""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rocverify.commands.counts import Ran
from rocverify.commands.runners import Runner
from rocverify.commands.started import CTEST_LOG, logged_programs, named_programs
from rocverify.errors import RocverifyError

MOST_OUTPUT = 8_000_000
"""Bytes of output: a command that says more is stopped."""

_KEPT = (
    *("PATH", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYENV_ROOT", "PYENV_VERSION"),
    *("ROCM_PATH", "HIP_PATH", "HIP_PLATFORM", "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"),
)
"""What a command gets of the caller's variables: where tools are, and no more (no token, no agent)."""

_SET = {"CARGO_NET_OFFLINE": "true", "CARGO_TERM_COLOR": "never", "NO_COLOR": "1", "TERM": "dumb"}
_HOMES = {"CARGO_HOME": ".cargo", "RUSTUP_HOME": ".rustup", "PYENV_ROOT": ".pyenv"}
"""Folders of tools below the user's home, which itself is replaced by an empty one."""

_NOT_COPIED = frozenset({"target", "node_modules", "__pycache__", ".git", ".venv", ".rocverify"})
"""What tools have written, and history: a copy does without."""

_LOOPBACK = (
    "import fcntl,socket,struct\n"
    "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n"
    "fcntl.ioctl(s,0x8914,struct.pack('16sh22x',b'lo',1))\n"
)
"""Brings up the loopback of the new network namespace: tests may talk to themselves."""

_OVERLAY = (
    'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3,userxattr" "$1" || exit 125; '
    '"$4" -I -S -c "$5" 2>/dev/null; cd "$6" || exit 125; shift 6; exec "$@"'
)
_NO_NETWORK = '"$1" -I -S -c "$2" 2>/dev/null; shift 2; exec "$@"'
_PROBE_S = 20.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Request:
    """What to run. `lines` are shell lines, run one after the other until one fails; `folder` is relative to
    the root; `variables` come on top of the scrubbed environment; `fresh`: without what Cargo has built
    before."""

    lines: tuple[str, ...]
    folder: str = "."
    variables: Mapping[str, str] | None = None
    timeout_s: float = 600.0
    fresh: bool = True


@dataclass(frozen=True, slots=True)
class CommandRun:
    """How it ended: `code` as a shell has it, stdout and stderr as they came; `line` the last line that was
    run, `said` its own part of the output; `written` the files that it wrote below the root; `apart` how it
    was kept apart, in words; `counted` the tests that runners counted which the lines start themselves;
    `programs` of the tree that it started, as far as is known, relative to the root."""

    code: int
    output: str
    line: str
    said: str
    written: tuple[str, ...]
    apart: str
    counted: tuple[Ran, ...] = ()
    programs: tuple[str, ...] = ()


def run_commands(root: Path, request: Request) -> CommandRun:
    """Runs the lines in one environment. RocverifyError for what exceeds its time or the output's limit, for
    a folder that is not there, and where no shell can be started."""
    folder = (root / request.folder).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise RocverifyError(
            f"{request.folder!r} is not a folder of this project", hint="name a folder below the root"
        )
    with tempfile.TemporaryDirectory(prefix="rocverify-command-") as scratch:
        place = _Place(root, folder, Path(scratch))
        output, said, code, line = "", "", 0, request.lines[0]
        environment = _environment(Path(scratch)) | dict(request.variables or {})
        if request.fresh and (stale := place.cargo_outputs()):
            _run(
                place.command(shlex.join(["rm", "-rf", "--", *stale])), place.folder, environment, 60.0, line
            )
        counted: list[Ran] = []
        programs: list[str] = []
        for number, line in enumerate(request.lines):
            runner = Runner(line, folder, Path(scratch) / f"tests-{number}.xml")
            command, variables = place.command(runner.line), environment | runner.variables(environment)
            code, said = _run(command, place.folder, variables, request.timeout_s, line)
            output += said
            counted += runner.counted(said)
            programs += [*named_programs(line, root, folder), *place.tested()]
            if code:
                break
        if place.overlay and code == 125 and "mount" in output:
            raise RocverifyError(f"the tree cannot be laid under the command: {output.strip()[-300:]}")
        started = tuple(dict.fromkeys(programs))
        written = tuple(place.written())
        return CommandRun(code, output, line, said, written, place.words, tuple(counted), started)


class _Place:
    """Where a command runs: an overlay at the root's own path, or a copy."""

    def __init__(self, root: Path, folder: Path, scratch: Path) -> None:
        self._root, self._scratch = root, scratch
        self._upper, self._work = scratch / "upper", scratch / "work"
        self._upper.mkdir()
        self._work.mkdir()
        plain = not any(mark in str(root) for mark in ":,\\")
        self.overlay = plain and can_overlay(str(root))
        self._network = self.overlay or can_unshare()
        self.folder = root
        self._folder = folder
        self._before: dict[str, int] = {}
        if not self.overlay:
            self._copy()

    @property
    def words(self) -> str:
        tree = "an overlay over the tree" if self.overlay else "a copy of the tree"
        return (
            f"{tree}, {'no network' if self._network else 'with the network: no namespace is allowed here'}"
        )

    def _copy(self) -> None:
        copy = self._scratch / "copy"

        def ignored(at: str, names: list[str]) -> list[str]:
            del at
            return [name for name in names if name in _NOT_COPIED]

        shutil.copytree(self._root, copy, symlinks=True, ignore=ignored)
        self._before = dict(_files(copy))
        self.folder = copy / self._folder.relative_to(self._root)

    def cargo_outputs(self) -> list[str]:
        """Where Cargo has built before, relative to where commands run; a copy never has it."""
        if not self.overlay:
            return []
        return [str(tag.parent) for tag in self._root.glob("**/target/CACHEDIR.TAG")]

    def command(self, line: str) -> list[str]:
        bash = shutil.which("bash")
        shell = ["/bin/sh", "-c", line] if bash is None else [bash, "-o", "pipefail", "-c", line]
        if self.overlay:
            paths = [str(self._root), str(self._upper), str(self._work)]
            into = [sys.executable, _LOOPBACK, str(self._folder)]
            return ["unshare", "-Urmn", "sh", "-c", _OVERLAY, "sh", *paths, *into, *shell]
        if self._network:
            return ["unshare", "-Urn", "sh", "-c", _NO_NETWORK, "sh", sys.executable, _LOOPBACK, *shell]
        return shell

    def tested(self) -> Iterator[str]:
        """The programs of the tree that CTest says it ran."""
        for path in self.written():
            if path.endswith(CTEST_LOG):
                log = (self._upper if self.overlay else self._scratch / "copy") / path
                yield from logged_programs(log.read_text(errors="replace"), self._root)

    def written(self) -> Iterator[str]:
        if self.overlay:
            yield from (path for path, _ in _files(self._upper))
            return
        for path, changed in _files(self._scratch / "copy"):
            if self._before.get(path) != changed:
                yield path


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    for at, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(at, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(folder).as_posix(), path.stat().st_mtime_ns


def _environment(scratch: Path) -> dict[str, str]:
    home, temporary = scratch / "home", scratch / "tmp"
    home.mkdir()
    temporary.mkdir()
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    theirs = Path(os.environ.get("HOME", "/"))
    tools = {name: str(theirs / at) for name, at in _HOMES.items() if (theirs / at).is_dir()}
    return {**tools, **kept, **_SET, "HOME": str(home), "TMPDIR": str(temporary)}


@cache
def can_unshare() -> bool:
    """Whether this kernel gives a user namespaces of their own."""
    return _succeeds(["unshare", "-Urn", "true"])


@cache
def can_overlay(root: str) -> bool:
    """Whether an overlay can be mounted over the tree."""
    if not can_unshare():
        return False
    with tempfile.TemporaryDirectory(prefix="rocverify-overlay-") as scratch:
        upper, work = Path(scratch, "upper"), Path(scratch, "work")
        upper.mkdir()
        work.mkdir()
        # A file is made over it: some mounts succeed and cannot be written to. A folder is removed and made
        # anew, as builds do: without `userxattr`, or where a file system lacks such attributes, that fails.
        script = (
            'mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=$3,userxattr" "$1" '
            '&& cd "$1" && : > .over && cd "$4" && mkdir a a/b u w '
            '&& mount -t overlay overlay -o "lowerdir=a,upperdir=u,workdir=w,userxattr" a '
            "&& cd a && rmdir b && mkdir b"
        )
        return _succeeds(["unshare", "-Urmn", "sh", "-c", script, "sh", root, str(upper), str(work), scratch])


def _succeeds(command: Sequence[str]) -> bool:
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _run(
    command: list[str], folder: Path, environment: Mapping[str, str], timeout_s: float, line: str
) -> tuple[int, str]:
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise RocverifyError(f"cannot be run: {error.strerror or error}", where=line) from error
    late = threading.Event()

    def stop() -> None:
        late.set()
        _kill(process.pid)

    timer = threading.Timer(timeout_s, stop)
    timer.start()
    try:
        said = _read(process)
        if len(said) <= MOST_OUTPUT:
            process.wait()  # it may have closed its output before its end
    finally:
        timer.cancel()
        _kill(process.pid)  # what it left running, too
        process.wait()
    if late.is_set():
        raise RocverifyError(
            f"did not end within {timeout_s:g} s", where=line, hint="raise timeout_s, or ask for less"
        )
    if len(said) > MOST_OUTPUT:
        raise RocverifyError(
            f"wrote more than {MOST_OUTPUT:,} bytes of output", where=line, hint="make it say less"
        )
    code = process.returncode
    return (128 - code if code < 0 else code), said.decode("utf-8", "replace")


def _read(process: subprocess.Popen[bytes]) -> bytes:
    """All output until the process ends; ends early, and too long, where that exceeds the limit."""
    assert process.stdout is not None
    parts, size = [], 0
    with process.stdout as stream:
        while size <= MOST_OUTPUT:
            if select.select([stream], [], [], _LOOK_S)[0]:
                part = os.read(stream.fileno(), 1 << 16)
                if not part:
                    break
                parts.append(part)
                size += len(part)
            elif process.poll() is not None:
                break  # a process that it left behind holds the pipe open
    return b"".join(parts)


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
