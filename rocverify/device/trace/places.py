"""Where a source file stands: in the project under verification, in the harness, or elsewhere."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

HARNESS = Path(__file__).resolve().parents[2]
"""The folder of the rocverify package that runs."""

_FOREIGN = frozenset({"site-packages", "dist-packages", ".venv"})


@lru_cache(maxsize=1024)
def in_harness(filename: str) -> bool:
    """Whether the file belongs to rocverify itself."""
    return Path(filename).is_relative_to(HARNESS)


@lru_cache(maxsize=1024)
def in_subject(root: Path, filename: str) -> str | None:
    """The file relative to the root, with forward slashes, if it is the project's own; else None.

    rocverify's own files and installed packages are not, even where the root contains them.
    """
    path = Path(filename)
    if not path.is_absolute() or not path.is_relative_to(root) or in_harness(filename):
        return None
    relative = path.relative_to(root)
    return None if _FOREIGN.intersection(relative.parts) else relative.as_posix()
