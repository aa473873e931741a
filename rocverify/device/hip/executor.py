"""Executes queued items, each once and none before those that it comes after, in one of three orders.

Eager: a thread of its own executes what needs no caller as soon as it can be. Lazy: nothing is executed
before something waits for it. Shuffled: a seed decides, at each submission and at each wait, what is executed
early and in which of the possible orders.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Literal

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Item, Progress
from rocverify.device.hip.schedule import Schedule

if TYPE_CHECKING:
    from rocverify.device.hip.calls import Caller

Order = Literal["eager", "lazy", "shuffled"]
Execute = Callable[[Item, "Caller | None"], Any]

PART = 16
"""Whoever asks whether work is done has this part of it executed."""

INTERRUPT_S = 0.05
"""How often what runs is interrupted until it has ended: it may not have begun in earnest before."""

_POLL_S = 0.001
"""How often memory is looked at that an item waits for."""


def _schedule(order: Order, seed: int) -> Schedule:
    return Schedule(seed if order == "shuffled" else None)


class Executor:
    """The pending items of one context. All methods may be called from any thread.

    `execute` runs an item.
    """

    def __init__(
        self,
        order: Order,
        seed: int,
        *,
        clock: Callable[[], float],
        execute: Execute,
    ) -> None:
        self.order = order
        self._schedule = _schedule(order, seed)
        self._clock, self._execute = clock, execute
        lock = threading.Lock()
        self._changed = threading.Condition(lock)
        self._work_there = threading.Condition(lock)
        """What the background thread alone waits for: waking it for nothing costs more than a short call."""
        self._pending: dict[Item, None] = {}
        self._serial = 0
        self._last_time = 0.0
        self._failures: list[HipError | Exception] = []
        self._closed = False
        self._background: threading.Thread | None = None

    # ---- what is to be done

    def add(self, item: Item, after: Iterable[Item]) -> None:
        """Queues an item that comes after others."""
        with self._changed:
            self._serial += 1
            item.serial = self._serial
            item.after = tuple(one for one in after if not one.done)
            self._pending[item] = None
            if self.order == "eager" and not item.needs_caller:
                self._start_background()
                self._work_there.notify()

    def reorder(self, order: Order, seed: int) -> None:
        """From now on items are executed in another order."""
        with self._changed:
            self.order = order
            self._schedule = _schedule(order, seed)
            if order == "eager" and self._pending:
                self._start_background()
                self._work_there.notify()

    def pending(self) -> list[Item]:
        """What was not executed yet, in the order of submission."""
        with self._changed:
            return list(self._pending)

    def __bool__(self) -> bool:
        """Whether anything is pending."""
        return bool(self._pending)

    @property
    def at_rest(self) -> bool:
        """Whether nothing is pending, and no failure waits to be told."""
        return not self._pending and not self._failures

    def drop(self) -> None:
        """Forgets what is queued; what runs comes to its end first."""
        with self._changed:
            self._drop_queued()
            while self._pending:
                self._changed.wait()
            self._failures.clear()

    def _drop_queued(self) -> None:
        for item in [one for one in self._pending if one.progress is Progress.QUEUED]:
            item.progress = Progress.DONE
            del self._pending[item]
        self._changed.notify_all()
        self._work_there.notify_all()

    def close(self, interrupt: Callable[[], None] | None = None) -> None:
        """Drops what is queued and ends the background thread. `interrupt` is called while something runs."""
        self._closed = True
        with self._changed:
            self._drop_queued()
            while self._pending and interrupt is not None:
                interrupt()
                self._changed.wait(INTERRUPT_S)
        self.drop()
        if self._background is not None and self._background is not threading.current_thread():
            self._background.join()

    # ---- doing it

    def run(self, targets: Iterable[Item], caller: Caller | None) -> None:
        """Returns when these are done, as far as that can be without a caller where there is none."""
        with self._changed:
            left = deque(self._schedule.sequence([*targets, *self._schedule.chance(self._pending)]))
            while left:
                if left[0].done:
                    left.popleft()
                elif not self._step(left, caller):
                    if caller is None and not self._advances(left):
                        return
                    self._changed.wait(_POLL_S if any(one.ready for one in left) else None)

    def advance(self, targets: Iterable[Item], caller: Caller | None) -> None:
        """Executes a part of what these wait for: one item, and more where there are many."""
        with self._changed:
            left = self._schedule.sequence(targets)
            for _ in range(1 + len(left) // PART):
                if not self._step(left, caller):
                    return

    def early(self) -> None:
        """In shuffled order: executes what the seed says, without a caller."""
        if self.order == "shuffled":
            with self._changed:
                for item in self._schedule.sequence(self._schedule.chance(self._pending)):
                    if self._can_run(item, None):
                        self._run_one(item, None)

    def take_failure(self) -> HipError | None:
        """The first failure of queued work that nobody was told of."""
        with self._changed:
            failures, self._failures = self._failures, []
        for failure in failures:
            if not isinstance(failure, HipError):
                raise failure
        return failures[0] if failures else None  # type: ignore[return-value]

    # ---- inside, with the lock held

    def _can_run(self, item: Item, caller: Caller | None) -> bool:
        return (
            item.progress is Progress.QUEUED
            and (caller is not None or not item.needs_caller)
            and all(one.done for one in item.after)
            and (item.ready is None or item.ready())
        )

    def _step(self, items: Iterable[Item], caller: Caller | None) -> bool:
        """Executes the first that can be; False if none can."""
        for item in items:
            if self._can_run(item, caller):
                self._run_one(item, caller)
                return True
        return False

    def _advances(self, items: Iterable[Item]) -> bool:
        """Whether another thread is at work on what these wait for."""
        return any(item.progress is Progress.RUNNING for item in items)

    def _run_one(self, item: Item, caller: Caller | None) -> None:
        """Runs an item without the lock; holds it again at the end."""
        item.progress = Progress.RUNNING
        self._changed.release()
        try:
            self._outside(item, caller)
        finally:
            self._changed.acquire()
            self._last_time = item.ended = max(self._clock(), self._last_time + 1e-9)
            item.progress = Progress.DONE
            item.after = ()
            self._pending.pop(item, None)
            self._changed.notify_all()
            if self._pending:
                self._work_there.notify()

    def _outside(self, item: Item, caller: Caller | None) -> None:
        try:
            self._execute(item, caller)
        except Exception as error:  # noqa: BLE001 - kept, and raised in the thread that waits
            with self._changed:
                self._failures.append(error)

    # ---- eager order's own thread

    def _start_background(self) -> None:
        if self._background is None and not self._closed:
            self._background = threading.Thread(target=self._work, name="streams", daemon=True)
            self._background.start()

    def _work(self) -> None:
        with self._changed:
            while not self._closed:
                eager = self.order == "eager"
                if not eager or not self._step(self._pending, None):
                    polls = eager and any(one.ready for one in self._pending)
                    self._work_there.wait(_POLL_S if polls else None)
