"""The border to the code under verification: whatever it raises becomes one error of this harness."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rocverify.device.faults import FaultReport
from rocverify.device.trace.events import TraceEvent
from rocverify.device.trace.places import in_subject
from rocverify.errors import (
    DeviceFaultError,
    LaunchTimeoutError,
    MissingModuleError,
    RocverifyError,
    SubjectError,
)
from rocverify.subject.host.missing import missing_module


def raise_outcome(
    name: str,
    root: Path,
    error: BaseException | None,
    undecided: RocverifyError | None,
    fault: FaultReport | None,
    events: Sequence[TraceEvent] = (),
) -> None:
    """Raises what a call of the subject came to, if it did not end well. `error` is what it raised, `events`
    the HIP calls that it made.

    A fault that the device recorded is raised as DeviceFaultError, whatever the subject made of it; where a
    launch could not be executed, the error that says why. Interrupts and the harness's own errors pass.
    """
    if undecided is not None:
        raise undecided from error
    if fault is not None and fault.kind == "stopped":
        raise LaunchTimeoutError(str(fault), where=name, hint=fault.hint) from error
    if fault is not None:
        raise DeviceFaultError(str(fault), report=fault, where=name, hint=fault.hint) from error
    if isinstance(error, SubjectError) and error.hint is None:
        error.hint = f"this happened in a call of {name}{_device_said(events)}"
    if error is None or not isinstance(error, Exception) or isinstance(error, RocverifyError):
        return
    missing = missing_module(root, error, name)
    if missing is not None:
        raise MissingModuleError(missing[0], hint=missing[1]) from error
    raise SubjectError(
        f"raised {type(error).__name__}: {error}",
        kind=type(error).__name__,
        where=_line(root, error.__traceback__) or name,
        hint=f"this happened in a call of {name}{_device_said(events)}",
    ) from error


def _device_said(events: Sequence[TraceEvent]) -> str:
    """The reason of the last HIP call that failed, where the device knows more than the code."""
    failed = [event for event in events if event.reason and not event.ok]
    return f"; {failed[-1].function}: {failed[-1].reason}" if failed else ""


def _line(root: Path, trace: TracebackType | None) -> str | None:
    """`path:line` of the innermost frame that lies in the project under verification."""
    for frame in reversed(traceback.extract_tb(trace)):
        place = in_subject(root, frame.filename)
        if place is not None:
            return f"{place}:{frame.lineno}"
    return None
