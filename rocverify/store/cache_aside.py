"""A cache for runs that leave a project's tree as it is: outside it, and filled with what the tree's own has.

Entries never change once they are there (they are replaced whole, by rename), so they are linked where the
file system can; what is made meanwhile stays aside.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rocverify.store.digests import digest_of
from rocverify.store.user_folders import user_cache


def cache_aside(root: Path, cache_dir: str) -> Path:
    """The user's folder for a project, with all entries of the project's `cache_dir`. OSError where it cannot
    be made."""
    aside = user_cache() / "aside" / digest_of(os.fsencode(root.resolve()))[:16]
    aside.mkdir(parents=True, exist_ok=True)
    os.utime(aside)
    own = root / cache_dir
    for folder, _, names in os.walk(own):
        there = aside / Path(folder).relative_to(own)
        missing = [name for name in names if not (there / name).exists()]
        if missing:
            there.mkdir(parents=True, exist_ok=True)
        for name in missing:
            _taken(Path(folder) / name, there / name)
    return aside


def _taken(entry: Path, there: Path) -> None:
    try:
        os.link(entry, there, follow_symlinks=False)
    except FileExistsError:
        pass  # another run was faster
    except FileNotFoundError:
        pass  # it has just been taken out of the cache
    except OSError:
        shutil.copyfile(entry, there, follow_symlinks=False)
