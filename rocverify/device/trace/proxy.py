"""The module object that stands in for `rocm.bindings.hip` while a tracer is installed.

There is one proxy for the life of the process. Host code that imported it keeps it, and it forwards
to whichever tracer is installed at the time of the call, or to hip-python itself when none is. So it
does not matter whether a wrapper was imported before or after the device was opened.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Protocol

_REAL: ModuleType = importlib.import_module("rocm.bindings.hip")


class CallSink(Protocol):
    """What the proxy forwards to."""

    @property
    def serial(self) -> int:
        """A number that no other sink of this process has."""

    @property
    def namespace(self) -> Any:
        """The functions, enums and classes of the active device."""

    def call(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Makes the call and records it."""


_installed: list[CallSink] = []
_lock = threading.Lock()


class HipProxy(ModuleType):
    """Looks like the module it stands for; every function it hands out goes through the tracer."""

    def __init__(self) -> None:
        super().__init__(_REAL.__name__, _REAL.__doc__)
        self.__spec__ = _REAL.__spec__
        self.__file__ = _REAL.__file__
        self.__loader__ = _REAL.__loader__
        self.__package__ = _REAL.__package__
        self._dispatchers: dict[str, Callable[..., Any]] = {}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            return getattr(_REAL, name)
        value = getattr(_installed[-1].namespace if _installed else _REAL, name)
        if not is_function(value):
            return value
        dispatcher = self._dispatchers.get(name)
        if dispatcher is None:
            dispatcher = self._dispatchers.setdefault(name, _dispatcher(name, value))
        return dispatcher

    def __dir__(self) -> list[str]:
        return dir(_REAL)


def is_function(value: Any) -> bool:
    """Whether an attribute of a hip namespace is a function, as against an enum, class or constant."""
    return callable(value) and not isinstance(value, type)


def _dispatcher(name: str, function: Any) -> Callable[..., Any]:
    def dispatch(*args: Any, **kwargs: Any) -> Any:
        if not _installed:
            return getattr(_REAL, name)(*args, **kwargs)
        return _installed[-1].call(name, args, kwargs)

    dispatch.__name__ = dispatch.__qualname__ = name
    dispatch.__module__ = _REAL.__name__
    dispatch.__doc__ = function.__doc__
    return dispatch


PROXY = HipProxy()


def real_hip() -> Any:
    """hip-python's own module, whatever stands in `sys.modules`."""
    return _REAL


def active_serial() -> int | None:
    """The serial of the installed tracer, None when there is none."""
    return _installed[-1].serial if _installed else None


@contextmanager
def installed(sink: CallSink) -> Iterator[HipProxy]:
    """Puts the proxy where host code imports hip from, forwarding to `sink`. Nests."""
    with _lock:
        _installed.append(sink)
        _place(PROXY)
    try:
        yield PROXY
    finally:
        with _lock:
            _installed.remove(sink)
            if not _installed:
                _place(_REAL)


def _place(module: ModuleType) -> None:
    """Binds the module under every name by which host code reaches hip-python."""
    sys.modules[_REAL.__name__] = module
    sys.modules["rocm.bindings"].hip = module  # type: ignore[attr-defined]
    legacy = sys.modules.get("hip")
    if legacy is not None and getattr(legacy, "hip", None) in (_REAL, PROXY):
        legacy.hip = module  # type: ignore[attr-defined]
