"""Reads an AMDGPU code object: its target, its ABI version and what it says of each kernel.

The facts stand in one ELF note (`NT_AMDGPU_METADATA`, MessagePack) and in the dynamic symbol table.
Code object versions 4, 5 and 6 are understood: the ELF's ABI version byte tells them apart. Whatever is
truncated, foreign, damaged or contradicts itself is a `CodeObjectError`, never another exception.

Source: LLVM's "User Guide for AMDGPU Backend", sections "Code Object" and "Code Object Metadata".
"""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType
from typing import Any

import msgpack
from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from rocverify.device.emulator.isa.targets import MACHINES
from rocverify.errors import CodeObjectError
from rocverify.toolchain.bundles import refuse_bundle
from rocverify.toolchain.code_metadata import KernelMetadata, Metadata, read_record

EM_AMDGPU = 224
EI_OSABI, EI_ABIVERSION = 7, 8
ELFOSABI_AMDGPU_HSA = 64
NT_AMDGPU_METADATA = 32
KERNEL_DESCRIPTOR_BYTES = 64
MAX_KERNARG_BYTES = 1 << 15
"""More than any runtime passes; HIP's limit is 4096 bytes and the hidden arguments."""

# The ELF header's ABI version byte for each code object version, and the metadata's own version.
_ABI_VERSIONS = {2: 4, 3: 5, 4: 6}
_METADATA_VERSIONS = {4: (1, 1), 5: (1, 2), 6: (1, 2)}
_OLD_ABI_VERSIONS = {0: 2, 1: 3}


@dataclass(frozen=True, slots=True)
class CodeObject:
    """A code object's facts. `target` is the processor (`gfx1100`), `features` what follows it in the
    target id (`:sramecc+:xnack-`), `abi_version` the code object version (4, 5 or 6)."""

    target: str
    abi_version: int
    sha256: str
    kernels: Mapping[str, KernelMetadata]
    features: str = ""


_known: dict[str, CodeObject] = {}
_MOST_KNOWN = 64
"""Code objects by digest whose facts are kept: each process that loads one does so several times."""


def read_code_object(data: bytes, where: str) -> CodeObject:
    """The facts of the code object in `data`; `where` names it in errors.

    Raises CodeObjectError if it is an offload bundle, no AMDGPU ELF of version 4 to 6, or damaged.
    """
    digest = hashlib.sha256(data).hexdigest()
    known = _known.get(digest)
    if known is None:
        known = _read(data, digest, where)
        if len(_known) >= _MOST_KNOWN:
            del _known[next(iter(_known))]
        _known[digest] = known
    return known


def _read(data: bytes, digest: str, where: str) -> CodeObject:
    refuse_bundle(data, where)
    with malformed_is_an_error(where):
        elf = ELFFile(BytesIO(data))
        abi_version = _abi_version(elf, data, where)
        metadata = _metadata(elf, where)
        _check_version(metadata, abi_version, where)
        target, features = _target(metadata.target, elf.header["e_flags"], where)
        kernels = {kernel.name: _consistent(kernel, where) for kernel in metadata.kernels}
        if len(kernels) != len(metadata.kernels):
            raise CodeObjectError("describes two kernels of one name", where=where)
        _check_descriptors(elf, len(data), kernels, where)
    return CodeObject(target, abi_version, digest, MappingProxyType(kernels), features)


@contextmanager
def malformed_is_an_error(where: str) -> Iterator[None]:
    """Turns what pyelftools, construct and msgpack raise on malformed input into CodeObjectError.

    pyelftools checks little: it trusts offsets, sizes and string tables, so that a damaged file shows
    as an arithmetic, lookup, decoding, attribute or assertion error from somewhere within it. Such an error
    of a type that only programs make, raised by our own code, is a bug and stays one.
    """
    try:
        yield
    except (
        ELFError,
        ConstructError,
        struct.error,
        msgpack.exceptions.UnpackException,
        msgpack.exceptions.ExtraData,
        ValueError,
        LookupError,
        ArithmeticError,
        TypeError,
        AttributeError,
        AssertionError,
        MemoryError,
    ) as error:
        if isinstance(error, _BUGS) and _is_ours(error):
            raise
        said = str(error).strip().split("\n", 1)[0] or type(error).__name__
        raise CodeObjectError(
            f"is not an intact AMDGPU code object: {said}",
            where=where,
            hint="it is truncated or damaged: remove it and compile again",
        ) from error


_BUGS = (TypeError, AttributeError, AssertionError)


def _is_ours(error: Exception) -> bool:
    """Whether an error was raised in this package, not in what reads the bytes."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and str(trace.tb_frame.f_globals.get("__name__")).startswith("rocverify.")


def _abi_version(elf: ELFFile, data: bytes, where: str) -> int:
    machine = elf.header["e_machine"]
    if machine not in ("EM_AMDGPU", EM_AMDGPU) or elf.elfclass != 64 or not elf.little_endian:
        raise CodeObjectError(
            f"is an ELF file for {machine}, not for an AMD GPU",
            where=where,
            hint="compile with --cuda-device-only --no-gpu-bundle-output to get the code object alone",
        )
    os_abi, byte = data[EI_OSABI], data[EI_ABIVERSION]
    if os_abi != ELFOSABI_AMDGPU_HSA:
        raise CodeObjectError(f"is for the AMDGPU operating system ABI {os_abi}, not for HSA", where=where)
    if byte not in _ABI_VERSIONS:
        version = _OLD_ABI_VERSIONS.get(byte)
        named = f"code object version {version}" if version else f"ELF ABI version {byte}"
        raise CodeObjectError(
            f"has {named}; versions 4, 5 and 6 are read",
            where=where,
            hint="compile with -mcode-object-version=5",
        )
    return _ABI_VERSIONS[byte]


def _metadata(elf: ELFFile, where: str) -> Metadata:
    found = [descriptor for segment in elf.iter_segments("PT_NOTE") for descriptor in _notes(segment.data())]
    if len(found) != 1:
        raise CodeObjectError(f"has {len(found)} notes of AMDGPU metadata instead of one", where=where)
    tree = msgpack.unpackb(found[0], strict_map_key=True, use_list=False)
    try:
        return read_record(Metadata, tree)
    except ValueError as error:
        raise CodeObjectError(f"has malformed metadata: {error}", where=where) from None


def _notes(segment: bytes) -> Iterator[bytes]:
    """The descriptors of the AMDGPU metadata notes in a PT_NOTE segment (each part padded to 4 bytes)."""
    at = 0
    while at < len(segment):
        name_size, size, kind = struct.unpack_from("<III", segment, at)
        name_at = at + 12
        descriptor_at = name_at + (name_size + 3 & ~3)
        at = descriptor_at + (size + 3 & ~3)
        if descriptor_at + size > len(segment):
            raise ValueError("a note is longer than its segment")
        if kind == NT_AMDGPU_METADATA and segment[name_at : name_at + name_size] == b"AMDGPU\0":
            yield segment[descriptor_at : descriptor_at + size]


def _check_version(metadata: Metadata, abi_version: int, where: str) -> None:
    if metadata.version != _METADATA_VERSIONS[abi_version]:
        raise CodeObjectError(
            f"is of code object version {abi_version} but its metadata is of version "
            f"{'.'.join(map(str, metadata.version))}",
            where=where,
        )


def _target(triple: str, flags: int, where: str) -> tuple[str, str]:
    """Processor and features of `amdgcn-amd-amdhsa--gfx90a:xnack+`, checked against the ELF's flags."""
    # Architecture, vendor, system, environment (mostly empty), processor; newer compilers have the
    # architecture as `amdgpu11.00`.
    architecture, *middle, target_id = triple.split("-", 4)
    processor, colon, features = target_id.partition(":")
    known = re.fullmatch(r"amdgcn|amdgpu[0-9.]*", architecture) and middle[:2] == ["amd", "amdhsa"]
    if not known or len(middle) != 3 or not processor.startswith("gfx"):
        raise CodeObjectError(f"is for the target {triple!r}, which is not an amdgcn target", where=where)
    machine = MACHINES.get(flags & 0xFF)
    if machine is not None and machine != processor:
        raise CodeObjectError(f"says {processor} in its metadata and {machine} in its ELF flags", where=where)
    return processor, colon + features


def _consistent(kernel: KernelMetadata, where: str) -> KernelMetadata:
    wrong = None
    if kernel.wavefront_size not in (32, 64):
        wrong = f"has waves of {kernel.wavefront_size} lanes"
    if kernel.kernarg_size > MAX_KERNARG_BYTES:
        wrong = f"takes {kernel.kernarg_size} bytes of arguments"
    end = 0
    for index, arg in enumerate(kernel.args):
        if arg.offset < end or arg.offset + arg.size > kernel.kernarg_size:
            wrong = f"has its argument {index} at bytes {arg.offset} to {arg.offset + arg.size}, " + (
                "over the one before" if arg.offset < end else f"past its {kernel.kernarg_size} bytes"
            )
            break
        end = arg.offset + arg.size
    if wrong:
        raise CodeObjectError(f"contradicts itself: the kernel {kernel.name} {wrong}", where=where)
    return kernel


def _check_descriptors(
    elf: ELFFile, file_size: int, kernels: Mapping[str, KernelMetadata], where: str
) -> None:
    """Each kernel needs its 64-byte descriptor and its code among the symbols that a loader sees."""
    table = elf.get_section_by_name(".dynsym")
    if not isinstance(table, SymbolTableSection):
        raise CodeObjectError("has no dynamic symbol table", where=where)
    symbols: dict[str, Any] = {symbol.name: symbol.entry for symbol in table.iter_symbols()}
    for kernel in kernels.values():
        for name, kind in ((kernel.symbol, "STT_OBJECT"), (kernel.symbol.removesuffix(".kd"), "STT_FUNC")):
            entry = symbols.get(name)
            if entry is None or entry["st_info"]["type"] != kind:
                raise CodeObjectError(f"has no symbol {name} for its kernel {kernel.name}", where=where)
            _check_inside(elf, file_size, name, entry, where)
        if symbols[kernel.symbol]["st_size"] != KERNEL_DESCRIPTOR_BYTES:
            raise CodeObjectError(f"has a kernel descriptor {kernel.symbol} of the wrong size", where=where)


def _check_inside(elf: ELFFile, file_size: int, name: str, entry: Any, where: str) -> None:
    """A symbol must lie in the bytes of one loaded segment that the file really has."""
    start, end = entry["st_value"], entry["st_value"] + entry["st_size"]
    for segment in elf.iter_segments("PT_LOAD"):
        header = segment.header
        address, size = header["p_vaddr"], header["p_filesz"]
        if address <= start and end <= address + size and header["p_offset"] + size <= file_size:
            return
    raise CodeObjectError(f"has its symbol {name} outside of every loaded segment", where=where)
