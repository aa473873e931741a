"""The records that a trace consists of: plain data, JSON out."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple


class Category(StrEnum):
    """What a call does, as far as a trace is concerned. Copies are named by where the bytes really
    went, not by the kind that the caller declared; `library` is a function of hipBLAS or rocBLAS that
    computes on the device; `other` is everything else, a host-to-host copy and any function that the
    tables do not know included."""

    LAUNCH = "launch"
    H2D = "h2d"
    D2H = "d2h"
    D2D = "d2d"
    ALLOC = "alloc"
    FREE = "free"
    SYNC = "sync"
    MODULE = "module"
    MEMSET = "memset"
    QUERY = "query"
    EVENT = "event"
    STREAM = "stream"
    LIBRARY = "library"
    OTHER = "other"


class LaunchArgument(NamedTuple):
    """One kernel argument as the host passed it.

    `ctype` is the type's name: a ctypes class (`c_uint`, `c_void_p`), a NumPy dtype, or `Pointer` for
    what hip-python turns into an address. `size` is in bytes, None where the caller gave nothing but
    the address of a value. `value` is JSON data; a structure is shown as hexadecimal bytes.
    """

    ctype: str
    size: int | None
    value: int | float | bool | str | None


class TraceEvent(NamedTuple):
    """One call of a HIP function.

    `result` is the error's name (`hipSuccess`) or the class of the exception that was raised. `bytes`
    counts what was copied, set or allocated. `grid` counts workgroups, `block` work-items. `dst` and
    `src` are addresses (an allocation's address is `dst`, what is freed is `src`). `call_site` is
    `path:line` of the innermost frame of the subject, relative to its root, and `host_function` that
    frame's qualified name; both are None when the harness itself made the call. `callers` are the
    further subject frames, outwards. `ghost`: the launch was not executed. `code_object` is the SHA-256
    of the image that was loaded, or that the launched kernel comes from. `reason` explains a failure
    where the device can.
    """

    seq: int
    function: str
    category: Category
    result: str
    bytes: int | None = None
    kernel: str | None = None
    grid: tuple[int, int, int] | None = None
    block: tuple[int, int, int] | None = None
    shared_bytes: int | None = None
    args: tuple[LaunchArgument, ...] | None = None
    dst: int | None = None
    src: int | None = None
    call_site: str | None = None
    host_function: str | None = None
    callers: tuple[str, ...] = ()
    ghost: bool = False
    code_object: str | None = None
    reason: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the call returned hipSuccess."""
        return self.result == "hipSuccess"

    def to_json(self) -> dict[str, Any]:
        """JSON data without the fields that say nothing; addresses as hexadecimal text."""
        data: dict[str, Any] = {
            "seq": self.seq,
            "function": self.function,
            "category": str(self.category),
            "result": self.result,
        }
        for name in (
            "bytes",
            "kernel",
            "shared_bytes",
            "call_site",
            "host_function",
            "code_object",
            "reason",
        ):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        for name in ("grid", "block", "callers"):
            if getattr(self, name):
                data[name] = list(getattr(self, name))
        for name in ("dst", "src"):
            if getattr(self, name) is not None:
                data[name] = hex(getattr(self, name))
        if self.args is not None:
            data["args"] = [list(argument) for argument in self.args]
        if self.ghost:
            data["ghost"] = True
        return data
