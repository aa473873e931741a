"""One run at a time writes into a root: a lock that others wait for, and who holds it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from rocverify.errors import UsageError
from rocverify.store.files import replace_file
from rocverify.store.gate import place

LOCK, HOLDER = ".rocverify/run.lock", ".rocverify/run.holder"
PATIENCE_S = 120.0
"""Writing takes a moment; a run that has not ended it by then hangs."""


@contextmanager
def writing(
    root: Path, who: str, told: Callable[[str], None], patience_s: float = PATIENCE_S
) -> Iterator[None]:
    """No other run writes into the root, for a block. `who` is what others are told of this one; `told` gets
    a line where there is somebody to wait for. The lock goes with its process, however that ends. Where it
    cannot be made, nothing else can be written either, and says so itself.

    Raises UsageError where the lock is not free within `patience_s` seconds, or lies behind a link.
    """
    lock_file, holder = place(root, LOCK), place(root, HOLDER)
    lock = FileLock(lock_file)
    with suppress(OSError):
        lock_file.parent.mkdir(exist_ok=True)
        _take(lock, holder, told, patience_s)
        words = f"process {os.getpid()} ({who}, since {datetime.now():%H:%M:%S})"
        replace_file(holder, words.encode("utf-8", "replace"))
    try:
        yield
    finally:
        lock.release()


def _take(lock: FileLock, holder: Path, told: Callable[[str], None], patience_s: float) -> None:
    with suppress(Timeout):
        lock.acquire(blocking=False)
        return
    told(f"waiting for {_held_by(holder)}, which writes into this root")
    with suppress(Timeout):
        lock.acquire(timeout=patience_s)
        return
    raise UsageError(
        f"{_held_by(holder)} has been writing into this root for {patience_s:g} s",
        where=LOCK,
        hint="let it end, or end it; then run again",
    )


def _held_by(holder: Path) -> str:
    try:
        return holder.read_text(encoding="utf-8", errors="replace").strip()[:200] or "another run"
    except OSError:
        return "another run"
