"""One client process on one device: what it has allocated, loaded and queued; how its calls are served."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rocverify.device.hip import served as _served
from rocverify.device.hip.calls import Answer, Call, Caller, Result, Served, lookup
from rocverify.device.hip.errors import CODES, NO_ERRORS, HipError, error_name
from rocverify.device.hip.holdings import Holdings
from rocverify.device.hip.items import Kind
from rocverify.device.hip.printed import PrintedText
from rocverify.device.hip.words import report
from rocverify.device.trace.events import Category
from rocverify.device.trace.log import Entry
from rocverify.device.trace.sites import SiteTable

if TYPE_CHECKING:
    from rocverify.device.backends.base import Backend
    from rocverify.device.hip.control import DeviceControl
    from rocverify.device.hip.host_traffic import HostTraffic
    from rocverify.device.hip.items import Item, StreamQueues
    from rocverify.device.hip.shared_memory import SharedMemory


@dataclass(frozen=True, slots=True)
class Client:
    """Who a context belongs to."""

    pid: int = 0
    program: str = ""


MOST_UNSEEN = 1000
_ = _served  # imported for what it enters in SERVED


class Context(Holdings):
    """The state of one client. `serve` may be called from several threads: from one for calls that nobody
    waits for, and from one for each of the client's threads that waits.

    `sticky` is the fault that every later call returns, `late` how a call failed that nobody waited for,
    until one returns it, `unseen` are the calls that failed since the program last asked for its last error.
    `returned` is called when a call that the judge asked for has returned and left work that nothing orders
    before its caller's; `host_traffic` notes what the host reads and writes, where somebody wants to know,
    `shared` what kernels leave in memory that it sees.
    """

    def __init__(
        self,
        backend: Backend,
        control: DeviceControl,
        make_streams: Callable[[Context], StreamQueues],
        client: Client | None = None,
    ) -> None:
        super().__init__(backend, control)
        self.client = client or Client()
        self.sites = SiteTable(control.root, control.native_lines)
        self.sticky: HipError | None = None
        self.late: HipError | None = None
        self.unseen: list[tuple[str, HipError, int]] = []
        self.ended_by_itself = False
        self.host_traffic: HostTraffic | None = None
        self.shared: SharedMemory | None = None
        self.returned: Callable[[], None] = lambda: None
        self.printed = PrintedText()
        self._entries: dict[int, Entry] = {}
        self._loading = threading.Lock()
        self._closed = False
        self.streams = make_streams(self)
        control.enter(self)

    # ---- calls

    def serve(self, call: Call, caller: Caller | None = None) -> Answer:
        """Makes one call. `caller` is the waiting thread of the client, None where nobody waits."""
        served = lookup(call.name)
        if served is None:
            self.control.not_served[call.name] += 1
            return Answer(CODES["hipErrorNotSupported"])
        entry = self._begin(served, call)
        try:
            if served.category is Category.MODULE:
                with self._loading:
                    answer = self._made(served, call, caller)
            else:
                answer = self._made(served, call, caller)
        except HipError as error:
            answer = Answer(error.code)
            self._note_failure(call, entry, error)
        self.printed.give(caller)
        if served.traced:
            self.control.trace.end(entry, error_name(answer.code))
        return answer

    def would_wait(self, call: Call) -> bool:
        """Whether a call may wait for queued work or touch the client's memory: it is then to be served on
        behalf of the client's thread, with a Caller."""
        served = lookup(call.name)
        return served is not None and call.waits and served.waits

    def entry(self, call: Call) -> Entry:
        """The record of a call that is being served."""
        return self._entries[call.slot]

    def record(
        self, function: str, category: Category, site: int, *, result: str = "hipSuccess", **fields: Any
    ) -> int:
        """Enters into the trace what no call of its own asked for (a kernel of a graph); its number."""
        entry = self.control.trace.begin(function, category, self.sites, site)
        entry.fields.update(fields)
        self.control.trace.end(entry, result)
        return entry.seq

    def _begin(self, served: Served, call: Call) -> Entry:
        if not served.traced:
            entry = Entry(0, call.name, served.category, self.sites, call.site)
        else:
            entry = self.control.trace.begin(call.name, served.category, self.sites, call.site)
        self._entries[call.slot] = entry
        if served.describe is not None:
            fields = served.describe(self, call)
            entry.category = fields.pop("category", served.category)
            entry.fields.update(fields)
        return entry

    def _made(self, served: Served, call: Call, caller: Caller | None) -> Answer:
        sticky = self.sticky if served.after_fault != "allow" else None
        if sticky is not None and served.after_fault == "refuse":
            raise sticky
        if self.control.is_refused(call.name):
            raise HipError("hipErrorLaunchFailure", "refused by the harness, to see what the caller does")
        entry = self.entry(call)
        if entry.category is Category.LAUNCH and self.control.is_ghost(entry.fields.get("kernel")):
            entry.fields["ghost"] = True
            return Answer()
        answer = _as_answer(served.function(self, call, caller))
        if served.waits and call.waits:
            self.raise_late()
        if sticky is not None:
            raise sticky
        return answer

    def _note_failure(self, call: Call, entry: Entry, error: HipError) -> None:
        entry.fields["reason"] = error.reason
        if error.code in NO_ERRORS:
            return
        self.control.last_reason = error.reason
        self._find(error, call.name, call.site)
        if error.sticky and self.sticky is None:
            self.sticky = error
        if not call.waits and self.late is None:
            self.late = error
        self.note_unseen(call.name, error, call.site)

    def _find(self, error: HipError, what: str, site: int) -> None:
        """Reports an error that the program is to blame for, where it is met first."""
        kind, error.finding = error.finding, None
        if kind is not None:
            text = error.reason if what in error.reason else f"{what}: {error.reason}"
            report(self, kind, text, site, error.other)

    def note_unseen(self, function: str, error: HipError, site: int) -> None:
        """A call has failed, and the program has not looked at its last error yet."""
        if len(self.unseen) < MOST_UNSEEN:
            self.unseen.append((function, error, site))

    # ---- queued work

    def wait(self, stream: int | None, call: Call, caller: Caller | None, *, explicit: bool = True) -> None:
        """Returns when a stream's work (None: all work) is done. Raises what failed in queued work.
        `explicit` is False where the program did not ask to wait."""
        self.streams.wait(stream, call.slot, caller, explicit=explicit, site=call.site)
        self.raise_late()

    def raise_late(self) -> None:
        """Raises how a call failed that nobody waited for, once."""
        with self.lock:
            late, self.late = self.late, None
        if late is not None:
            raise late

    def execute(self, item: Item, caller: Caller | None) -> Any:
        """Runs an item of a stream: what streams call. Returns what its run gives back; the HipError that it
        raises is to be kept, and raised where somebody waits."""
        try:
            if self.shared is None or item.kind is not Kind.KERNEL:
                return item.run(caller)
            with self.shared.of_device(self, kernel=True):
                return item.run(caller)
        except HipError as error:
            if error.sticky and self.sticky is None:
                self.sticky = error
            self.control.last_reason = error.reason
            self._find(error, item.label, item.site)
            if item.seq:
                self.control.trace.amend(item.seq, error.name, error.reason)
            raise

    # ---- state

    def new_connection(self) -> None:
        """The same client comes again, and counts its call sites anew."""
        self.sites = SiteTable(self.control.root, self.control.native_lines)

    def idle(self) -> None:
        """No call has come for a while. A program that waits for a module to be loaded is not idle."""
        if self._loading.acquire(blocking=False):
            self._loading.release()
            self.streams.idle()

    def forget_errors(self) -> None:
        """Forgets faults and late failures."""
        with self.lock:
            self.sticky = self.late = None

    def reset(self) -> None:
        """What hipDeviceReset does: everything but the program's own modules goes."""
        self.streams.reset()
        self.give_back()
        self.control.last_fault = None
        self.forget_errors()

    @property
    def closed(self) -> bool:
        """Whether the client is gone."""
        return self._closed

    def close(self) -> None:
        """The client is gone: everything that it had is given back. Closing twice is harmless."""
        with self.lock:
            if self._closed:
                return
            self._closed = True
        self.streams.close()
        self.control.leave(self)
        self.backend.close()


def _as_answer(result: Result) -> Answer:
    if result is None:
        return Answer()
    if isinstance(result, Answer):
        return result
    return Answer(result) if isinstance(result, int) else Answer(0, tuple(result))
