"""A seal on cache entries: an HMAC by a secret that lies outside every project.

A cache lies in the project's tree, where whoever writes the project can write too; an entry counts only
where this user's rocverify made it. The secret is made at first use, readable by its user alone. Where it
can be neither read nor kept, each process has one of its own, and finds nothing that others cached.
"""

from __future__ import annotations

import hmac
import os
import secrets
from functools import cache
from hashlib import sha256
from pathlib import Path

from rocverify.store.user_folders import user_data

_SECRET_BYTES = 32
SEAL_BYTES = sha256().digest_size


def in_ci() -> bool:
    """Whether this is a CI job (`CI` is set), whose caches may come from anybody's earlier job."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def seal_of(name: str, data: bytes) -> bytes:
    """The seal of an entry: of its name too, so that no entry can stand in another's place."""
    raw = name.encode("utf-8", errors="surrogateescape")
    return hmac.digest(_secret(), len(raw).to_bytes(8, "little") + raw + data, "sha256")


def sealed(name: str, data: bytes) -> bytes:
    """The entry with its seal before it."""
    return seal_of(name, data) + data


def unsealed(name: str, stored: bytes) -> bytes | None:
    """What is under the seal; None where the seal is not ours or not this entry's."""
    seal, data = stored[:SEAL_BYTES], stored[SEAL_BYTES:]
    return data if hmac.compare_digest(seal, seal_of(name, data)) else None


def secret_path() -> Path:
    """Where the secret is kept."""
    return user_data() / "cache-secret"


def _secret() -> bytes:
    return _read_or_made(secret_path())


@cache
def _read_or_made(path: Path) -> bytes:
    made = secrets.token_bytes(_SECRET_BYTES)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
        try:
            os.link(draft, path)  # the first of several processes wins, with its bytes already there
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError:
        pass  # a read-only folder may hold one all the same
    try:
        kept = path.read_bytes()
    except OSError:
        return made
    return kept if len(kept) == _SECRET_BYTES and not path.stat().st_mode & 0o077 else made
