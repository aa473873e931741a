"""The calls of hipRTC: a program is compiled at once; the client fetches what came of it, once."""

from __future__ import annotations

import functools
import itertools
import struct
import weakref
from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Answer, Call, Caller, serve, signed
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.rtc.gate import RtcGate
from rocverify.device.hip.rtc.program import (
    RtcOutcome,
    RtcProgram,
    RtcResult,
    compile_program,
    read_program,
)
from rocverify.device.trace.events import Category
from rocverify.errors import ToolchainError
from rocverify.settings import Settings
from rocverify.store.user_folders import user_cache
from rocverify.toolchain.discover import Toolchain

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context

_numbers = itertools.count(1)
_outcomes: weakref.WeakKeyDictionary[Context, dict[int, RtcOutcome]] = weakref.WeakKeyDictionary()


@functools.cache
def _toolchain() -> Toolchain:
    return Toolchain.discover(Settings())


def _outcome(program: RtcProgram, target: str, gate: RtcGate | None) -> RtcOutcome:
    """What came of it; a compiler that is absent or breaks is said in the log."""
    try:
        return compile_program(program, _toolchain(), target, user_cache(), gate)
    except ToolchainError as error:
        return RtcOutcome(RtcResult.INTERNAL_ERROR, log=f"rocverify: {error}\n")


@serve("hiprtcCompileProgram", category=Category.OTHER, after_fault="allow", waits=True)
def compile_call(context: Context, call: Call, caller: Caller | None) -> Answer:
    """Compiles; results: hiprtcResult, the outcome's number, bytes of code, log and names, is bitcode."""
    if caller is None:
        raise HipError("hipErrorInvalidValue", "hiprtcCompileProgram is answered to a thread that waits")
    address, size, headers, expressions, options = call.args
    counts = [signed(number) for number in (headers, expressions, options)]
    program = read_program(caller.read_host(address, size), *counts)
    outcome = _outcome(program, context.backend.info.target, context.control.rtc_gate)
    if outcome.result is not RtcResult.SUCCESS:
        context.entry(call).fields["reason"] = outcome.log.strip()
    number = next(_numbers)
    _outcomes.setdefault(context, {})[number] = outcome
    sizes = [len(part) for part in _parts(outcome)]
    return Answer(values=(int(outcome.result), number, *sizes, int(outcome.bitcode)))


@serve("rv_rtc_code", after_fault="allow", waits=True, traced=False)
def fetch(context: Context, call: Call, caller: Caller | None) -> None:
    """Writes code, log and lowered names into the client's memory, and forgets them."""
    number, *addresses = call.args
    outcome = _outcomes.get(context, {}).pop(number, None)
    if outcome is None or caller is None:
        raise HipError("hipErrorInvalidValue", f"there is no outcome {number} of hipRTC")
    for address, part in zip(addresses, _parts(outcome), strict=True):
        if part:
            caller.write_host(address, part)


def _parts(outcome: RtcOutcome) -> tuple[bytes, bytes, bytes]:
    """Code, log and names as the client gets them; a name as its length and its bytes."""
    names = [name.encode("utf-8", "surrogateescape") for name in outcome.lowered]
    lowered = b"".join(struct.pack("<Q", len(name)) + name for name in names)
    return outcome.code, outcome.log.encode("utf-8", "surrogateescape"), lowered
