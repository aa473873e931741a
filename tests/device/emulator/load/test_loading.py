"""Code objects and listings: damaged ones are errors of ours, caches heal, operands are read as written."""

from __future__ import annotations

import contextlib
import ctypes
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.decoding import decoder
from rocverify.device.emulator.isa.disassembly import DecodedListing
from rocverify.device.emulator.isa.encodings import GFX11
from rocverify.device.emulator.isa.operands import EXEC, M0, VCC, OperandKind, parse_operand, split_operands
from rocverify.device.emulator.launch.runtime import Runtime
from rocverify.device.emulator.launch.runtime_code import SOURCES
from rocverify.device.emulator.load.image import load_image
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.machine import Machine
from rocverify.device.emulator.sanitize import layout as sanitizer_layout
from rocverify.device.emulator.translate.lowering import program
from rocverify.errors import CodeObjectError, DeviceError
from rocverify.store.content_cache import ContentCache
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.dwarf_lines import LineTable
from tests.device.emulator.assembling import Assembler

BODY = """
s_load_b64 s[4:5], s[0:1], 0x0
s_waitcnt lgkmcnt(0)
v_lshlrev_b32 v1, 2, v0
v_mov_b32 v2, 42
global_store_b32 v1, v2, s[4:5]
s_endpgm
"""


@pytest.fixture(scope="module")
def code(assembler: Assembler) -> bytes:
    return assembler.kernel(BODY)


def _runs(machine_: Machine, code: bytes) -> list[int]:
    module, target = machine_.load(code), machine_.memory.malloc(128)
    machine_.launch(module.kernel("probe"), (1, 1, 1), (32, 1, 1), 0, struct.pack("<QQQ", target, 0, 0))
    return np.frombuffer(machine_.memory.read(target, 128), np.uint32).tolist()


@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_a_damaged_code_object_is_an_error_of_ours(
    data: st.DataObject, machine: Machine, code: bytes
) -> None:
    """Truncated, or with bytes changed: it loads, or says that it is damaged."""
    if data.draw(st.booleans()):
        damaged = code[: data.draw(st.integers(0, len(code) - 1))]
    else:
        raw = bytearray(code)
        for _ in range(data.draw(st.integers(1, 6))):
            raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
        damaged = bytes(raw)
    with contextlib.suppress(CodeObjectError, DeviceError):
        machine.unload(machine.load(damaged))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_the_image_loader_survives_any_bytes(raw: bytes) -> None:
    with pytest.raises(CodeObjectError):
        load_image(b"\x7fELF" + raw, DeviceMemory(1 << 20), "noise")


def _machine(toolchain: Toolchain, cache: Path) -> Machine:
    return Machine(
        "gfx1100", objdump=toolchain.objdump, clang=toolchain.clang,
        threads=1, cache_dir=cache,
    )  # fmt: skip


def test_a_translation_is_found_again(
    toolchain: Toolchain, code: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _runs(_machine(toolchain, tmp_path), code) == [42] * 32

    def never(*_: object) -> None:
        raise AssertionError("it was translated again")

    with monkeypatch.context() as patch:
        patch.setattr(program, "translate", never)
        assert _runs(_machine(toolchain, tmp_path), code) == [42] * 32


def test_damaged_cache_entries_are_made_again(toolchain: Toolchain, code: bytes, tmp_path: Path) -> None:
    assert _runs(_machine(toolchain, tmp_path), code) == [42] * 32
    entries = [path for path in (tmp_path / "native").rglob("*") if path.is_file()]
    whole = [path.read_bytes() for path in entries]
    assert entries
    for path, content in zip(entries, whole, strict=True):
        path.write_bytes(content[: len(content) // 2] + b"\xff" + content[len(content) // 2 + 1 :])
    assert _runs(_machine(toolchain, tmp_path), code) == [42] * 32
    for path in entries:
        path.write_bytes(b"short")
    assert _runs(_machine(toolchain, tmp_path), code) == [42] * 32


def test_a_cache_heals(tmp_path: Path) -> None:
    cache, made = ContentCache(tmp_path), list[int]()

    def make() -> bytes:
        made.append(1)
        return b"content"

    assert [cache.get("ab12", make) for _ in range(3)] == [b"content"] * 3
    assert len(made) == 1
    (tmp_path / "ab" / "ab12").write_bytes(b"damage")
    assert cache.get("ab12", make) == b"content"
    assert len(made) == 2
    assert [p.name for p in (tmp_path / "ab").iterdir()] == ["ab12"]


def test_the_runtime_has_the_layout_that_python_mirrors(machine: Machine) -> None:
    assert machine
    runtime = Runtime._loaded
    assert runtime is not None
    assert [runtime.layout(i) for i in range(len(abi.LAYOUT))] == list(abi.LAYOUT)
    assert runtime.layout(len(abi.LAYOUT)) == (1 << 64) - 1
    assert abi.VGPR_OFFSET % 64 == 0
    assert abi.Wave.exec_lanes.offset % 64 == 0
    assert abi.Wave.addresses.offset % 64 == 0
    assert ctypes.sizeof(abi.Range) == 16


def test_the_sanitizer_has_the_layout_that_python_mirrors(machine: Machine) -> None:
    assert machine
    runtime = Runtime._loaded
    assert runtime is not None
    ask = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint32)(runtime.address("rt_san_layout"))
    assert [ask(i) for i in range(len(sanitizer_layout.LAYOUT))] == list(sanitizer_layout.LAYOUT)
    assert ask(len(sanitizer_layout.LAYOUT)) == (1 << 64) - 1


@pytest.mark.parametrize(
    "mirror", [sanitizer_layout.RawFinding, sanitizer_layout.SanitizerRecord, sanitizer_layout.GroupRecord,
               sanitizer_layout.Sync, sanitizer_layout.SyncNode],
)  # fmt: skip
def test_the_sanitizers_fields_stand_in_the_order_of_the_header(mirror: type[ctypes.Structure]) -> None:
    """The layout's numbers would not show two fields of one size that have changed places."""
    name = {"RawFinding": "Finding", "SanitizerRecord": "Sanitizer"}.get(mirror.__name__, mirror.__name__)
    text = re.sub(r"/\*.*?\*/", "", (SOURCES / "records.h").read_text(), flags=re.DOTALL)
    (body,) = re.findall(r"struct \w*\s*\{([^{}]*)\}\s*" + name + ";", text)
    declared = re.findall(r"(\w+)(?:\)?\s*\[\w+\])*\s*(?=[,;])", body)
    assert [entry[0] for entry in mirror._fields_] == declared


@pytest.mark.parametrize(
    ("text", "kind", "index", "count"),
    [
        ("v7", OperandKind.VGPR, 7, 1), ("v[4:7]", OperandKind.VGPR, 4, 4), ("s3", OperandKind.SGPR, 3, 1),
        ("s[10:11]", OperandKind.SGPR, 10, 2), ("vcc", OperandKind.SGPR, VCC, 2),
        ("m0", OperandKind.SGPR, M0, 1),
        ("exec_lo", OperandKind.SGPR, EXEC, 1), ("ttmp[4:5]", OperandKind.SGPR, 112, 2),
        ("-16", OperandKind.INTEGER, -16, 1), ("0x80000000", OperandKind.LITERAL, 0x80000000, 1),
        ("-0x3c", OperandKind.LITERAL, -0x3C, 1), ("null", OperandKind.NULL, 0, 1),
        ("off", OperandKind.OFF, 0, 1), ("src_shared_base", OperandKind.SPECIAL, 0, 1),
        ("hwreg(HW_REG_MODE, 0, 4)", OperandKind.SPECIAL, 0, 1),
    ],
)  # fmt: skip
def test_operands_are_read_as_written(text: str, kind: OperandKind, index: int, count: int) -> None:
    operand = parse_operand(text)
    assert (operand.kind, operand.index, operand.count) == (kind, index, count)
    assert (operand.negate, operand.absolute) == (False, False)


@pytest.mark.parametrize(
    ("text", "negate", "absolute"),
    [("-v1", True, False), ("|v1|", False, True), ("-|v[2:3]|", True, True), ("neg(0x1234)", True, False)],
)
def test_source_modifiers(text: str, negate: bool, absolute: bool) -> None:
    operand = parse_operand(text)
    assert (operand.negate, operand.absolute) == (negate, absolute)


def test_inline_floats_keep_their_value() -> None:
    assert parse_operand("-4.0").value == -4.0
    assert not parse_operand("-4.0").negate
    assert parse_operand("v3.h").half == "h"


@settings(max_examples=300)
@given(st.text(max_size=12))
def test_any_operand_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(DeviceError):
        assert parse_operand(text).count >= 0


def test_operands_are_split_at_top_level_commas() -> None:
    text = "v0, hwreg(HW_REG_MODE, 0, 4), |v1|, v[2:3]"
    assert split_operands(text) == ["v0", "hwreg(HW_REG_MODE, 0, 4)", "|v1|", "v[2:3]"]


def test_a_listing_reads_instructions() -> None:
    words = (0x06020702, 0xCA080101, 0x00020903, 0xBFA2FFFE, 0xDC5250F8, 0x01040002, 0xD7FF0000)
    code = b"".join(word.to_bytes(4, "little") for word in words)
    known = decoder("gfx1100", GFX11)
    assert known is not None
    listing = DecodedListing(code, 0x1000, known, LineTable(b""), {})
    assert listing.addresses == (0x1000, 0x1004, 0x100C, 0x1010)
    first, pair, branch, load = (listing.at(address) for address in listing.addresses)
    assert (first.mnemonic, first.encoding, first.source) == ("v_add_f32", "e32", None)
    assert pair.second is not None
    assert (pair.mnemonic, pair.second.mnemonic, pair.size) == ("v_dual_mov_b32", "v_dual_add_f32", 8)
    assert branch.branch_target == 0x1008
    assert (load.offset, load.modifiers["glc"]) == (-3848, "")
    for address in (0x1002, 0x1018, 0x101C, 0xFFC):
        with pytest.raises(DeviceError):
            listing.at(address)
