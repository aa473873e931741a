"""Gets at the code objects in whatever holds them: a plain code object, an offload bundle, a compressed one,
or a host program, library or object file with a fat binary in it.

A bundle has one entry for each target, a fat binary one bundle for each translation unit. All of it is read
from bytes; nothing here opens a file or knows a device.

Sources: clang's "Offload Bundler" ("Bundled Binary File Layout", "Target ID"), and the header of compressed
bundles in LLVM's `OffloadBundle.h`, versions 1 to 3.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType

from rocverify.errors import CodeObjectError, WrongTargetError

ELF = b"\x7fELF"
PLAIN = b"__CLANG_OFFLOAD_BUNDLE__"
COMPRESSED = b"CCOB"
BITCODE = b"BC\xc0\xde"
ARCHIVE = b"!<arch>\n"

_EM_AMDGPU = 224
_FAT_BINARY = ".hip_fatbin"
_RELOCATABLE = "__CLANG_OFFLOAD_BUNDLE__"
_MOST_ENTRIES, _MOST_BUNDLES = 1024, 65536
_ALIGNMENT = 4096
_CHUNK = 1 << 20
_DAMAGED = "it is truncated or damaged: make it again"

# Format and offset of (total size, uncompressed size) behind the magic, version and method; the size of all.
_HEADERS = {1: ("<I", 20), 2: ("<II", 24), 3: ("<QQ", 32)}
_ZLIB, _ZSTD = 0, 1

DEFAULT_FEATURES: Mapping[str, str] = MappingProxyType({"sramecc": "+", "xnack": "-"})
"""What a device has of the features that target ids name, where its own id is silent: AMD's defaults."""


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """One code object of a container. `target` is the processor (`gfx90a`), `features` what follows it in the
    target id (`:sramecc+:xnack-`), `bundle` counts the bundles of a fat binary from 0."""

    target: str
    features: str
    data: bytes
    bundle: int = 0

    @property
    def target_id(self) -> str:
        """`gfx90a:sramecc+:xnack-`."""
        return self.target + self.features


def is_device_code(data: bytes) -> bool:
    """Whether the bytes begin as anything that this module reads does."""
    return data.startswith((ELF, PLAIN, COMPRESSED))


def refuse_bundle(data: bytes, where: str) -> None:
    """Raises CodeObjectError naming the entries if `data` is a bundle, where one code object is wanted."""
    if not data.startswith((PLAIN, COMPRESSED)):
        return
    kind = "an offload bundle" if data.startswith(PLAIN) else "a compressed offload bundle"
    try:
        held = listed(code.target_id for code in device_code(data, where))
    except CodeObjectError:
        held = "nothing readable"
    raise CodeObjectError(f"is {kind} (of {held}), not one code object", where=where)


def device_code(data: bytes, where: str) -> tuple[DeviceCode, ...]:
    """Every code object in `data`, in its order; `where` names it in errors.

    Raises CodeObjectError for what holds none, is damaged, or is something else altogether.
    """
    if data.startswith(ELF):
        return _of_elf(data, where)
    if data.startswith((PLAIN, COMPRESSED)):
        found = tuple(_of_bundles(data, where))
        if not found:
            raise CodeObjectError("is an offload bundle without device code", where=where)
        return found
    if data.startswith(ARCHIVE):
        raise CodeObjectError(
            "is a static library",
            where=where,
            hint="give the program that is linked with it, or one object file",
        )
    if data.startswith(BITCODE):
        raise CodeObjectError(
            "is LLVM bitcode, not machine code", where=where, hint="compile it to the end, without -fgpu-rdc"
        )
    raise CodeObjectError(
        "is neither a code object, nor an offload bundle, nor a program that holds one"
        if data
        else "is empty",
        where=where,
    )


def for_target(codes: Sequence[DeviceCode], target: str, where: str) -> tuple[DeviceCode, ...]:
    """What of `codes` runs on a device of this target id: of each bundle the most specific compatible entry.

    Raises WrongTargetError, naming what there is, if no bundle has any.
    """
    processor, _, rest = target.partition(":")
    device = {**DEFAULT_FEATURES, **_features(rest)}
    best: dict[int, tuple[int, DeviceCode]] = {}
    for code in codes:
        wanted = _features(code.features)
        if code.target != processor or any(device.get(name) != sign for name, sign in wanted.items()):
            continue
        if code.bundle not in best or best[code.bundle][0] < len(wanted):
            best[code.bundle] = (len(wanted), code)
    if not best:
        held = listed(code.target_id for code in codes)
        raise WrongTargetError(
            f"holds {held or 'no device code'}; this device is {target}: "
            f"compile with --offload-arch={target} or use --target",
            where=where,
        )
    return tuple(code for _, (_, code) in sorted(best.items()))


def code_object_for(data: bytes, target: str, where: str = "the image") -> bytes:
    """The one code object that a loader takes from `data` on a device of this target id.

    A plain code object is given as it is, whatever it was compiled for. Raises as `device_code` and
    `for_target` do.
    """
    if _is_code_object(data):
        return data
    return for_target(device_code(data, where), target, where)[0].data


def write_bundle(codes: Sequence[DeviceCode]) -> bytes:
    """An uncompressed bundle of code objects, with the empty host entry that clang writes first."""
    names = [
        b"host-x86_64-unknown-linux-gnu-",
        *(f"hipv4-amdgcn-amd-amdhsa--{c.target_id}".encode() for c in codes),
    ]
    at = len(PLAIN) + 8 + sum(24 + len(name) for name in names)
    table, body = struct.pack("<Q", len(names)), b""
    start = -(-at // _ALIGNMENT) * _ALIGNMENT
    for name, data in zip(names, (b"", *(code.data for code in codes)), strict=True):
        table += struct.pack("<QQQ", start + len(body), len(data), len(name)) + name
        body += data + bytes(-len(data) % _ALIGNMENT)
    head = PLAIN + table
    return head + bytes(start - len(head)) + body


def listed(names: Iterable[str]) -> str:
    """`gfx942 and gfx90a`; each once, in order."""
    *most, last = dict.fromkeys(names) or ("",)
    return f"{', '.join(most)} and {last}" if most else last


def _features(text: str) -> dict[str, str]:
    """`{"xnack": "+"}` of `:xnack+`."""
    return {part[:-1]: part[-1] for part in text.split(":") if part}


def _is_code_object(data: bytes) -> bool:
    return data.startswith(ELF) and data[18:20] == _EM_AMDGPU.to_bytes(2, "little")


def _of_elf(data: bytes, where: str) -> tuple[DeviceCode, ...]:
    if _is_code_object(data):
        # Read late: that module refuses bundles by this one.
        from rocverify.toolchain.codeobject import read_code_object

        facts = read_code_object(data, where)
        return (DeviceCode(facts.target, facts.features, data),)
    sections = _fat_binaries(data, where)
    if not sections:
        raise CodeObjectError("is a program or library without HIP device code", where=where)
    found: list[DeviceCode] = []
    for section in sections:
        first = found[-1].bundle + 1 if found else 0
        found += _of_bundles(section, where, first)
    if not found:
        raise CodeObjectError("has a fat binary without device code", where=where)
    return tuple(found)


def _fat_binaries(data: bytes, where: str) -> list[bytes]:
    """The contents of a host ELF file's fat binary sections."""
    from elftools.elf.elffile import ELFFile

    from rocverify.toolchain.codeobject import malformed_is_an_error

    with malformed_is_an_error(where):
        elf = ELFFile(BytesIO(data))
        sections = list(elf.iter_sections())
        found = [section.data() for section in sections if section.name.startswith(_FAT_BINARY)]
        if not any(found) and any(section.name.startswith(_RELOCATABLE) for section in sections):
            raise CodeObjectError(
                "holds bitcode of relocatable device code",
                where=where,
                hint="link it first, or leave -fgpu-rdc out",
            )
    return [content for content in found if content]


def _of_bundles(data: bytes, where: str, first: int = 0) -> Iterator[DeviceCode]:
    """The device entries of all bundles that stand one after another, with padding between them."""
    at = 0
    for number in range(first, first + _MOST_BUNDLES):
        at = _next_bundle(data, at)
        if at < 0:
            return
        if data.startswith(COMPRESSED, at):
            bundle, size = _decompressed(data, at, where)
        else:
            size = _bundle_size(data, at, where)
            bundle = data[at : at + size]
        for name, offset, length in _table(bundle, 0, where):
            target_id = _target_id(name)
            if target_id and length:
                target, colon, features = target_id.partition(":")
                yield DeviceCode(
                    target, colon + features, _machine_code(bundle[offset : offset + length], where), number
                )
        at += size


def _next_bundle(data: bytes, at: int) -> int:
    found = [place for magic in (PLAIN, COMPRESSED) if (place := data.find(magic, at)) >= 0]
    return min(found, default=-1)


def _machine_code(data: bytes, where: str) -> bytes:
    if data.startswith(BITCODE):
        raise CodeObjectError(
            "holds LLVM bitcode, not machine code", where=where, hint="link it first, or leave -fgpu-rdc out"
        )
    return data


def _target_id(entry: str) -> str:
    """`gfx90a:sramecc+:xnack-` of `hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-`, whatever the
    environment part of the triple says; empty for the host's entry."""
    kind, _, triple = entry.partition("-")
    if kind == "host" or not triple.startswith("amdgcn"):
        return ""
    return triple.split("-", 4)[-1] if triple.count("-") >= 4 else triple.rpartition("-")[2]


def _table(bundle: bytes, at: int, where: str) -> Iterator[tuple[str, int, int]]:
    """(entry id, offset from the bundle's start, size) of each entry of the bundle at `at`."""
    try:
        (count,) = struct.unpack_from("<Q", bundle, at + len(PLAIN))
        if count > _MOST_ENTRIES:
            raise CodeObjectError(f"is a bundle that claims {count} entries", where=where, hint=_DAMAGED)
        place = at + len(PLAIN) + 8
        for _ in range(count):
            offset, size, length = struct.unpack_from("<QQQ", bundle, place)
            name = bundle[place + 24 : place + 24 + length]
            if len(name) < length or at + offset + size > len(bundle):
                raise CodeObjectError(
                    "is a bundle whose entries lie beyond its end", where=where, hint=_DAMAGED
                )
            yield name.decode("ascii", "replace"), offset, size
            place += 24 + length
    except struct.error:
        raise CodeObjectError("is a truncated offload bundle", where=where, hint=_DAMAGED) from None


def _bundle_size(data: bytes, at: int, where: str) -> int:
    """How many bytes the uncompressed bundle at `at` takes: to the end of its last entry."""
    return max((offset + size for _, offset, size in _table(data, at, where)), default=len(PLAIN) + 8)


def _decompressed(data: bytes, at: int, where: str) -> tuple[bytes, int]:
    """The bundle in the compressed one at `at`, and the bytes that the compressed one takes."""
    try:
        version, method = struct.unpack_from("<HH", data, at + len(COMPRESSED))
        if version not in _HEADERS:
            raise CodeObjectError(
                f"is a compressed offload bundle of version {version}; versions 1 to 3 are read", where=where
            )
        form, header = _HEADERS[version]
        *total, size = struct.unpack_from(form, data, at + 8)
    except struct.error:
        raise CodeObjectError(
            "is a truncated compressed offload bundle", where=where, hint=_DAMAGED
        ) from None
    if total and not header <= total[0] <= len(data) - at:
        raise CodeObjectError("is a compressed offload bundle that is cut short", where=where, hint=_DAMAGED)
    packed = data[at + header : at + total[0]] if total else data[at + header :]
    bundle, rest = _unpacked(packed, method, size, where)
    if len(bundle) != size or not bundle.startswith(PLAIN):
        raise CodeObjectError(
            f"is a compressed offload bundle that does not give the {size} bytes it says",
            where=where,
            hint=_DAMAGED,
        )
    return bundle, total[0] if total else header + len(packed) - rest


def _unpacked(packed: bytes, method: int, size: int, where: str) -> tuple[bytes, int]:
    """What the compressed bytes give, no more than `size` and one, and how many bytes were left unread."""
    if method == _ZLIB:
        return _inflated(packed, size, where)
    if method == _ZSTD:
        return _zstd(packed, size, where)
    raise CodeObjectError(
        f"is compressed by the unknown method {method}; zlib and zstd are read", where=where
    )


def _inflated(packed: bytes, size: int, where: str) -> tuple[bytes, int]:
    stream = zlib.decompressobj()
    try:
        return stream.decompress(packed, size + 1), len(stream.unused_data)
    except zlib.error as error:
        raise CodeObjectError(f"cannot be decompressed: {error}", where=where, hint=_DAMAGED) from None


def _zstd(packed: bytes, size: int, where: str) -> tuple[bytes, int]:
    import zstandard

    stream = zstandard.ZstdDecompressor().decompressobj()
    parts, length = [], 0
    try:
        for start in range(0, len(packed), _CHUNK):
            parts.append(stream.decompress(packed[start : start + _CHUNK]))
            length += len(parts[-1])
            if stream.eof:
                return b"".join(parts), len(stream.unused_data) + max(0, len(packed) - start - _CHUNK)
            if length > size:
                break
    except zstandard.ZstdError as error:
        raise CodeObjectError(f"cannot be decompressed: {error}", where=where, hint=_DAMAGED) from None
    return b"".join(parts), 0
