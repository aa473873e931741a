"""Runs a tool (compiler, disassembler, symbolizer, git, the loader) to its end: with a time limit, without a
shell, in an environment that cannot change what it produces.

What lives longer than one answer (the processes of devices and subjects, a symbolizer that is asked again and
again, tests) is started where it is spoken with.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rocverify.errors import NO_ROOM_HINT, EnvironmentFaultError, ToolchainError

# What a compiler may see of the environment. Include paths (CPATH, ...), option overrides
# (CCC_OVERRIDE_OPTIONS, ...) and platform switches stay outside: they would change the code object
# without changing the key under which it is cached.
_NO_ROOM = os.strerror(errno.ENOSPC)
_BUS_ERROR = f"unable to execute command: {signal.strsignal(signal.SIGBUS)}"
"""What clang says of a stage that ended so."""
_KEPT_VARIABLES = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class ToolRun:
    """What a tool said; `log` is its standard error, verbatim."""

    returncode: int
    output: str
    log: str


def tool_environment() -> dict[str, str]:
    """The environment that tools run in. HIP_PLATFORM keeps hipcc from choosing NVIDIA's compiler."""
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {**kept, "LC_ALL": "C", "HIP_PLATFORM": "amd"}


def run_tool(
    command: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> ToolRun:
    """Runs `command` to its end, in `tool_environment` where no other is given; raises ToolchainError if it
    cannot start or exceeds `timeout_s`, EnvironmentFaultError if it failed for want of disk space."""
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=tool_environment() if environment is None else environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolchainError(
            f"cannot be run: {error.strerror or error}", where=command[0], hint="see `rocverify doctor`"
        ) from error
    with process:
        try:
            output, log = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            raise ToolchainError(
                f"did not finish within {timeout_s:g} s: {' '.join(command)}",
                where=Path(command[0]).name,
                hint="set compile_timeout_s higher, or find what the compiler cannot get through",
            ) from None
        finally:  # also on an interrupt: leave no compiler behind
            if process.poll() is None:
                _kill(process)
    if process.returncode:
        _check_room(process.returncode, log, Path(command[0]).name)
    return ToolRun(process.returncode, output, log)


def _check_room(code: int, log: str, name: str) -> None:
    """EnvironmentFaultError where a tool failed for want of disk space. What it wrote through a mapping, as
    lld does, ends it by a signal that says no more."""
    if _NO_ROOM in log:
        line = next(line for line in log.splitlines() if _NO_ROOM in line)
        raise EnvironmentFaultError(line.strip(), where=name, hint=NO_ROOM_HINT)
    if code == -signal.SIGBUS or _BUS_ERROR in log:
        raise EnvironmentFaultError(
            "there was no room for what it writes (it ended by a bus error)", where=name, hint=NO_ROOM_HINT
        )


def _kill(process: subprocess.Popen[str]) -> None:
    """Ends the tool and the tools it started (a compiler driver runs its stages as children)."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    process.communicate()
