"""The errors that rocverify expects, in one small tree; anything else is a bug.

    RocverifyError
    ├── UsageError                the command line or the settings are wrong           exit 2
    │   ├── PlanError             a plan or phase document is malformed or ambiguous   exit 2
    │   └── ManifestError         kernels.toml is malformed                            exit 2
    ├── EnvironmentFaultError     this machine lacks room, memory or a permission      exit 2
    ├── ToolchainError            a tool failed in a way that decides nothing          check: error
    │   ├── CompilerNotFoundError no compiler on this machine                          check: not_run
    │   ├── CompileError          the compiler rejected a kernel                       check: failed
    │   └── CodeObjectError       the ELF is truncated, foreign or inconsistent        check: error
    │       └── WrongTargetError  the device code there is was compiled for others     check: error
    ├── DeviceError               a device call failed                                 check: error
    │   ├── DeviceUnavailableError  the device that was asked for is absent            check: not_run
    │   ├── OutOfDeviceMemoryError  an allocation does not fit                         check: error
    │   ├── UnsupportedInstructionError  the translator lacks it: stops the launch     check: error
    │   ├── LaunchTimeoutError    a launch took longer than the harness allows         check: error
    │   └── DeviceFaultError      the kernel did something that a GPU faults on        check: failed
    ├── SourceError               a file under verification is absent, outside, unreadable   check: failed
    ├── SubjectError              the host code under verification raised              check: failed
    ├── MissingModuleError        it needs a module or library that is not here        check: error
    ├── CommandRefusedError       a command of a plan that nobody has allowed          check: not_run
    └── ContractError             a kernel contract contradicts itself or its kernel   check: error

Every message says what was wrong, where, and what to do (`hint`).
"""

from __future__ import annotations

import errno
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rocverify.device.faults import FaultReport


class ExitCode(IntEnum):
    """Exit codes of `rocverify run` (documented in docs/reference/exit-codes.md and in --help)."""

    VERIFIED = 0
    GAPS_FOUND = 1
    USAGE = 2
    UNVERIFIED = 3
    INTERNAL = 4
    INTERRUPTED = 130


class RocverifyError(Exception):
    """An expected error. `where` is `path:line`, a kernel or an instruction; `hint` says what to do."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  hint: {self.hint}" if self.hint else text


class UsageError(RocverifyError):
    """The command line or the settings are wrong."""

    exit_code = ExitCode.USAGE


class PlanError(UsageError):
    """A plan or phase document is malformed, missing or ambiguous."""


class ManifestError(UsageError):
    """The build manifest (kernels.toml) is malformed."""


NO_ROOM_HINT = (
    "free some space there, or set TMPDIR (temporary files) or XDG_CACHE_HOME (caches) to another folder"
)


_FAULTS = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), NO_ROOM_HINT),
    errno.EROFS: "name folders that can be written to (--cache-dir, TMPDIR, XDG_CACHE_HOME), or --no-write",
    **dict.fromkeys((errno.EACCES, errno.EPERM), "give this user the permission to"),
    errno.ENOMEM: "close what else runs, or reduce the contract's dims",
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "raise the limit on open files (ulimit -n)"),
}
"""What to do where the machine is at fault, by errno."""


class EnvironmentFaultError(RocverifyError):
    """This machine lacks what any run needs: disk space, memory, a socket, a permission."""

    exit_code = ExitCode.USAGE


def environment_fault(error: BaseException) -> EnvironmentFaultError | None:
    """What an error of Python's says of this machine, in our words; None if it is about something else."""
    if isinstance(error, MemoryError):
        return EnvironmentFaultError(
            "there is not enough memory", hint="close what else runs, or reduce the contract's dims"
        )
    if not isinstance(error, OSError) or error.errno not in _FAULTS:
        return None
    where = None if error.filename is None else str(error.filename)
    return EnvironmentFaultError(error.strerror or str(error), where=where, hint=_FAULTS[error.errno or 0])


class ToolchainError(RocverifyError):
    """A tool failed in a way that decides nothing about the kernel."""


class CompilerNotFoundError(ToolchainError):
    """No usable HIP compiler on this machine; `hint` names the packages to install."""


class CompileError(ToolchainError):
    """The compiler rejected a kernel; `log` is its output, verbatim."""

    def __init__(self, message: str, *, log: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.log = log


class CodeObjectError(ToolchainError):
    """The code object is truncated, for another machine, or contradicts itself."""


class WrongTargetError(CodeObjectError):
    """The file holds device code, but none for this device."""


class DeviceError(RocverifyError):
    """A device call failed."""


class DeviceUnavailableError(DeviceError):
    """The device that was asked for is absent."""


class OutOfDeviceMemoryError(DeviceError):
    """An allocation that the device has no room for."""


class UnsupportedInstructionError(DeviceError):
    """The translator has no semantics for an instruction; names it, its address and source line."""


class LaunchTimeoutError(DeviceError):
    """A launch did not end within launch_timeout_s: it may be slow, and nothing is known of its result."""


class DeviceFaultError(DeviceError):
    """The kernel did something that a GPU faults on; `report` holds the particulars."""

    def __init__(
        self,
        message: str,
        *,
        report: FaultReport | None = None,
        where: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.report = report


class SourceError(RocverifyError):
    """A file or function under verification is absent, lies outside the root, or cannot be read."""


class SubjectError(RocverifyError):
    """The host code under verification raised; `kind` is the name of the exception's class."""

    def __init__(self, message: str, *, kind: str, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, where=where, hint=hint)
        self.kind = kind


class TimeLimitError(RocverifyError):
    """A call of the code under verification did not return within its time."""


class MissingModuleError(RocverifyError):
    """The code under verification needs a module or library that this machine lacks."""


class CommandRefusedError(RocverifyError):
    """A plan or the settings name a command, and the command line does not allow commands."""


class ContractError(RocverifyError):
    """A kernel contract contradicts itself or the kernel that it describes."""
