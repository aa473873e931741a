"""Work of the judge that waits for another process than the device's, done while the device is busy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rocverify.subject.launch_session import LaunchSession

Submit = Callable[..., Future[Any]]
"""Takes a function and its arguments."""


@contextmanager
def beside(session: LaunchSession) -> Iterator[Submit]:
    """For a block: gives functions to a thread that executes them one after another. What has not begun at
    the end of the block is left out; whoever interrupts the block does not wait for a process that hangs."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="references")
    try:
        yield pool.submit
    except KeyboardInterrupt:
        session.subject.interrupt()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
