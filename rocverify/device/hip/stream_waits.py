"""Waiting for streams, and asking whether their work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.capture import RELAXED
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.executor import Executor
from rocverify.device.hip.items import Item
from rocverify.device.hip.stream_table import Stream, StreamTable

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller
    from rocverify.device.hip.checks.host import HostChecks


class StreamWaits(StreamTable):
    """Streams whose work `executor` does; `checks` is None without --sanitize."""

    def __init__(self, executor: Executor, checks: HostChecks | None) -> None:
        super().__init__()
        self.executor, self.checks = executor, checks

    def wait(
        self,
        stream: int | None,
        slot: int,
        caller: Caller | None,
        *,
        explicit: bool = True,
        site: int = 0,
    ) -> None:
        """Returns when all work of a stream (None: of all streams) is done; HipError with what failed."""
        if stream is None:
            self._refuse_captures()
            targets = self._everything()
        else:
            targets = self._held(self.find(stream, slot))
        self.wait_for(targets, caller, explicit=explicit, whole=stream is None, site=site)

    def wait_for(
        self,
        targets: list[Item],
        caller: Caller | None,
        *,
        explicit: bool = True,
        whole: bool = False,
        site: int = 0,
    ) -> None:
        """Returns when these items are done. `whole`: they are all that there is."""
        self.executor.run(targets, caller)
        if self.checks is not None and all(one.done for one in targets):
            whole = whole and not self.executor
            self.checks.uploads.waited(targets, caller, explicit=explicit, whole=whole, site=site)
        self.raise_failure()

    def _held(self, stream: Stream) -> list[Item]:
        """What a wait for a stream waits for."""
        with self.lock:
            self.refuse_capturing(stream)
            if stream is self.legacy:
                return self.before(stream)
            return [] if stream.tail is None else [stream.tail]

    def _refuse_captures(self) -> None:
        with self.lock:
            for stream in self.all():
                if stream.capture is not None and stream.capture.mode != RELAXED:
                    self.refuse_capturing(stream)

    def _everything(self) -> list[Item]:
        with self.lock:
            tails = [one.tail for one in self.all() if one.tail is not None]
        return [*self.executor.pending(), *tails]

    def at_rest(self, stream: int, slot: int) -> bool:
        """Whether a synchronous copy on a stream has nothing to come after, and nobody watches its order:
        then it need not be queued. HipError where the stream takes none."""
        if self.checks is not None or not self.executor.at_rest or self.executor.order == "shuffled":
            return False
        with self.lock:
            self.find(stream, slot)
            return all(one.capture is None for one in self.all())

    def raise_failure(self) -> None:
        """HipError with the first failure of queued work that no call has returned yet."""
        failure = self.executor.take_failure()
        if failure is not None:
            raise failure

    def refuse_capturing(self, stream: Stream) -> None:
        """A stream that captures cannot be waited for or asked."""
        if stream.capture is not None:
            stream.capture.invalidate()
            raise HipError(
                "hipErrorStreamCaptureUnsupported",
                f"{stream.name} captures: nothing can wait for it",
            )

    def query(self, stream: int, slot: int, caller: Caller | None) -> bool:
        """Whether a stream's work is done. Asking goes on with it."""
        return self.ask(self._held(self.find(stream, slot)), caller)

    def ask(self, targets: list[Item], caller: Caller | None) -> bool:
        """Whether these items are done; if not, one that they wait for is executed now."""
        if all(one.done for one in targets):
            if self.checks is not None:
                self.checks.uploads.waited(targets, caller)
            self.raise_failure()
            return True
        self.executor.advance(targets, caller)
        return False
