"""What a translation is known by, so that one that is kept can be found without loading the translator."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path


def wave_function(kernel: str, digest: str) -> str:
    """The name of a kernel's wave function: code objects with kernels of one name may be loaded."""
    return f"wave_{kernel}_{digest[:16]}"


@cache
def translator_digest() -> str:
    """Digest of the translator's own sources: part of every key of the translation cache."""
    sources = sorted(Path(__file__).parents[1].rglob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
