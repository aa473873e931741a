"""What a call is, who made it, what answers it, and the table of the calls that are served.

    @serve("hipMemGetInfo", category=Category.QUERY, after_fault="allow")
    def memory_info(context: Context, call: Call, caller: Caller | None) -> tuple[int, int]:
        ...

A function returns an Answer, an error code, a tuple of results or None, or raises HipError.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


@dataclass(slots=True)
class Call:
    """One request of a client, as protocol.h has it: `args` are 64-bit patterns (0 <= n < 2**64), `inline`
    says that the payload is what a copy would read from the host, `slot` is the client's thread, `site`
    the number of the place in its source, `waits` whether the thread waits for the answer. Nobody changes it;
    it is not frozen, since making one then takes five times as long."""

    name: str
    args: tuple[int, ...] = ()
    payload: bytes = b""
    inline: bool = False
    slot: int = 0
    site: int = 0
    waits: bool = True

    @property
    def text(self) -> str:
        """The payload as a name."""
        return self.payload.decode("utf-8", "replace")


class Caller(Protocol):
    """The client's thread that waits for a reply. All methods raise HipError (hipErrorInvalidValue) where the
    client's memory cannot be read or written, and hipErrorDeinitialized where the client is gone."""

    def read_host(self, address: int, size: int) -> bytes:
        """A copy of the client's memory."""

    def read_host_into(self, target: memoryview, address: int) -> None:
        """Fills a view from the client's memory."""

    def write_host(self, address: int, data: bytes | memoryview) -> None:
        """Copies to the client's memory."""

    def callback(self, form: int, function: int, user: int, stream: int, code: int) -> None:
        """Has the client call one of its functions: `form` is RV_HOST_FUNCTION or RV_STREAM_CALLBACK."""

    def print(self, stream: str, text: str) -> None:
        """Writes what a kernel printed, to the client's `stdout` or `stderr`."""


@dataclass(slots=True)
class Answer:
    """How a call ended: a hipError_t, the results in their order, bytes."""

    code: int = 0
    values: tuple[int, ...] = ()
    payload: bytes | memoryview = b""


Result = Answer | int | tuple[int, ...] | None
ServeFunction = Callable[["Context", Call, "Caller | None"], Result]
AfterFault = Literal["refuse", "report", "allow"]


@dataclass(frozen=True, slots=True)
class Served:
    """How a call is served. After a fault it is refused (`refuse`), made but reported as failed (`report`),
    or made as ever (`allow`). `waits`: queued work may have to be executed for it, or it reads or writes the
    client's memory, so that it is served on behalf of a waiting thread. `describe` gives the fields of its
    TraceEvent that its arguments tell; `traced` is False for what programs do not know of."""

    function: ServeFunction
    category: Category
    after_fault: AfterFault
    waits: bool
    describe: Callable[[Context, Call], dict[str, Any]] | None
    traced: bool


SERVED: dict[str, Served] = {}
"""Every call of protocol.h by its name, but for those of LATER that nobody has made yet.
`rocverify.device.hip.context` imports all others that serve."""

LATER: dict[str, str] = {
    "rv_blas": "rocverify.device.hip.blas.calls",
    "hiprtcCompileProgram": "rocverify.device.hip.rtc.calls",
    "rv_rtc_code": "rocverify.device.hip.rtc.calls",
}
"""The modules of calls that few programs make, imported at the first: they bring NumPy and the compiler."""


def lookup(name: str) -> Served | None:
    """How a call is served; None for one that nobody serves."""
    served = SERVED.get(name)
    if served is None and name in LATER:
        importlib.import_module(LATER[name])
        served = SERVED[name]
    return served


def serve(
    *names: str,
    category: Category = Category.QUERY,
    after_fault: AfterFault = "refuse",
    waits: bool = False,
    describe: Callable[[Context, Call], dict[str, Any]] | None = None,
    traced: bool = True,
) -> Callable[[ServeFunction], ServeFunction]:
    """Enters a function in SERVED under the names of the calls that it serves."""

    def enter(function: ServeFunction) -> ServeFunction:
        for name in names:
            if name in SERVED:
                raise ValueError(f"{name} is served twice")
            SERVED[name] = Served(function, category, after_fault, waits, describe, traced)
        return function

    return enter


def signed(value: int, bits: int = 64) -> int:
    """The signed number of a bit pattern; only its low `bits` count."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> bits - 1 else value


def low(value: int, bits: int = 32) -> int:
    """The low bits of a pattern, as an unsigned number."""
    return value & (1 << bits) - 1
