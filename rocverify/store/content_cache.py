"""What was made once and is kept by key: native code, which a second process starts with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rocverify.store.files import replace_file
from rocverify.store.pruning import touch
from rocverify.store.seal import sealed, unsealed
from rocverify.store.shared import linked, shared_folder


class ContentCache:
    """Files by key, each under this user's seal; written atomically. None caches nothing.

    An entry that is damaged, or that somebody else made, is made again: it is code that will be run.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._shared = None if folder is None else shared_folder(folder)

    def get(self, key: str, make: Callable[[], bytes]) -> bytes:
        """The bytes under `key`, made and kept if absent, damaged or not ours."""
        if self.folder is None:
            return make()
        path = self.folder / key[:2] / key
        places = [path] if self._shared is None else [path, self._shared / key[:2] / key]
        for place in places:
            try:
                data = unsealed(key, place.read_bytes())
            except (FileNotFoundError, NotADirectoryError):
                continue
            if data:
                touch(place)
                if place is not path:
                    linked(place, path)
                return data
        data = make()
        replace_file(path, sealed(key, data))
        for place in places[1:]:
            linked(path, place)
        return data
