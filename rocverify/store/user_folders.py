"""The user's own folders, outside any project."""

from __future__ import annotations

from pathlib import Path


def user_cache() -> Path:
    """Where what can be made again is kept between runs."""
    import platformdirs  # not where nothing is kept

    return platformdirs.user_cache_path("rocverify", appauthor=False)


def user_data() -> Path:
    """Where what must not get lost is kept."""
    import platformdirs

    return platformdirs.user_data_path("rocverify", appauthor=False)
