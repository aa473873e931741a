"""The log of a trace: order, marks, late failures, forgetting, and findings as JSON."""

from __future__ import annotations

from rocverify.device.trace.events import Category
from rocverify.device.trace.findings import HostFinding
from rocverify.device.trace.log import TraceLog
from rocverify.device.trace.sites import SiteTable

SITES = SiteTable()


def test_events_stand_in_the_order_of_the_calls():
    log = TraceLog()
    first = log.begin("hipMemcpy", Category.H2D, SITES, 0)
    second = log.begin("hipMalloc", Category.ALLOC, SITES, 0)
    log.end(second, "hipSuccess")
    assert [event.function for event in log.since(0)] == ["hipMalloc"]
    log.end(first, "hipSuccess")
    assert [event.function for event in log.since(0)] == ["hipMemcpy", "hipMalloc"]
    assert [event.seq for event in log.since(1)] == [2]


def test_a_late_failure_takes_the_place_of_the_success():
    log = TraceLog()
    entry = log.begin("hipMemcpyAsync", Category.H2D, SITES, 0)
    log.end(entry, "hipSuccess")
    log.amend(entry.seq, "hipErrorInvalidValue", "no such memory")
    (event,) = log.since(0)
    assert (event.result, event.reason) == ("hipErrorInvalidValue", "no such memory")
    other = log.begin("hipMemcpy", Category.H2D, SITES, 0)
    log.amend(other.seq, "hipErrorUnknown", "at once")
    log.end(other, "hipSuccess")
    assert log.since(1)[0].result == "hipErrorUnknown"
    assert log.summary.failed == 2


def test_what_nobody_asks_for_is_forgotten():
    log = TraceLog()
    for _ in range(3):
        log.end(log.begin("hipMalloc", Category.ALLOC, SITES, 0), "hipSuccess")
    log.forget(2)
    assert log.mark() == 3
    assert [event.seq for event in log.since(0)] == [3]
    log.amend(3, "hipErrorUnknown", "late")
    log.amend(1, "hipErrorUnknown", "forgotten")
    assert log.since(2)[0].result == "hipErrorUnknown"


def test_findings_survive_json():
    finding = HostFinding("race", "two launches write the same bytes", "a.cpp:3", "a.cpp:9", "axpy")
    assert HostFinding.from_json(finding.to_json()) == finding
    assert HostFinding("leak", "4 bytes").to_json() == {"kind": "leak", "message": "4 bytes"}
    assert str(finding) == "a.cpp:3: two launches write the same bytes (the other side: a.cpp:9)"
