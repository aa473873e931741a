"""Records of sources from earlier runs, by the content of the sources: to read 100,000 lines takes
seconds, and most of a project stays as it was."""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import cache, cached_property
from inspect import getfile
from pathlib import Path

import msgspec

from rocverify.code import languages, python_mask, syntax
from rocverify.code.python import constants
from rocverify.code.syntax import Unit
from rocverify.store.digests import digest_file, digest_texts
from rocverify.store.files import replace_file
from rocverify.store.seal import sealed, unsealed

_MOST_BYTES = 64 << 20
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Unit)


class KeptUnits:
    """Records by key, in one file under the user's seal: one that is damaged, somebody else's or of another
    version holds none. Nothing is written before `keep`."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._used: dict[str, bytes] = {}

    @cached_property
    def _there(self) -> dict[str, bytes]:
        return _read(self._file)

    def get(self, path: str, text: str, more: str, make: Callable[[], Unit]) -> Unit:
        """The record of the source `text` at `path`; `more` is what else it depends on."""
        key = digest_texts((path, text, more))
        known = self._there.get(key)
        if known is not None:
            self._used[key] = known
            return _DECODER.decode(known)
        made = make()
        self._used[key] = _ENCODER.encode(made)
        return made

    def keep(self) -> None:
        """Writes what was asked for, and of the rest what there is room for, if anything is new."""
        if not self._used or self._used.keys() <= self._there.keys():
            return
        kept, size = dict(self._used), sum(map(len, self._used.values()))
        for key, data in self._there.items():
            if key not in kept and size + len(data) <= _MOST_BYTES:
                kept[key] = data
                size += len(data)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(self._file, sealed(_readers(), _ENCODER.encode(kept)))
        self._there = kept


def _read(file: Path) -> dict[str, bytes]:
    try:
        data = unsealed(_readers(), file.read_bytes())
    except OSError:
        return {}
    return {} if data is None else msgspec.msgpack.decode(data, type=dict[str, bytes])


@cache
def _readers() -> str:
    """What stands for the code that reads sources, Python's own parser too, and for the form of the
    records."""
    files = (Path(__file__), *(Path(getfile(module)) for module in (syntax, python_mask, constants)))
    folder = Path(languages.__file__).parent
    parts = [digest_file(path) for path in (*files, *sorted(folder.glob("*.py")))]
    return digest_texts((platform.python_version(), *parts))
