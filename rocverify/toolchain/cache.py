"""The content-addressed cache of code objects; any number of processes may use it at once.

    compiled/ab/<request>/<headers>.json   what one request gave, with the state of the headers it saw
    compiled/ab/<request>/lock             held by whoever compiles, so that a second one waits and takes
    objects/ab/<sha256>.co                 the code objects

Files appear by rename and are never written again, so a reader needs no lock. What a lock saves is double
work, nothing else: where the file system has none, two processes compile the same and both are right. Each
record carries this user's seal and the object's digest: whatever is damaged, or was made by somebody else,
counts as absent and is made again.
"""

from __future__ import annotations

import fcntl
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rocverify.store.digests import digest_bytes, digest_texts
from rocverify.store.files import replace_file
from rocverify.store.pruning import touch
from rocverify.store.seal import seal_of
from rocverify.store.shared import shared_folder
from rocverify.toolchain.headers import HeaderState, Seen

# Header states kept for one request: more than anyone switches between, few enough to look through.
_KEPT_RECORDS = 8


@dataclass(frozen=True, slots=True)
class CachedObject:
    """One compilation's result: where the code object is, its bytes, and what the compiler said."""

    path: Path
    data: bytes
    headers: HeaderState
    log: str
    seconds: float


class ObjectCache:
    """`folder` is made when first written to."""

    def __init__(self, folder: Path) -> None:
        self._compiled = folder / "compiled"
        self._objects = folder / "objects"
        shared = shared_folder(folder)
        self._shared = None if shared is None else ObjectCache(shared)

    def find(self, request: str, root: Path, seen: Seen | None = None) -> CachedObject | None:
        """The code object that `request` gives with the headers as they are below `root` now, or as they were
        `seen` just before."""
        for record in self._records(request):
            cached = self._read(record)
            if cached is None:
                record.unlink(missing_ok=True)
            elif cached.headers.holds(root, seen):
                touch(cached.path)
                touch(record)
                return cached
        return self._from_others(request, root, seen)

    def _from_others(self, request: str, root: Path, seen: Seen | None) -> CachedObject | None:
        """The same, as another project of this user has made it."""
        found = None if self._shared is None else self._shared.find(request, root, seen)
        if found is None:
            return None
        path = self.keep(found.data)
        taken = replace(found, path=path)
        self._note(request, taken)
        return taken

    def store(
        self, request: str, data: bytes, headers: HeaderState, log: str, seconds: float
    ) -> CachedObject:
        """Keeps a compilation's result."""
        made = CachedObject(self.keep(data), data, headers, log, seconds)
        self._note(request, made)
        if self._shared is not None:
            with suppress(OSError):  # the user's cache may be out of reach
                self._shared.store(request, data, headers, log, seconds)
        return made

    def _note(self, request: str, made: CachedObject) -> None:
        """Writes the record of what a request gave."""
        headers = made.headers
        body = {"object": made.path.stem, "log": made.log, "seconds": made.seconds}
        text = json.dumps({**body, "headers": headers.to_json()})
        state = digest_texts((headers.digest, *sorted(headers.found)))
        record = self._folder(request) / f"{state[:32]}.json"
        replace_file(record, f"{_seal(record, text)}\n{text}".encode())
        for old in self._records(request)[_KEPT_RECORDS:]:
            old.unlink(missing_ok=True)

    def keep(self, data: bytes) -> Path:
        """Where a code object now lies as a file of its own."""
        path = self._object(digest_bytes(data))
        replace_file(path, data, mode=0o444)
        return path

    @contextmanager
    def compiling(self, request: str) -> Iterator[None]:
        """Waits until no one else compiles the same; look again into the cache once inside."""
        folder = self._folder(request)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("wb") as lock:
            with suppress(OSError):  # a file system may have no locks
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield  # closing the file gives the lock back, also when the process dies

    def _records(self, request: str) -> list[Path]:
        """A request's records, newest first."""
        aged = []
        for record in self._folder(request).glob("*.json"):
            try:
                aged.append((record.stat().st_mtime_ns, record))
            except FileNotFoundError:
                continue  # dropped by another process
        return [record for _, record in sorted(aged, reverse=True)]

    def _read(self, record: Path) -> CachedObject | None:
        try:
            seal, _, text = record.read_text(encoding="utf-8").partition("\n")
            if not hmac.compare_digest(seal.encode(), _seal(record, text).encode()):
                return None
            body = json.loads(text)
            path = self._object(body["object"])
            data = path.read_bytes()
        except (OSError, UnicodeDecodeError):
            return None
        if digest_bytes(data) != body["object"]:
            return None
        return CachedObject(path, data, HeaderState.from_json(body["headers"]), body["log"], body["seconds"])

    def _folder(self, request: str) -> Path:
        return self._compiled / request[:2] / request

    def _object(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / f"{sha256}.co"


def _seal(record: Path, text: str) -> str:
    """The seal of a record in its place: it says what one request gave, and no other."""
    return seal_of(f"{record.parent.name}/{record.name}", text.encode()).hex()
