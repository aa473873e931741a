"""This process as a client: hip-python, loaded over rocverify's own HIP library."""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from rocverify.device.process import hip_library
from rocverify.errors import DeviceError

SOCKET_VARIABLE, INDEX_VARIABLE = "ROCVERIFY_SOCKET", "ROCVERIFY_DEVICE_INDEX"


class HipLibrary:
    """The library in this process: there is one, and it is attached to one device at a time."""

    _lock = threading.RLock()
    _library: ctypes.CDLL | None = None
    _attached: tuple[str, int] | None = None

    @staticmethod
    def module() -> ModuleType:
        """hip-python's own module."""
        return importlib.import_module("rocm.bindings.hip")

    @classmethod
    def attached(cls) -> tuple[str, int] | None:
        """The socket and the number of the device that calls go to now."""
        return cls._attached

    @classmethod
    def attach(cls, path: str, index: int) -> None:
        """Later HIP calls of this process go to a device."""
        with cls._lock:
            code = cls._loaded().rv_attach(path.encode(), index)
            if code:
                raise DeviceError(
                    f"the HIP library cannot be attached to the device process: error {code}",
                    hint="its words stand on standard error",
                )
            cls._attached = path, index

    @classmethod
    def detach(cls) -> None:
        """Ends the connection, if there is one."""
        with cls._lock:
            if cls._library is not None and cls._attached is not None:
                cls._library.rv_detach()
            cls._attached = None

    @classmethod
    def finish(cls) -> int:
        """Waits for the device, in no trace; how work failed that nobody waited for, or 0."""
        return 0 if cls._library is None else int(cls._library.rv_finish())

    @classmethod
    @contextmanager
    def on(cls, attach: Callable[[], None]) -> Iterator[None]:
        """Attaches a device for a block; afterwards calls go where they went before."""
        before = cls._attached
        attach()
        try:
            yield
        finally:
            if before is not None and before != cls._attached:
                cls.attach(*before)

    @classmethod
    def environment(cls, path: str, index: int) -> dict[str, str]:
        """The variables that make a child process a client."""
        folder = str(_folder())
        given = os.environ.get("LD_LIBRARY_PATH")
        return {
            "LD_LIBRARY_PATH": f"{folder}{os.pathsep}{given}" if given else folder,
            SOCKET_VARIABLE: path,
            INDEX_VARIABLE: str(index),
        }

    @classmethod
    def _loaded(cls) -> ctypes.CDLL:
        """The library, which hip-python has been made to load too."""
        if cls._library is None:
            try:
                cls._library = hip_library.load(_folder())
            except OSError as error:
                raise DeviceError(
                    str(error),
                    hint="start rocverify before anything in this process calls HIP; uninstall the package "
                    "rocm-sdk from this environment if it is there",
                ) from None
        return cls._library


def _folder() -> Path:
    from rocverify.device.library_build import hip_library_folder

    return hip_library_folder()
