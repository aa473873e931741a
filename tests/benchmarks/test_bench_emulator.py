"""How fast the emulator runs and translates rope_kernel (2048 x 32 x 128).

    make bench

`extra_info` of each benchmark holds the exact instruction count and the rate in million wave
instructions a second; the machine's noise is in the times, never in the counts.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rocverify.device.emulator.machine import Machine
from tests.benchmarks.conftest import Rope

pytestmark = pytest.mark.long


@pytest.mark.parametrize("threads", [1, 2])
def test_warm_launch(
    benchmark: Any, new_machine: Callable[..., Machine], rope_code_object: bytes, threads: int
) -> None:
    rope = Rope.on(new_machine(threads), rope_code_object)
    stats = rope()
    benchmark(rope)
    assert stats.wave_instructions == rope().wave_instructions
    benchmark.extra_info["wave_instructions"] = stats.wave_instructions
    if benchmark.stats is not None:
        rate = stats.wave_instructions / benchmark.stats.stats.median / 1e6
        benchmark.extra_info["million_wave_instructions_per_s"] = round(rate, 1)


def test_first_launch_with_translation(
    benchmark: Any, new_machine: Callable[..., Machine], rope_code_object: bytes
) -> None:
    """Load, disassembly, translation, native code and one launch, nothing cached but the runtime."""

    def ready() -> tuple[tuple[Rope], dict[str, Any]]:
        return (Rope.on(new_machine(1), rope_code_object, seq=1),), {}

    stats = benchmark.pedantic(lambda rope: rope(), setup=ready, rounds=5)
    assert stats.waves == 64


def test_first_launch_from_the_translation_cache(
    benchmark: Any, new_machine: Callable[..., Machine], rope_code_object: bytes, tmp_path: Path
) -> None:
    Rope.on(new_machine(1, tmp_path), rope_code_object, seq=1)()

    def ready() -> tuple[tuple[Rope], dict[str, Any]]:
        return (Rope.on(new_machine(1, tmp_path), rope_code_object, seq=1),), {}

    stats = benchmark.pedantic(lambda rope: rope(), setup=ready, rounds=5)
    assert stats.waves == 64
