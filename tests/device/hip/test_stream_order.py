"""Any program's work on streams is executed in an order that HIP allows, each piece once."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Item, Kind
from rocverify.device.hip.streams import LEGACY, NON_BLOCKING, PER_THREAD, Streams

ORDERS = ("eager", "lazy", "shuffled")
CALLER = object()


def make(order: str, seed: int = 0, **more) -> Streams:
    return Streams(order, seed, clock=time.perf_counter, **more)


@dataclass
class Model:
    """What HIP says of a program: which piece of work must come after which, and what a wait covers."""

    blocking: dict[object, bool]
    queued: list[tuple[object, frozenset[int]]] = field(default_factory=list)
    events: dict[int, frozenset[int]] = field(default_factory=dict)
    joined: dict[object, frozenset[int]] = field(default_factory=dict)

    def before(self, stream: object) -> frozenset[int]:
        """All that the next work of a stream comes after."""
        found = set(self.joined.get(stream, frozenset()))
        for number, (other, after) in enumerate(self.queued):
            default = "legacy" in (stream, other) and self.blocking[stream] and self.blocking[other]
            if other == stream or default:
                found |= {number} | after
        if self.blocking[stream]:
            # A wait in the default stream holds for the others too, and one of theirs for it.
            for other, joined in self.joined.items():
                if "legacy" in (stream, other) and self.blocking[other]:
                    found |= joined
        return frozenset(found)

    def held(self, stream: object) -> frozenset[int]:
        """What a wait for a stream waits for: what it has queued, and what that comes after."""
        if stream == "legacy":
            return self.before(stream)
        own = ({number} | after for number, (other, after) in enumerate(self.queued) if other == stream)
        return self.joined.get(stream, frozenset()).union(*own)

    def submit(self, stream: object) -> None:
        self.queued.append((stream, self.before(stream)))

    def record(self, event: int, stream: object) -> None:
        self.events[event] = self.before(stream)

    def wait_event(self, stream: object, event: int) -> None:
        if event in self.events:
            self.joined[stream] = self.before(stream) | self.events[event]


@st.composite
def programs(draw):
    streams = draw(st.lists(st.booleans(), min_size=0, max_size=4))
    which = st.sampled_from(["legacy", "thread", *range(len(streams))])
    event = st.integers(0, 2)
    step = st.one_of(
        st.tuples(st.just("submit"), which, st.booleans()),
        st.tuples(st.just("record"), which, event),
        st.tuples(st.just("wait_event"), which, event),
        st.tuples(st.just("synchronize"), which),
        st.tuples(st.just("query"), which),
        st.tuples(st.just("event_synchronize"), event),
        st.tuples(st.just("device_synchronize")),
    )
    return streams, draw(st.lists(step, max_size=25))


class Host:
    """Runs a program on streams and on the model."""

    def __init__(self, order: str, seed: int, non_blocking: list[bool]) -> None:
        self.streams, self.log = make(order, seed), []
        self.numbers = {"legacy": 0, "thread": PER_THREAD}
        blocking = {"legacy": True, "thread": True}
        for number, apart in enumerate(non_blocking):
            self.numbers[number] = self.streams.create(NON_BLOCKING if apart else 0).handle
            blocking[number] = not apart
        self.events = [self.streams.events.create() for _ in range(3)]
        self.model = Model(blocking)

    def done(self, work: frozenset[int]) -> bool:
        return work <= set(self.log)

    def submit(self, stream, needs_caller: bool) -> None:
        number = len(self.model.queued)
        self.model.submit(stream)

        def run(caller) -> None:
            assert caller is CALLER or not needs_caller
            self.log.append(number)

        item = Item(run, str(number), needs_caller=needs_caller, kind=Kind.KERNEL)
        self.streams.submit(self.numbers[stream], 7, item, CALLER if needs_caller else None)

    def record(self, stream, event: int) -> None:
        self.model.record(event, stream)
        self.streams.events.record(self.events[event].handle, self.numbers[stream], 7)

    def wait_event(self, stream, event: int) -> None:
        self.model.wait_event(stream, event)
        self.streams.wait_event(self.numbers[stream], 7, self.events[event])

    def synchronize(self, stream) -> None:
        self.streams.wait(self.numbers[stream], 7, CALLER)
        assert self.done(self.model.held(stream))

    def query(self, stream) -> None:
        if self.streams.query(self.numbers[stream], 7, CALLER):
            assert self.done(self.model.held(stream))

    def event_synchronize(self, event: int) -> None:
        if self.events[event].item is not None:
            self.streams.wait_for([self.events[event].item], CALLER)
        assert self.done(self.model.events.get(event, frozenset()))

    def device_synchronize(self) -> None:
        self.streams.wait(None, 7, CALLER)
        assert sorted(self.log) == list(range(len(self.model.queued)))
        assert not self.streams.pending()


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=150, deadline=None)
@given(program=programs(), seed=st.integers(0, 1000))
def test_work_is_done_once_and_in_order(order, program, seed):
    non_blocking, steps = program
    host = Host(order, seed, non_blocking)
    try:
        for name, *arguments in steps:
            getattr(host, name)(*arguments)
        host.device_synchronize()
    finally:
        host.streams.close()
    place = {number: index for index, number in enumerate(host.log)}
    for number, (_, after) in enumerate(host.model.queued):
        assert all(place[one] < place[number] for one in after)


def test_lazy_does_nothing_that_nobody_waits_for():
    streams, log = make("lazy"), []
    first, second = streams.create(NON_BLOCKING), streams.create(NON_BLOCKING)
    streams.submit(first.handle, 0, Item(lambda _: log.append(1), "1"))
    streams.submit(second.handle, 0, Item(lambda _: log.append(2), "2"))
    streams.wait(second.handle, 0, CALLER)
    assert log == [2]
    streams.idle()
    assert log == [2, 1]


def test_eager_goes_on_in_the_background_and_stops_before_what_needs_a_caller():
    streams, log, done = make("eager"), [], threading.Event()
    other = streams.create(NON_BLOCKING)
    streams.submit(0, 0, Item(lambda _: log.append("host"), "host", needs_caller=True))
    streams.submit(0, 0, Item(lambda _: log.append("behind"), "behind"))
    streams.submit(other.handle, 0, Item(lambda _: done.set(), "other"))
    assert done.wait(30)
    assert log == []
    streams.wait(None, 0, CALLER)
    assert log == ["host", "behind"]
    streams.close()


def test_shuffled_is_told_by_its_seed_and_tries_several_orders():
    def run(seed: int) -> tuple[int, ...]:
        streams, log = make("shuffled", seed), []
        handles = [streams.create(NON_BLOCKING).handle for _ in range(3)]
        for number in range(9):
            streams.submit(handles[number % 3], 0, Item(lambda _, n=number: log.append(n), str(number)))
        streams.wait(None, 0, CALLER)
        return tuple(log)

    orders = {run(seed) for seed in range(20)}
    assert len(orders) > 10
    assert all(run(seed) == run(seed) for seed in range(5))


@pytest.mark.parametrize("order", ORDERS)
def test_threads_that_wait_at_once_do_each_piece_once(order):
    streams, log, lock = make(order, 3), [], threading.Lock()
    handles = [streams.create(NON_BLOCKING).handle for _ in range(4)]

    def run(number):
        def note(_caller):
            with lock:
                log.append(number)

        return note

    def wait(handle):
        for _ in range(30):
            streams.wait(handle, 0, CALLER)

    waiters = [threading.Thread(target=wait, args=(handle,)) for handle in handles for _ in range(2)]
    for waiter in waiters:
        waiter.start()
    for number in range(400):
        item = Item(run(number), str(number), needs_caller=number % 3 == 0)
        streams.submit(handles[number % 4], 0, item)
    for waiter in waiters:
        waiter.join(60)
        assert not waiter.is_alive()
    streams.wait(None, 0, CALLER)
    assert sorted(log) == list(range(400))
    for stream in range(4):
        assert [n for n in log if n % 4 == stream] == list(range(stream, 400, 4))
    streams.close()


@pytest.mark.parametrize("order", ORDERS)
def test_a_host_function_may_wait_for_another_threads_work(order):
    """A function that waits for another stream's work, which another thread has executed."""
    streams, reached, go_on = make(order), threading.Event(), threading.Event()
    first, second = streams.create(NON_BLOCKING), streams.create(NON_BLOCKING)

    def function(_caller) -> None:
        reached.set()
        assert go_on.wait(30)

    streams.submit(first.handle, 0, Item(function, "function", needs_caller=True))
    streams.submit(second.handle, 1, Item(lambda _: go_on.set(), "other", needs_caller=True))
    waiter = threading.Thread(target=streams.wait, args=(first.handle, 0, CALLER))
    waiter.start()
    assert reached.wait(30) or order == "shuffled"
    streams.wait(second.handle, 1, CALLER)
    waiter.join(30)
    assert not waiter.is_alive()
    streams.close()


@pytest.mark.parametrize("order", ORDERS)
def test_what_failed_is_raised_by_the_next_wait_once(order):
    streams = make(order)

    def fail(_caller) -> None:
        raise HipError("hipErrorLaunchFailure", "for the test")

    streams.submit(0, 0, Item(fail, "fails"))
    with pytest.raises(HipError, match="hipErrorLaunchFailure"):
        streams.wait(0, 0, CALLER)
    streams.wait(0, 0, CALLER)
    streams.close()


@pytest.mark.parametrize("order", ORDERS)
def test_a_destroyed_stream_does_what_it_has_queued(order):
    streams, log = make(order), []
    stream = streams.create()
    streams.submit(stream.handle, 0, Item(lambda _: log.append(1), "1", needs_caller=True))
    streams.destroy(stream.handle)
    with pytest.raises(HipError, match="hipErrorInvalidHandle"):
        streams.submit(stream.handle, 0, Item(lambda _: None, "late"))
    streams.submit(LEGACY, 0, Item(lambda _: log.append(2), "2"))
    streams.wait(LEGACY, 0, CALLER)
    assert log == [1, 2]
    streams.close()


@pytest.mark.parametrize("handle", [0, LEGACY, PER_THREAD])
def test_built_in_streams_cannot_be_destroyed(handle):
    with pytest.raises(HipError, match="hipErrorInvalidHandle"):
        make("lazy").destroy(handle)


def test_each_thread_has_a_default_stream_of_its_own():
    streams, log = make("lazy"), []
    streams.submit(PER_THREAD, 1, Item(lambda _: log.append(1), "1"))
    streams.submit(PER_THREAD, 2, Item(lambda _: log.append(2), "2"))
    streams.wait(PER_THREAD, 2, CALLER)
    assert log == [2]
    streams.wait(LEGACY, 0, CALLER)
    assert log == [2, 1]


@pytest.mark.parametrize("order", ORDERS)
def test_times_of_events_enclose_the_work_between(order):
    streams = make(order)
    first, last = streams.events.create(), streams.events.create()
    with pytest.raises(HipError, match="hipErrorInvalidHandle"):
        streams.events.elapsed_ms(first, last)
    streams.events.record(first.handle, 0, 0)
    streams.submit(0, 0, Item(lambda _: time.sleep(0.01), "sleeps"))
    streams.events.record(last.handle, 0, 0)
    if order == "lazy":
        with pytest.raises(HipError, match="hipErrorNotReady"):
            streams.events.elapsed_ms(first, last)
    streams.wait_for([last.item], CALLER)
    assert streams.events.elapsed_ms(first, last) >= 10
    assert streams.events.elapsed_ms(last, first) <= -10
    streams.events.record(first.handle, 0, 0)
    streams.events.record(last.handle, 0, 0)
    streams.wait(0, 0, CALLER)
    assert streams.events.elapsed_ms(first, last) > 0
    streams.close()


def test_an_event_recorded_again_stands_for_the_later_place():
    streams, log = make("lazy"), []
    first, second = streams.create(NON_BLOCKING), streams.create(NON_BLOCKING)
    event = streams.events.create()
    streams.submit(first.handle, 0, Item(lambda _: log.append(1), "1"))
    streams.events.record(event.handle, first.handle, 0)
    streams.wait_event(second.handle, 0, event)
    streams.submit(first.handle, 0, Item(lambda _: log.append(2), "2"))
    streams.events.record(event.handle, first.handle, 0)
    streams.submit(second.handle, 0, Item(lambda _: log.append(3), "3"))
    streams.wait(second.handle, 0, CALLER)
    assert log == [1, 3]
    streams.events.destroy(event.handle)
    streams.wait(first.handle, 0, CALLER)
    assert log == [1, 3, 2]


def test_asking_goes_on_with_the_work():
    streams, log = make("lazy"), []
    for number in range(3):
        streams.submit(0, 0, Item(lambda _, n=number: log.append(n), str(number)))
    asked = 0
    while not streams.query(0, 0, CALLER):
        asked += 1
    assert log == [0, 1, 2]
    assert asked == 3


def test_work_that_waits_for_a_value_is_done_when_it_is_there():
    streams, log, value = make("lazy"), [], []
    stream = streams.create(NON_BLOCKING)
    item = Item(lambda _: log.append("passed"), "waits", ready=lambda: bool(value))
    streams.submit(stream.handle, 0, item)
    waiter = threading.Thread(target=streams.wait, args=(stream.handle, 0, CALLER))
    waiter.start()
    streams.submit(0, 0, Item(lambda _: value.append(1), "writes"))
    streams.wait(0, 0, CALLER)
    waiter.join(30)
    assert log == ["passed"]


def test_a_reset_drops_what_is_queued():
    streams, log = make("lazy"), []
    stream = streams.create()
    streams.submit(stream.handle, 0, Item(lambda _: log.append(1), "1"))
    streams.reset()
    streams.wait(None, 0, CALLER)
    assert log == []
    with pytest.raises(HipError, match="hipErrorInvalidHandle"):
        streams.wait(stream.handle, 0, CALLER)


def test_a_mistake_of_ours_is_raised_where_somebody_waits():
    streams = make("eager")
    streams.submit(0, 0, Item(lambda _: 1 / 0, "broken"))
    with pytest.raises(ZeroDivisionError):
        streams.wait(0, 0, CALLER)
    streams.close()
