"""What projects of one user have in common: entries of their caches, by content.

A project's cache lies in the project (`.rocverify/cache`). What is made there is linked into the user's
cache, too, and another project, or another checkout of this one, that would make the same takes it from
there. Entries have keys that say all that they depend on, and carry the user's seal, wherever they lie.
Caches at other places (`--cache-dir`, the setting `cache_dir`) and those of CI keep to themselves, and all do
where the environment has ROCVERIFY_SHARED_CACHE=0.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from rocverify.store.files import replace_file
from rocverify.store.seal import in_ci
from rocverify.store.user_folders import user_cache

SWITCH = "ROCVERIFY_SHARED_CACHE"
OF_PROJECT = (".rocverify", "cache")
"""Where a project's cache lies unless it is told otherwise; settings.py has the same default."""


def shared_folder(folder: Path) -> Path | None:
    """The user's folder for a folder of a project's cache; None for one that keeps to itself."""
    parts = folder.parts
    places = [at for at in range(len(parts) - 1) if parts[at : at + 2] == OF_PROJECT]
    if not places or in_ci() or os.environ.get(SWITCH) == "0":
        return None
    return user_cache().joinpath("shared", *parts[places[-1] + 2 :])


def linked(entry: Path, there: Path) -> None:
    """The entry at a second place; a copy where the file system cannot link. What cannot be written is
    left."""
    with suppress(OSError):
        there.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(entry, there, follow_symlinks=False)
        except FileExistsError:
            pass
        except OSError:
            replace_file(there, entry.read_bytes(), mode=entry.stat().st_mode & 0o777)
