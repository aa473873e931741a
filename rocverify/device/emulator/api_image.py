"""Gets at the code object in what a caller gives hipModuleLoad or hipModuleLoadData.

The HIP runtime takes a plain code object or an offload bundle, which holds one for each target, and
takes it as an object, a file or a bare address. Source of the bundle's layout: clang's "Offload
Bundler", section "Bundled Binary File Layout".
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterator

from rocverify.device.emulator import api_host
from rocverify.device.emulator.api_state import HipCallError
from rocverify.device.emulator.api_values import PointerArgument

_ELF = b"\x7fELF"
_BUNDLE = b"__CLANG_OFFLOAD_BUNDLE__"
_COMPRESSED = b"CCOB"
_ELF_HEADER_BYTES = 64
_MOST_ENTRIES = 1024


def image_bytes(pointer: PointerArgument) -> bytes:
    """The bytes of an image; where only its address is known, as many as its own header claims."""
    if not pointer.address:
        raise HipCallError("hipErrorInvalidValue", "the image is a null pointer")
    if pointer.extent is not None:
        return ctypes.string_at(pointer.address, pointer.extent)
    try:
        return api_host.read(pointer.address, _claimed_size(pointer.address))
    except api_host.HostMemoryError as error:
        raise HipCallError("hipErrorInvalidImage", str(error)) from None


def code_object(image: bytes, target: str) -> bytes:
    """The code object for `target` in an image; the image itself unless it is a bundle."""
    if image.startswith(_COMPRESSED):
        raise HipCallError(
            "hipErrorInvalidImage",
            "compressed offload bundles are not read: compile without --offload-compress",
        )
    if not image.startswith(_BUNDLE):
        return image
    held = []
    for name, data in _bundled(image):
        held.append(name)
        if _processor(name) == target:
            return data
    raise HipCallError("hipErrorNoBinaryForGpu", f"the bundle holds {', '.join(held)}, nothing for {target}")


def _processor(entry: str) -> str:
    """`gfx90a` of `hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-`; empty for the host's entry."""
    kind, _, identifier = entry.partition("--")
    return identifier.partition(":")[0] if "amdgcn" in kind else ""


def _bundled(image: bytes) -> Iterator[tuple[str, bytes]]:
    for name, offset, size in _table(image, len(image)):
        if offset + size > len(image):
            raise HipCallError("hipErrorInvalidImage", f"the bundle's entry {name} lies beyond its end")
        yield name, image[offset : offset + size]


def _table(image: bytes, available: int) -> Iterator[tuple[str, int, int]]:
    """(entry id, offset, size) of each entry of a bundle."""
    try:
        (count,) = struct.unpack_from("<Q", image, len(_BUNDLE))
        at = len(_BUNDLE) + 8
        for _ in range(min(count, _MOST_ENTRIES)):
            offset, size, length = struct.unpack_from("<QQQ", image, at)
            if at + 24 + length > available:
                raise HipCallError("hipErrorInvalidImage", "the bundle's table of contents is damaged")
            yield image[at + 24 : at + 24 + length].decode("ascii", "replace"), offset, size
            at += 24 + length
    except struct.error:
        raise HipCallError("hipErrorInvalidImage", "the bundle is truncated") from None


def _claimed_size(address: int) -> int:
    """How long the image at an address says that it is."""
    header = api_host.read(address, _ELF_HEADER_BYTES)
    if header.startswith(_ELF):
        (sections,) = struct.unpack_from("<Q", header, 40)
        entry_size, count = struct.unpack_from("<HH", header, 58)
        return int(sections + entry_size * count)
    if header.startswith(_BUNDLE):
        return _claimed_bundle_size(address)
    raise HipCallError("hipErrorInvalidImage", f"at {address:#x} there is neither an ELF file nor a bundle")


def _claimed_bundle_size(address: int) -> int:
    available = 4096
    head = api_host.read(address, available)
    return max((offset + size for _, offset, size in _table(head, available)), default=len(_BUNDLE) + 8)
