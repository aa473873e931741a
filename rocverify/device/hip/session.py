"""What the library and the device process tell one another past HIP: call sites, errors that were looked at,
the end of the client."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.calls import Answer, Call, Caller, serve
from rocverify.device.hip.checking import at_the_end, before_the_end
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.words import allocation_words, explain, report
from rocverify.device.trace.events import Category

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


@serve("rv_pad", traced=False, after_fault="allow")
def pad(_context: Context, _call: Call, _caller: Caller | None) -> None:
    """Fills the ring."""


@serve("rv_site", traced=False, after_fault="allow")
def site(context: Context, call: Call, _caller: Caller | None) -> None:
    """number; payload: frames."""
    context.sites.add(call.args[0], call.text)


@serve("rv_not_served", category=Category.OTHER, after_fault="allow", traced=False)
def not_served(context: Context, call: Call, _caller: Caller | None) -> None:
    """payload: the name of a function that this library does not offer. The program is told
    hipErrorNotSupported by the library itself; the trace has the call under its own name."""
    context.control.not_served[call.text] += 1
    reason = f"{call.text} is not served"
    context.record(call.text, Category.OTHER, call.site, result="hipErrorNotSupported", reason=reason)
    context.note_unseen(call.text, HipError("hipErrorNotSupported", reason), call.site)


@serve("rv_error_seen", traced=False, after_fault="allow")
def error_seen(context: Context, _call: Call, _caller: Caller | None) -> None:
    """The program looked at its last error."""
    context.unseen.clear()


@serve("rv_host_access", traced=False, after_fault="allow")
def host_access(context: Context, call: Call, _caller: Caller | None) -> Answer:
    """address, is_write: the host touched device memory, or pinned memory that is freed, and dies by SIGSEGV
    -> payload: the words."""
    address, is_write = call.args[0], bool(call.args[1])
    verb = "wrote to" if is_write else "read"
    copy = "hipMemcpyHostToDevice" if is_write else "hipMemcpyDeviceToHost"
    if context.backend.find(address) is None:
        what = explain(context, address)
    else:
        what = f"{address:#x}, in {allocation_words(context, address)}"
    shared = context.backend.shared_region
    if shared.start <= address < shared.start + shared.size:
        message = f"the host {verb} pinned or managed memory that is not there: {what}"
    else:
        message = f"the host {verb} device memory: {what}; copy it with hipMemcpy ({copy})"
    known = context.allocation_of(address)
    report(context, "host_access", message, call.site, 0 if known is None else known.site)
    context.control.last_reason = message
    return Answer(payload=message.encode())


@serve("rv_bye", traced=False, after_fault="allow", waits=True)
def bye(context: Context, call: Call, caller: Caller | None) -> None:
    """The process ends by itself: what is queued is done first."""
    context.ended_by_itself = True
    before_the_end(context)
    if context.sticky is None:
        context.wait(None, call, caller, explicit=False)
    at_the_end(context)
