"""Instructions whose unused operand fields are not zero are the same instructions."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from rocverify.device.emulator.isa.disassembly import disassemble
from rocverify.settings import Settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

SOURCE = """\
extern "C" __attribute__((global)) void shift(unsigned long long* x, int n) {
  int i = __builtin_amdgcn_workitem_id_x();
  if (i < n) x[i] = x[i] << (x[i + 1] & 63);
}
"""
SRC2 = 0x80 << 18
TWO_SOURCES = ("v_lshlrev_b64", "v_add_co_u32")


@pytest.fixture(scope="module")
def built(kept: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Toolchain]:
    folder = tmp_path_factory.mktemp("unused")
    (folder / "shift.hip").write_text(SOURCE)
    toolchain = Toolchain.discover(Settings())
    entry = ManifestEntry("shift.hip", (), "", flags=("-O2", "-nogpuinc", "-nogpulib"))
    return Builder(folder, toolchain, kept).build(entry, "gfx1100").path.read_bytes(), toolchain


def test_a_third_source_that_nobody_uses(built: tuple[bytes, Toolchain]) -> None:
    code, toolchain = built
    plain = disassemble(code, toolchain.objdump, "gfx1100")
    texts = {address: plain.at(address).text for address in plain.addresses}
    patched, changed = bytearray(code), 0
    for address in plain.addresses:
        one = plain.at(address)
        if one.word >> 26 != 0b110101 or one.mnemonic not in TWO_SOURCES:
            continue
        place = code.index(struct.pack("<I", one.word))
        (second,) = struct.unpack_from("<I", code, place + 4)
        struct.pack_into("<I", patched, place + 4, second | SRC2)
        changed += 1
    assert changed
    again = disassemble(bytes(patched), toolchain.objdump, "gfx1100")
    assert {address: again.at(address).text for address in again.addresses} == texts


def test_what_is_unknown_for_other_reasons_stays_so(built: tuple[bytes, Toolchain]) -> None:
    code, toolchain = built
    plain = disassemble(code, toolchain.objdump, "gfx1100")
    first = plain.at(plain.addresses[0])
    damaged = code.replace(struct.pack("<I", first.word), struct.pack("<I", 0xD7FF0000), 1)
    again = disassemble(damaged, toolchain.objdump, "gfx1100")
    assert again.at(first.address).text == ".long 0xd7ff0000"
