"""How fast the emulator runs the three float kernels of workloads.py once they are translated.

    make bench

`extra_info` of each benchmark holds the exact instruction count and the rate in million wave
instructions a second; the machine's noise is in the times, never in the counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from rocverify.device.emulator.machine import Machine
from tests.benchmarks.timing import in_turns, ratio_of_medians, ratio_of_minima
from tests.benchmarks.workloads import MADE, NAMES, Emulated

ROUNDS = 9


@pytest.mark.long
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("watched", ["plain", "counted", "sanitized"])
@pytest.mark.parametrize("name", NAMES)
def test_warm_launch(
    benchmark: Any,
    new_machine: Callable[..., Machine],
    code_objects: dict[str, bytes],
    name: str,
    watched: str,
    threads: int,
) -> None:
    workload = MADE[name]()
    launch = Emulated.on(new_machine(threads, watched=watched), workload, code_objects[workload.source])
    stats = launch.checked()
    assert benchmark.pedantic(launch, rounds=ROUNDS).wave_instructions == stats.wave_instructions
    benchmark.extra_info["wave_instructions"] = stats.wave_instructions
    if benchmark.stats is not None:
        rate = stats.wave_instructions / benchmark.stats.stats.median / 1e6
        benchmark.extra_info["million_wave_instructions_per_s"] = round(rate, 1)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("plain", 2), ("plain", 1), id="two-threads"),
        pytest.param(("plain", 1), ("counted", 1), id="counting"),
        pytest.param(("plain", 1), ("sanitized", 1), id="sanitizing"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_in_turns(
    benchmark: Any,
    new_machine: Callable[..., Machine],
    code_objects: dict[str, bytes],
    name: str,
    first: tuple[str, int],
    second: tuple[str, int],
) -> None:
    """How many times as long the second takes, by medians and by minima; both measured here in turns."""
    if 2 in (first[1], second[1]) and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this process has one CPU: there is nothing for a second thread")
    workload = MADE[name]()
    code = code_objects[workload.source]
    launches = [
        Emulated.on(new_machine(threads, watched=watched), workload, code)
        for watched, threads in (first, second)
    ]
    for launch in launches:
        launch.checked()
    times = in_turns(launches, ROUNDS)
    benchmark.pedantic(launches[1], rounds=1)
    benchmark.extra_info["ratio_of_medians"] = round(ratio_of_medians(*times), 2)
    benchmark.extra_info["ratio_of_minima"] = round(ratio_of_minima(*times), 2)
