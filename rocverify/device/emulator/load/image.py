"""A code object in device memory: segments, relocations, symbols and kernel descriptors.

Sources: the ELF gABI, and "User Guide for AMDGPU Backend" in LLVM's documentation (code object,
kernel descriptor, relocation records).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache

from elftools.elf.elffile import ELFFile
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from rocverify.device.emulator.isa.descriptors import DESCRIPTOR_BYTES, KernelDescriptor
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.errors import CodeObjectError
from rocverify.toolchain.codeobject import malformed_is_an_error

MAX_IMAGE_BYTES = 1 << 30
MOST_KEPT_BYTES = 1 << 22
"""Of a code object that is kept as it was read, should it be loaded again."""

R_AMDGPU_ABS32_LO, R_AMDGPU_ABS32_HI, R_AMDGPU_ABS64 = 1, 2, 3
R_AMDGPU_ABS32, R_AMDGPU_RELATIVE64 = 6, 13
SHF_ALLOC, SHF_EXECINSTR = 2, 4


@dataclass(frozen=True, slots=True)
class Symbol:
    """A named range of the image: `kind` is "function" or "object", `address` virtual."""

    name: str
    address: int
    size: int
    kind: str


@dataclass(frozen=True, slots=True)
class Image:
    """A loaded code object. Virtual address `v` lives at device address `base + v`.

    `pointers` maps virtual addresses of words in data to the virtual addresses that relocations put
    there (the GOT, tables of function pointers). `content` is what the file gives, before relocation;
    zeros follow it up to `size`.
    """

    base: int
    size: int
    text: range
    symbols: dict[str, Symbol]
    pointers: dict[int, int]
    content: bytes

    def descriptor(self, kernel: str) -> KernelDescriptor:
        """The kernel descriptor; CodeObjectError if there is none or it is damaged."""
        symbol = self.symbols.get(f"{kernel}.kd")
        if symbol is None or symbol.address + DESCRIPTOR_BYTES > len(self.content):
            raise CodeObjectError(
                f"has no kernel descriptor {kernel}.kd", hint="is it a kernel (__global__)?"
            )
        raw = self.content[symbol.address : symbol.address + DESCRIPTOR_BYTES]
        descriptor = KernelDescriptor.parsed(raw, symbol.address)
        if descriptor.entry not in self.text:
            raise CodeObjectError(f"the descriptor of {kernel} points outside .text ({descriptor.entry:#x})")
        return descriptor


def load_image(code_object: bytes, memory: DeviceMemory, label: str) -> Image:
    """Copies the segments into device memory and applies the dynamic relocations.

    Raises CodeObjectError for an ELF that is truncated, absurd or relocated in an unknown way.
    """
    with malformed_is_an_error(label):
        read = _read if len(code_object) <= MOST_KEPT_BYTES else _read.__wrapped__
        content, size, symbols, text, pointers = read(code_object)
    base = memory.malloc(size, label)
    relocated = bytearray(content)
    for where, (target, width) in pointers.items():
        address = base + target & (1 << 64) - 1
        relocated[where : where + width] = address.to_bytes(8, "little")[:width]
    memory.write(base, relocated)
    memory.zero(base + len(content), size - len(content))
    return Image(base, size, text, symbols, {w: t for w, (t, _) in pointers.items()}, content)


@lru_cache(maxsize=16)
def _read(
    code_object: bytes,
) -> tuple[bytes, int, dict[str, Symbol], range, dict[int, tuple[int, int]]]:
    """What does not depend on where the image lies: clients of one process load the same ones."""
    elf = ELFFile(io.BytesIO(code_object))
    content, size = _flat_image(elf)
    symbols = _symbols(elf)
    text = _text_range(elf)
    _check_code(elf, code_object, content)
    return content, size, symbols, text, _relocations(elf, len(content), text)


def _flat_image(elf: ELFFile) -> tuple[bytes, int]:
    """What the segments hold, from virtual address 0 to the last byte that the file gives, and the size
    in memory."""
    loads = [s for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]
    size = max((s["p_vaddr"] + s["p_memsz"] for s in loads), default=0)
    if not 0 < size <= MAX_IMAGE_BYTES:
        raise CodeObjectError(f"would occupy {size} bytes", hint="recompile the kernel")
    content = bytearray(max(s["p_vaddr"] + min(s["p_filesz"], s["p_memsz"]) for s in loads))
    for segment in loads:
        data = segment.data()
        if len(data) != segment["p_filesz"] or segment["p_filesz"] > segment["p_memsz"]:
            raise CodeObjectError("a segment is truncated", hint="recompile the kernel")
        content[segment["p_vaddr"] : segment["p_vaddr"] + len(data)] = data
    return bytes(content), size


def _check_code(elf: ELFFile, code_object: bytes, content: bytes) -> None:
    """Sections are what is disassembled, segments what a GPU would execute: they must be the same."""
    for section in elf.iter_sections():
        if not section["sh_flags"] & SHF_EXECINSTR:
            continue
        size, at, address = section["sh_size"], section["sh_offset"], section["sh_addr"]
        code = code_object[at : at + size]
        if len(code) != size or code != content[address : address + size]:
            raise CodeObjectError(
                f"its section {section.name} is not what its segments load", hint="recompile the kernel"
            )


def _symbols(elf: ELFFile) -> dict[str, Symbol]:
    kinds = {"STT_FUNC": "function", "STT_OBJECT": "object", "STT_AMDGPU_HSA_KERNEL": "function"}
    found: dict[str, Symbol] = {}
    for name in (".dynsym", ".symtab"):
        section = elf.get_section_by_name(name)
        for symbol in section.iter_symbols() if isinstance(section, SymbolTableSection) else ():
            kind = kinds.get(symbol["st_info"]["type"])
            if kind and symbol["st_shndx"] != "SHN_UNDEF":
                found[symbol.name] = Symbol(symbol.name, symbol["st_value"], symbol["st_size"], kind)
    return found


def _text_range(elf: ELFFile) -> range:
    section = elf.get_section_by_name(".text")
    if section is None:
        raise CodeObjectError("has no .text section", hint="is it a code object with kernels?")
    return range(section["sh_addr"], section["sh_addr"] + section["sh_size"])


def _relocations(elf: ELFFile, size: int, text: range) -> dict[int, tuple[int, int]]:
    pointers: dict[int, tuple[int, int]] = {}
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_RELR":
            raise CodeObjectError("has packed relocations, which are not known", hint="link without RELR")
        if not isinstance(section, RelocationSection) or not section["sh_flags"] & SHF_ALLOC:
            continue
        symbols = elf.get_section(section["sh_link"])
        if not isinstance(symbols, SymbolTableSection):
            raise CodeObjectError("relocations without a symbol table", hint="recompile the kernel")
        for entry in section.iter_relocations():
            kind, where = entry["r_info_type"], entry["r_offset"]
            target = entry["r_addend"] if section.is_RELA() else 0
            if kind in (R_AMDGPU_ABS64, R_AMDGPU_ABS32):
                target += symbols.get_symbol(entry["r_info_sym"])["st_value"]
            elif kind != R_AMDGPU_RELATIVE64:
                raise CodeObjectError(f"relocation type {kind} is not known", where=f"{where:#x}")
            width = 4 if kind == R_AMDGPU_ABS32 else 8
            if where + width > size:
                raise CodeObjectError("a relocation lies outside the image", where=f"{where:#x}")
            if where in text or where + width - 1 in text:
                raise CodeObjectError("a relocation changes code", where=f"{where:#x}", hint="use -fPIC")
            pointers[where] = (target, width)
    return pointers
