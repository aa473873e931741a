"""Where a project begins."""

from __future__ import annotations

from pathlib import Path


def nearest_root(folder: Path) -> Path | None:
    """The root of the project around a folder: the nearest folder upwards with a `.planning` in it."""
    return next((one for one in (folder, *folder.parents) if (one / ".planning").is_dir()), None)
