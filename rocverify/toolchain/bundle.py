"""Recognises the offload bundles that `hipcc --genco` and `clang -c` write, to say so clearly.

A bundle is a container of code objects, one for each target, with a table of contents at its start.
Source: clang's "Offload Bundler", section "Bundled Binary File Layout".
"""

from __future__ import annotations

import struct

from rocverify.errors import CodeObjectError

_PLAIN = b"__CLANG_OFFLOAD_BUNDLE__"
_COMPRESSED = b"CCOB"
_MOST_ENTRIES = 64
_HINT = (
    "compile with --cuda-device-only --no-gpu-bundle-output, "
    "or take one target out of it with clang-offload-bundler --unbundle"
)


def refuse_bundle(data: bytes, where: str) -> None:
    """Raises CodeObjectError that names the bundle's entries if `data` is an offload bundle."""
    if data.startswith(_COMPRESSED):
        raise CodeObjectError("is a compressed offload bundle, not one code object", where=where, hint=_HINT)
    if data.startswith(_PLAIN):
        held = ", ".join(bundle_entries(data)) or "nothing readable"
        raise CodeObjectError(
            f"is an offload bundle (of {held}), not one code object", where=where, hint=_HINT
        )


def bundle_entries(data: bytes) -> tuple[str, ...]:
    """The entry ids in a bundle's table of contents, as far as the table is intact."""
    names: list[str] = []
    try:
        (count,) = struct.unpack_from("<Q", data, len(_PLAIN))
        at = len(_PLAIN) + 8
        for _ in range(min(count, _MOST_ENTRIES)):
            _, _, length = struct.unpack_from("<QQQ", data, at)
            name = data[at + 24 : at + 24 + length]
            if len(name) < length:
                break
            names.append(name.decode("ascii", errors="replace"))
            at += 24 + length
    except struct.error:
        return tuple(names)
    return tuple(names)
