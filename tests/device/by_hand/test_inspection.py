"""What `inspect` says would run is what translating takes, and what it would refuse is what that refuses."""

from __future__ import annotations

from pathlib import Path

import llvmlite.binding as llvm
import pytest

from rocverify.device.by_hand.inspection import inspect_code_object
from rocverify.device.emulator.isa.disassembly import disassemble
from rocverify.device.emulator.isa.targets import PROCESSORS
from rocverify.device.emulator.load.image import load_image
from rocverify.device.emulator.load.memory import DeviceMemory
from rocverify.device.emulator.translate.lowering.flow import discover
from rocverify.device.emulator.translate.lowering.private_buffers import with_scratch
from rocverify.device.emulator.translate.lowering.program import translate
from rocverify.device.emulator.translate.lowering.split_barriers import check_barriers
from rocverify.errors import DeviceError
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import ManifestEntry

CASES = Path(__file__).parents[1] / "emulator/cases"

REFUSED = """
#define KERNEL extern "C" __attribute__((global)) void
KERNEL numbered(int* x) { x[0] = __builtin_amdgcn_s_getreg(2 | 31 << 11); }
KERNEL plain(int* x) { x[0] = 1; }
KERNEL matrix(const _Float16* a, float* c) {
    typedef _Float16 h16 __attribute__((ext_vector_type(PART)));
    typedef float f8 __attribute__((ext_vector_type(8)));
    h16 v = *(const h16*)a;
    f8 s = *(f8*)c;
    *(f8*)c = PRODUCT(v, v, s);
}
KERNEL clock(long* t) { t[0] = __builtin_readcyclecounter(); }
"""
PRODUCTS = {
    "gfx1100": ("16", "__builtin_amdgcn_wmma_f32_16x16x16_f16_w32"),
    "gfx1201": ("8", "__builtin_amdgcn_wmma_f32_16x16x16_f16_w32_gfx12"),
}


def translated(data: bytes, target: str) -> dict[str, str | None]:
    """Of each kernel, why it cannot be translated; None if it can."""
    image = load_image(data, DeviceMemory(1 << 32), "k")
    listing, family = disassemble(data, target), PROCESSORS[target].family
    found: dict[str, str | None] = {}
    for name in (one.removesuffix(".kd") for one in image.symbols if one.endswith(".kd")):
        descriptor = image.descriptor(name)
        try:
            graph = discover(listing, image, descriptor.entry)
            check_barriers(graph)
            graph = with_scratch(graph, descriptor, family.initial)
            llvm.parse_assembly(translate(family, graph, descriptor, name, "k").ir).verify()
            found[name] = None
        except DeviceError as error:
            found[name] = error.message
    return found


def check_both(data: bytes, target: str) -> dict[str, str | None]:
    outcomes = translated(data, target)
    inspected = {k.metadata.name: k.refusals for k in inspect_code_object(data, "k").kernels}
    assert outcomes.keys() == inspected.keys()
    for name, why in outcomes.items():
        said = [refusal.reason for refusal in inspected[name]]
        assert (why is None) == (not said), (name, why, said)
        assert why is None or any(reason in why or why in reason for reason in said), (name, why, said)
    return outcomes


def built(folder: Path, toolchain: Toolchain, source: str, target: str, *flags: str) -> bytes:
    entry = ManifestEntry(source, (), "K", flags=flags)
    return Builder(folder, toolchain, folder / "cache").build(entry, target).path.read_bytes()


@pytest.mark.parametrize("target", PRODUCTS)
def test_matrices_clocks_and_registers_that_are_refused(
    toolchain: Toolchain, tmp_path: Path, target: str
) -> None:
    part, product = PRODUCTS[target]
    (tmp_path / "k.hip").write_text(REFUSED.replace("PART", part).replace("PRODUCT", product))
    data = built(tmp_path, toolchain, "k.hip", target, "-O2", "-nogpuinc", "-nogpulib")
    outcomes = check_both(data, target)
    assert {name for name, why in outcomes.items() if why is not None} == {"numbered"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("case", "target"),
    [
        *(("clocks.hip", target) for target in ("gfx1100", "gfx1201")),
        *(("heap.hip", target) for target in ("gfx1100", "gfx1030", "gfx1201")),
        ("waiting_groups.hip", "gfx1100"),
    ],
)
def test_clocks_and_device_malloc(toolchain: Toolchain, tmp_path: Path, case: str, target: str) -> None:
    (tmp_path / case).write_text((CASES / case).read_text())
    outcomes = check_both(built(tmp_path, toolchain, case, target, "-O3"), target)
    assert len(outcomes) > 2
    # HIP's headers of 5.2 ask RDNA 4 for the number of a compute unit where older families have it.
    refused = {why for why in outcomes.values() if why is not None}
    assert not refused or (case, target) == ("clocks.hip", "gfx1201")
    assert all("HW_REG_STATE_PRIV" in why for why in refused)
