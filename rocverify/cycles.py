"""How often Python looks for garbage in cycles: seldom, in the processes that are rocverify's own.

Little of what they make is garbage in cycles, and looking for it every 700 objects, and in all of them at the
end, is a tenth of their time.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

OBJECTS = 50_000
"""New objects after which the youngest are looked at; with the other two numbers, see gc.set_threshold."""


@contextmanager
def looked_for_seldom(*, for_good: bool = False) -> Iterator[None]:
    """For a block; afterwards as often as before, which may well begin with a look at everything, unless the
    process ends then (`for_good`). When it ends, nobody looks once more: all of it goes."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
    before = gc.get_threshold()
    gc.set_threshold(OBJECTS, *before[1:])
    try:
        yield
    finally:
        if not for_good:
            gc.set_threshold(*before)
