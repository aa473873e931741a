"""Time limits of launches: one thread stops those whose time is up, and no other."""

from __future__ import annotations

import threading
import time

from rocverify.device.emulator import abi
from rocverify.device.emulator.launch.stop_switch import StopSwitch


def _stopped(launch: abi.Launch, within_s: float) -> bool:
    until = time.monotonic() + within_s
    while not launch.stop and time.monotonic() < until:
        time.sleep(0.002)
    return bool(launch.stop)


def test_the_shorter_limit_comes_first_whichever_began_first() -> None:
    long, short = abi.Launch(), abi.Launch()
    with StopSwitch(long, 600.0) as first, StopSwitch(short, 0.02) as second:
        assert _stopped(short, 30.0)
        assert second.reason == "not finished after 0.02 s, the time limit"
        assert (long.stop, first.reason) == (0, None)


def test_a_launch_that_has_ended_is_not_stopped() -> None:
    over, running = abi.Launch(), abi.Launch()
    with StopSwitch(over, 0.02) as ended:
        pass
    with StopSwitch(running, 0.04):
        assert _stopped(running, 30.0)
    assert (over.stop, ended.reason) == (0, None)


def test_launches_share_one_thread() -> None:
    with StopSwitch(abi.Launch(), 600.0):
        before = threading.active_count()
        with StopSwitch(abi.Launch(), 600.0), StopSwitch(abi.Launch(), 600.0):
            assert threading.active_count() == before


def test_without_a_limit_only_asking_stops() -> None:
    launch = abi.Launch()
    with StopSwitch(launch, None) as switch:
        assert launch.stop == 0
        switch.stop("asked to")
    assert (launch.stop, switch.reason) == (1, "asked to")
