"""The border to the code under verification: whatever it raises becomes one error of this harness."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from rocverify.device.faults import FaultReport
from rocverify.device.trace.events import TraceEvent
from rocverify.device.trace.places import in_subject
from rocverify.errors import DeviceFaultError, LaunchTimeoutError, RocverifyError, SubjectError
from rocverify.subject.missing import missing_module


class SubjectCall:
    """A block in which host code under verification runs.

    What it raises is turned into a SubjectError that names the exception and the innermost line of the
    subject; where the device recorded a fault meanwhile, into a DeviceFaultError that describes it; where it
    could not execute a launch, into the error that says why.
    Interrupts and the harness's own errors pass.
    """

    def __init__(self, name: str, device: Any, root: Path) -> None:
        self.name = name
        self._device = device
        self._root = root.resolve()

    def __enter__(self) -> SubjectCall:
        self._device.outcome()  # what was before is none of this block's
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise_outcome(self.name, self._root, error, *self._device.outcome())


def raise_outcome(
    name: str,
    root: Path,
    error: BaseException | None,
    undecided: RocverifyError | None,
    fault: FaultReport | None,
    events: Sequence[TraceEvent] = (),
) -> None:
    """Raises what a call of the subject came to, if it did not end well; `error` is what it raised, `events`
    the HIP calls that it made. See SubjectCall."""
    if undecided is not None:
        raise undecided from error
    if fault is not None and fault.kind == "stopped":
        raise LaunchTimeoutError(str(fault), where=name, hint=fault.hint) from error
    if fault is not None:
        raise DeviceFaultError(str(fault), report=fault, where=name, hint=fault.hint) from error
    if error is None or not isinstance(error, Exception) or isinstance(error, RocverifyError):
        return
    missing = missing_module(root, error, name)
    if missing is not None:
        raise missing from error
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
