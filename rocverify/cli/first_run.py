"""What a run has to make before its first check can launch anything, told before it begins: it takes long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rocverify.runner.bound import BoundPlan
from rocverify.store.shared import shared_folder
from rocverify.store.user_folders import user_cache

_OF_THE_MACHINE = {"runtime": "the emulator's runtime", "hiplib": "the HIP library"}
"""Made once for a user: by the folder of the user's cache, what it is."""


def made_first(plans: Iterable[BoundPlan], cache: Path) -> Iterator[str]:
    """Sentences for what is not there yet; none for plans that need no device. cache: the project's."""
    from rocverify.checks.registry import CHECKS

    if not any(CHECKS[spec.kind].needs_device for plan in plans for spec in plan.specs):
        return
    missing = [what for name, what in _OF_THE_MACHINE.items() if not _filled(user_cache() / name)]
    if missing:
        yield f"{' and '.join(missing)} are made first, once on this machine: up to a minute"
    shared = shared_folder(cache / "native")
    if not _filled(cache / "native") and (shared is None or not _filled(shared)):
        yield "nothing is cached for this project yet: kernels are compiled and translated first"


def _filled(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError:
        return False
