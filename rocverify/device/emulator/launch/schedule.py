"""The order in which workgroups and waves run, and what memory holds that nobody has written.

HIP promises neither. With a seed both are drawn from it, so that a result which depends on them differs
between two seeds; without one they are always the same.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from rocverify.device.emulator import abi

POISON = 0x7FBADBAD
"""What registers and LDS hold before anything is written: a signalling NaN, and a huge integer."""

MAX_WINDOW = 1 << 32


@dataclass(slots=True)
class Schedule:
    """`seed` None: waves and workgroups run in their own order. It may be changed between launches."""

    seed: int | None = None

    @property
    def poison(self) -> int:
        """A dword that is a NaN as a single, as two halves and as two bfloats, and huge as an integer."""
        if self.seed is None:
            return POISON
        drawn = random.Random(f"poison {self.seed}")
        return 0x7F817F81 + (drawn.randrange(0x3F) << 16) + drawn.randrange(0x3F)

    def apply(self, launch: abi.Launch) -> None:
        """Writes the order into a launch record.

        Workgroups that may be resident together change places, others do not: one that waits for an earlier
        one finds it begun, as on a GPU, which dispatches in order.
        """
        launch.poison = self.poison
        window = min(launch.resident, launch.group_count, MAX_WINDOW)
        if self.seed is None or launch.group_count == 0:
            launch.order_seed = 0
            return
        drawn = random.Random(f"order {self.seed}")
        launch.order_seed = drawn.randrange(1, 1 << 63)
        launch.window = window
        launch.stride = _coprime(drawn, window)
        launch.last_stride = _coprime(drawn, launch.group_count % window or window)


def _coprime(drawn: random.Random, count: int) -> int:
    """A step that visits each of `count` places once."""
    step = drawn.randrange(1, count) if count > 1 else 1
    while math.gcd(step, count) != 1:
        step = step % count + 1
    return step
