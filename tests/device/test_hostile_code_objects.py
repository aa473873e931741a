"""Damaged and hostile code objects: a clear error or an honest result; no crash, no hang, no leak.

Nothing is launched: what a bit-flipped kernel would do is its own affair, but reading, loading,
disassembling and translating it must end in a result or in a RocverifyError.
"""

from __future__ import annotations

import io
import os
import random
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import llvmlite.binding as llvm
import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from llvmlite import ir

from rocverify.device.by_hand.inspection import inspect_code_object
from rocverify.device.emulator.isa.disassembly import Instruction, disassemble
from rocverify.device.emulator.isa.families.rdna3 import RDNA3
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.load.image import Image, load_image
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering.flow import discover
from rocverify.device.emulator.translate.lowering.program import handler_name, translate, wave_builder
from rocverify.device.emulator.translate.semantics.tables import handlers
from rocverify.errors import CodeObjectError, DeviceError, RocverifyError, UnsupportedInstructionError
from rocverify.toolchain.codeobject import read_code_object

HANDLERS = handlers(RDNA3)

FAST_ELF, LONG_ELF = 300, 2000
FAST_CODE, LONG_CODE = 15, 300
SECONDS = 20.0
"""Of the processor, that one example may take."""

INTERESTING = (
    0,
    1,
    2,
    7,
    0x7F,
    0xFF,
    0xFFFF,
    0x7FFFFFFF,
    0xFFFFFFFF,
    1 << 30,
    1 << 40,
    (1 << 63) - 1,
    (1 << 64) - 1,
)


class Subject(NamedTuple):
    """What is damaged. hypothesis prints arguments: this one prints short."""

    image: bytes

    def __repr__(self) -> str:
        return f"<{len(self.image)} bytes>"


@pytest.fixture
def subject(image: bytes) -> Subject:
    return Subject(image)


def bounded(examples: int) -> Callable[..., object]:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


# ---- damage


def truncated(rng: random.Random, data: bytearray) -> bytearray:
    return data[: rng.randrange(len(data))]


def flipped(rng: random.Random, data: bytearray) -> bytearray:
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def spliced(rng: random.Random, data: bytearray) -> bytearray:
    """A piece of the object copied over, into or out of another place."""
    size, source, target = rng.randrange(1, 512), rng.randrange(len(data)), rng.randrange(len(data))
    piece = data[source : source + size]
    kept = rng.choice((0, len(piece)))
    return data[:target] + rng.choice((piece, bytearray())) + data[target + kept :]


def fields_changed(rng: random.Random, data: bytearray) -> bytearray:
    """Header fields, which are aligned, set to values that break sums, products and loops."""
    header = struct.unpack_from("<QQ", data, 32)
    starts = [0, *(at for at in header if at < len(data))]
    for _ in range(rng.choice((1, 2, 4))):
        width = rng.choice((2, 4, 8))
        at = rng.choice(starts) + rng.randrange(0, 1024, width)
        if at + width <= len(data):
            value = rng.choice(INTERESTING) & (1 << 8 * width) - 1
            data[at : at + width] = value.to_bytes(width, "little")
    return data


DAMAGE = (truncated, flipped, spliced, fields_changed)


def damaged(data: bytes, seed: int) -> bytes:
    rng = random.Random(seed)
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        if len(result) >= 64:
            result = rng.choice(DAMAGE)(rng, result)
    return bytes(result)


def recoded(data: bytes, seed: int) -> bytes:
    """The same object with other machine code."""
    start, size = text_place(data)
    return data[:start] + other_code(data[start : start + size], seed) + data[start + size :]


def other_code(text: bytes, seed: int) -> bytes:
    """Flipped bits, random words, instructions moved about."""
    rng = random.Random(seed)
    result = bytearray(text)
    for _ in range(rng.choice((1, 4, 16, 64))):
        at = 4 * rng.randrange(len(text) // 4)
        if rng.random() < 0.4:
            result[at + rng.randrange(4)] ^= 1 << rng.randrange(8)
        elif rng.random() < 0.5:
            result[at : at + 4] = random_word(rng).to_bytes(4, "little")
        else:
            other = 4 * rng.randrange(len(text) // 4)
            result[at : at + 4] = text[other : other + 4]
    return bytes(result)


def random_word(rng: random.Random) -> int:
    """A dword that begins like an instruction of some format more often than chance would have it."""
    prefixes = (0x7E, 0x7C, 0xD5, 0xD6, 0xD7, 0xCC, 0xC8, 0xD8, 0xDC, 0xBE, 0xBF, 0xB0, 0x80, 0xF4, 0xE0)
    return rng.choice((*prefixes, rng.randrange(256))) << 24 | rng.getrandbits(24)


def text_place(data: bytes) -> tuple[int, int]:
    section = ELFFile(io.BytesIO(data)).get_section_by_name(".text")
    return section["sh_offset"], section["sh_size"]


# ---- what must hold


def loaded_and_released(data: bytes) -> Image | None:
    """Reads and loads, each whatever the other says; no device memory stays in use."""
    memory = DeviceMemory(1 << 32)
    begun = time.process_time()
    code, image = None, None
    with suppress(RocverifyError):
        code = read_code_object(data, "hostile")
    with suppress(RocverifyError):
        image = load_image(data, memory, "hostile")
    if image is not None:
        assert len(image.content) <= image.size
        for name in () if code is None else code.kernels:
            with suppress(RocverifyError):
                assert image.descriptor(name).entry in image.text
        memory.free(image.base)
    assert memory.used == 0
    assert time.process_time() - begun < SECONDS
    return image


def translated_or_refused(data: bytes, seed: int) -> None:
    """Up to IR that LLVM accepts, for one kernel."""
    begun = time.process_time()
    memory = DeviceMemory(1 << 32)
    with suppress(RocverifyError):
        code = read_code_object(data, "hostile")
        image = load_image(data, memory, "hostile")
        listing = disassemble(data, code.target)
        name = random.Random(seed).choice(sorted(code.kernels))
        descriptor = image.descriptor(name)
        graph = discover(listing, image, descriptor.entry)
        assert graph.instruction_count <= len(image.text) // 4
        made = translate(PROCESSORS[code.target].family, graph, descriptor, name, "hostile")
        llvm.parse_assembly(made.ir).verify()
    assert time.process_time() - begun < SECONDS


@pytest.mark.long
@given(st.integers(0, (1 << 64) - 1))
@bounded(FAST_ELF)
def test_damaged_files_are_errors_or_load(subject: Subject, seed: int) -> None:
    loaded_and_released(damaged(subject.image, seed))


@pytest.mark.long
@given(st.integers(0, (1 << 64) - 1))
@bounded(LONG_ELF)
def test_many_damaged_files_are_errors_or_load(subject: Subject, seed: int) -> None:
    loaded_and_released(damaged(subject.image, seed))


@given(st.binary(max_size=4096))
@bounded(100)
def test_bytes_that_are_no_elf(data: bytes) -> None:
    assert loaded_and_released(data) is None
    assert loaded_and_released(b"\x7fELF\x02\x01\x01\x40\x03" + data) is None


def test_every_truncation_of_the_headers(image: bytes) -> None:
    for size in (*range(0, 1024, 7), *range(len(image) - 64, len(image))):
        assert loaded_and_released(image[:size]) is None or size > 1024


@given(st.integers(0, (1 << 64) - 1))
@bounded(FAST_CODE)
def test_damaged_code_translates_or_is_refused(subject: Subject, seed: int) -> None:
    translated_or_refused(recoded(subject.image, seed), seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@given(st.integers(0, (1 << 64) - 1))
@bounded(LONG_CODE)
def test_much_damaged_code_translates_or_is_refused(subject: Subject, seed: int) -> None:
    translated_or_refused(recoded(subject.image, seed), seed)


def nonsense(data: bytes, seed: int) -> bytes:
    """The same object with random words for machine code."""
    rng = random.Random(seed)
    start, size = text_place(data)
    words = b"".join(random_word(rng).to_bytes(4, "little") for _ in range(size // 4))
    return data[:start] + words + data[start + len(words) :]


def each_instruction_translates_or_is_refused(data: bytes, seed: int) -> int:
    """All that the disassembler makes of nonsense, one by one, up to verified IR; how many it was."""
    rng = random.Random(seed)
    listing = disassemble(nonsense(data, seed), "gfx1100")
    translated = 0
    for address in listing.addresses:
        k = wave_builder(RDNA3, ir.Module(), "one", rng.choice((32, 64)))
        entry = k.b.block
        start = k.function.append_basic_block()
        k.start_block(start)
        with suppress(DeviceError):
            inst = listing.at(address)
            for part in (inst, inst.second) if inst.second else (inst,):
                HANDLERS.get(handler_name(part), refused)(k, part)
            k.flush()
            k.b.ret(k.i32(0))
            k.b.position_at_end(entry)
            k.b.branch(start)
            llvm.parse_assembly(str(k.module)).verify()
            translated += 1
    return translated


def refused(_: WaveBuilder, inst: Instruction) -> None:
    raise UnsupportedInstructionError(inst.mnemonic)


def test_nonsense_translates_or_is_refused(image: bytes) -> None:
    assert each_instruction_translates_or_is_refused(image, 1) > 5


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@given(st.integers(0, (1 << 64) - 1))
@bounded(100)
def test_much_nonsense_translates_or_is_refused(subject: Subject, seed: int) -> None:
    each_instruction_translates_or_is_refused(subject.image, seed)


@pytest.mark.exhaustive
@pytest.mark.timeout(1800)
@given(st.integers(0, (1 << 64) - 1))
@bounded(100)
def test_inspection_of_damaged_code(subject: Subject, seed: int) -> None:
    with suppress(RocverifyError):
        inspection = inspect_code_object(recoded(subject.image, seed), "hostile")
        for kernel in inspection.kernels:
            assert kernel.instructions is None or sum(kernel.formats.values()) == kernel.instructions


# ---- attacks with a name


def test_a_segment_of_a_gigabyte_costs_no_such_copies(image: bytes) -> None:
    """Zeros behind the file's bytes are not built in host memory; beyond the limit nothing is."""
    hostile = with_memory_size(image, 1 << 45)
    with pytest.raises(CodeObjectError, match="would occupy"):
        load_image(hostile, DeviceMemory(1 << 32), "hostile")


def with_memory_size(image: bytes, size: int) -> bytes:
    """The last PT_LOAD asks for this much memory."""
    (phoff,) = struct.unpack_from("<Q", image, 32)
    entry_size, count = struct.unpack_from("<HH", image, 54)
    entries = [phoff + i * entry_size for i in range(count)]
    loads = [at for at in entries if struct.unpack_from("<I", image, at)[0] == 1]
    hostile = bytearray(image)
    struct.pack_into("<Q", hostile, loads[-1] + 40, size)
    return bytes(hostile)


def test_code_that_differs_between_section_and_segment_is_refused(image: bytes) -> None:
    """The disassembler reads sections, a GPU runs segments: verifying one and running the other is out."""
    elf = ELFFile(io.BytesIO(image))
    index = elf.get_section_index(".text")
    header = elf.header["e_shoff"] + index * elf.header["e_shentsize"]
    hostile = bytearray(image) + os.urandom(elf.get_section(index)["sh_size"])
    struct.pack_into("<Q", hostile, header + 24, len(image))
    with pytest.raises(CodeObjectError, match="not what its segments load"):
        load_image(bytes(hostile), DeviceMemory(1 << 32), "hostile")


def changed_metadata(image: bytes, key: str, old: bytes, new: bytes) -> bytes:
    """The value behind a key of the metadata note, first kernel that has it so; same length."""
    assert len(old) == len(new)
    packed = bytes([0xA0 | len(key)]) if len(key) < 32 else bytes([0xD9, len(key)])
    place = image.index(packed + key.encode() + old)
    at = place + len(packed) + len(key)
    return image[:at] + new + image[at + len(old) :]


@pytest.mark.parametrize(
    ("key", "old", "new", "message"),
    [
        (".wavefront_size", b"\x20", b"\x40", "64 in its metadata"),
        (".private_segment_fixed_size", b"\x00", b"\x7f", "127 in its metadata"),
        (".group_segment_fixed_size", b"\x00", b"\x7f", "127 in its metadata"),
    ],
)
def test_metadata_against_the_descriptor(
    image: bytes, key: str, old: bytes, new: bytes, message: str
) -> None:
    """A GPU obeys the descriptor, so what was verified by the metadata would be another launch."""
    hostile = changed_metadata(image, key, old, new)
    with pytest.raises(CodeObjectError, match=message):
        inspect_code_object(hostile, "hostile")


def test_an_absurd_kernarg_segment_is_refused(image: bytes) -> None:
    sizes = [kernel.kernarg_size for kernel in read_code_object(image, "good").kernels.values()]
    size = next(size for size in sizes if size > 255).to_bytes(2, "big")
    hostile = changed_metadata(image, ".kernarg_segment_size", b"\xcd" + size, b"\xcd\xff\xff")
    with pytest.raises(CodeObjectError, match="65535 bytes of arguments"):
        read_code_object(hostile, "hostile")


def test_a_descriptor_that_enters_elsewhere_is_refused(image: bytes) -> None:
    memory = DeviceMemory(1 << 32)
    good = load_image(image, memory, "good")
    descriptor = good.descriptor("axpy")
    place = image.find(good.content[descriptor.address : descriptor.address + 64])
    hostile = bytearray(image)
    struct.pack_into("<q", hostile, place + 16, -descriptor.address)
    with pytest.raises(CodeObjectError, match=r"outside \.text"):
        load_image(bytes(hostile), memory, "hostile").descriptor("axpy")
