"""The tracer: every HIP call of the host code under verification, recorded as it happens.

    tracer = Tracer(device, root=root)
    with tracer.install(), tracer.record() as events:
        wrapper(...)

While it is installed, `from rocm.bindings import hip` resolves to the proxy module, and so does what
was imported from it earlier. Results pass through unchanged.
"""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rocverify.device.base import Device
from rocverify.device.trace.calls import Call, CallReader
from rocverify.device.trace.events import Category, LaunchArgument, TraceEvent
from rocverify.device.trace.places import in_harness, in_subject
from rocverify.device.trace.proxy import PROXY, HipProxy, installed, real_hip

__all__ = ["Category", "LaunchArgument", "TraceEvent", "Tracer"]

_OWN = Path(__file__).resolve().parents[1]
_MAX_CALLERS = 8
_serials = itertools.count(1)


class Tracer:
    """Records the calls made through the proxy on one device. Thread-safe.

    `root` is the project under verification: call sites are given relative to it.
    """

    def __init__(self, device: Device, *, root: Path) -> None:
        self.device = device
        self.root = root.resolve()
        self.serial = next(_serials)
        self._reader = CallReader(device)
        self._sequence = itertools.count(1)
        self._recordings: list[list[TraceEvent]] = []
        self._ghosts: list[frozenset[str] | None] = []
        self._refused: list[frozenset[str]] = []
        self._lock = threading.Lock()
        self._places: dict[str, str | None] = {}

    @property
    def module(self) -> HipProxy:
        """The proxy module: hip-python's names, traced while this tracer is installed."""
        return PROXY

    @property
    def namespace(self) -> Any:
        """The active device's functions, enums and classes, untraced."""
        return self.device.hip

    @contextmanager
    def install(self) -> Iterator[HipProxy]:
        """Makes host code meet the proxy wherever it imports hip-python, for the block."""
        with installed(self) as proxy:
            yield proxy

    @contextmanager
    def record(self) -> Iterator[list[TraceEvent]]:
        """A list that fills with the events of the block, from all threads. Recordings nest: an inner
        one is a slice of the outer."""
        events: list[TraceEvent] = []
        with self._lock:
            self._recordings.append(events)
        try:
            yield events
        finally:
            with self._lock:
                self._recordings = [kept for kept in self._recordings if kept is not events]

    @contextmanager
    def ghost(self, symbols: Collection[str] | None = None) -> Iterator[None]:
        """Launches of these kernels (None: of all) report success and are not executed."""
        names = None if symbols is None else frozenset(symbols)
        with self._lock:
            self._ghosts.append(names)
        try:
            yield
        finally:
            with self._lock:
                self._ghosts.remove(names)

    @contextmanager
    def refuse(self, functions: Collection[str]) -> Iterator[None]:
        """Calls of these HIP functions fail with hipErrorLaunchFailure and do nothing."""
        names = frozenset(functions)
        with self._lock:
            self._refused.append(names)
        try:
            yield
        finally:
            with self._lock:
                self._refused.remove(names)

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Makes one call on the device and records it; what it returns or raises goes on unchanged."""
        function = getattr(self.device.hip, name)
        call = self._reader.before(name, args, kwargs)
        call.fields.update(self._origin(sys._getframe(1)))
        if call.shape.category is Category.LAUNCH and self._is_ghost(call.fields.get("kernel")):
            return self._skip(call)
        if any(name in names for names in self._refused):
            return self._refuse(call)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self._emit(call, type(error).__name__)
            raise
        self._emit(call, self._accept(call, result))
        return result

    def _accept(self, call: Call, result: Any) -> str:
        code, *values = result if isinstance(result, tuple) else (result,)
        outcome = str(getattr(code, "name", code))
        if outcome == "hipSuccess":
            self._reader.after(call, tuple(values))
        else:
            call.fields["reason"] = self.device.last_reason()
        return outcome

    def _is_ghost(self, kernel: str | None) -> bool:
        return any(names is None or kernel in names for names in self._ghosts)

    def _skip(self, call: Call) -> tuple[Any, ...]:
        call.fields["ghost"] = True
        self._emit(call, "hipSuccess")
        return (real_hip().hipError_t.hipSuccess,)

    def _refuse(self, call: Call) -> tuple[Any, ...]:
        call.fields["reason"] = "refused by the harness, to see what the caller does"
        self._emit(call, "hipErrorLaunchFailure")
        code = real_hip().hipError_t.hipErrorLaunchFailure
        return (code,) if call.shape.category is Category.LAUNCH else (code, None)

    def _emit(self, call: Call, outcome: str) -> None:
        if not self._recordings:
            return
        with self._lock:
            event = TraceEvent(next(self._sequence), call.name, result=outcome, **call.fields)
            for recording in self._recordings:
                recording.append(event)

    def _origin(self, frame: FrameType | None) -> dict[str, Any]:
        """The subject's frames, innermost first. A frame of the harness on the way in means that the
        harness made the call; one further out merely called the subject."""
        sites: list[tuple[str, str]] = []
        while frame is not None and len(sites) <= _MAX_CALLERS:
            place = self._place(frame.f_code.co_filename)
            if place is not None:
                if place == "":
                    break
                sites.append((f"{place}:{frame.f_lineno}", frame.f_code.co_qualname))
            frame = frame.f_back
        if not sites:
            return {}
        (site, function), *outer = sites
        callers = tuple(f"{outer_site} {outer_function}" for outer_site, outer_function in outer)
        return {"call_site": site, "host_function": function, "callers": callers}

    def _place(self, filename: str) -> str | None:
        """A source file relative to the root; "" for the harness, None for anything else."""
        if filename not in self._places:
            harness = in_harness(filename) and not Path(filename).is_relative_to(_OWN)
            self._places[filename] = "" if harness else in_subject(self.root, filename)
        return self._places[filename]
