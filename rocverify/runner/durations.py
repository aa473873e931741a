"""What items took when workers ran them the last time, as pytest's cache keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

_NAME = "rocverify/durations"
_VALUES = "v"
"""Where below its folder pytest keeps values."""


def cache_folder(root: Path) -> Path:
    """The folder of pytest's cache, for sessions of a project."""
    return root / ".rocverify" / "pytest"


def ran_side_by_side(root: Path) -> bool:
    """Whether a session of the project had workers before."""
    return (cache_folder(root) / _VALUES / _NAME).is_file()


def durations(session: pytest.Session) -> dict[str, float]:
    """Seconds that items took the last time, by node id."""
    cache = getattr(session.config, "cache", None)
    found = None if cache is None else cache.get(_NAME, None)
    if not isinstance(found, dict):
        return {}
    return {str(name): taken for name, taken in found.items() if isinstance(taken, float)}


def keep_durations(session: pytest.Session, taken: Mapping[str, float]) -> None:
    """Keeps what items took now, beside what others took before."""
    cache = getattr(session.config, "cache", None)
    if cache is not None and taken:
        cache.set(_NAME, {**durations(session), **taken})
