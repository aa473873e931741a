"""The code object reader against LLVM's own reader, and against damage."""

from __future__ import annotations

import dataclasses
import re
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rocverify.errors import CodeObjectError
from rocverify.settings import Settings
from rocverify.toolchain import codeobject
from rocverify.toolchain.build import Builder
from rocverify.toolchain.codeobject import CodeObject, read_code_object
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import load_manifest
from tests.toolchain.support import BARE, Project, find_toolchain

# Every metadata key that the reader takes, and what it calls it.
KERNEL_KEYS = {
    ".name": "name",
    ".symbol": "symbol",
    ".kernarg_segment_size": "kernarg_size",
    ".kernarg_segment_align": "kernarg_align",
    ".group_segment_fixed_size": "lds_bytes",
    ".private_segment_fixed_size": "scratch_bytes",
    ".vgpr_count": "vgprs",
    ".sgpr_count": "sgprs",
    ".vgpr_spill_count": "vgpr_spills",
    ".sgpr_spill_count": "sgpr_spills",
    ".wavefront_size": "wavefront_size",
    ".max_flat_workgroup_size": "max_workgroup_size",
    ".uses_dynamic_stack": "uses_dynamic_stack",
}
ARG_KEYS = {
    ".name": "name",
    ".offset": "offset",
    ".size": "size",
    ".value_kind": "kind",
    ".address_space": "address_space",
}

# Every kind of argument, static LDS, scratch that cannot be optimised away, a launch bound.
RICH = """\
#include <hip/hip_runtime.h>
struct Pair { float a; double b; };
extern "C" __global__ __launch_bounds__(128) void rich(
    float* out, const short* in, Pair pair, char small, unsigned long long big, int n) {
  __shared__ float tile[96];
  volatile int spilled[40];
  for (int i = 0; i < n % 40; i++) spilled[i] = in[i];
  tile[threadIdx.x % 96] = out[blockIdx.x * blockDim.x + threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = tile[(threadIdx.x + 1) % 96] + pair.a + pair.b + small + big + spilled[n % 40];
}
extern "C" __global__ void empty() {}
"""


def readobj(data: Path, toolchain: Toolchain) -> dict[str, Any]:
    """The metadata as llvm-readobj prints it: an independent reader of the same note."""
    tool = toolchain.objdump.with_name("llvm-readobj")
    text = subprocess.run([tool, "--notes", data], capture_output=True, text=True, check=True).stdout
    block = re.search(r"---\n(.*?)\n\.\.\.", text, re.DOTALL)
    assert block
    tree: dict[str, Any] = yaml.safe_load(re.sub(r"!str (\S+)", r'"\1"', block[1]))
    return tree


def assert_agrees(code: CodeObject, metadata: dict[str, Any]) -> None:
    assert metadata["amdhsa.target"] == f"amdgcn-amd-amdhsa--{code.target}{code.features}"
    assert [k[".name"] for k in metadata["amdhsa.kernels"]] == list(code.kernels)
    for raw in metadata["amdhsa.kernels"]:
        kernel = code.kernels[raw[".name"]]
        for key, name in KERNEL_KEYS.items():
            if key in raw:
                assert getattr(kernel, name) == raw[key], key
        for arg, seen in zip(raw.get(".args", ()), kernel.args, strict=True):
            assert {n: getattr(seen, n) for k, n in ARG_KEYS.items()} == {
                n: arg.get(k) for k, n in ARG_KEYS.items()
            }


@pytest.mark.drawn(2, fast=1)
@pytest.mark.parametrize(
    ("compiler", "version"),
    [("clang-19", 4), ("clang-19", 5), ("clang-19", 6), ("clang-15", 4), ("clang-15", 5)],
)
def test_reads_what_llvm_reads(compiler: str, project: Project, version: int) -> None:
    toolchain = find_toolchain(compiler)
    project = dataclasses.replace(project, toolchain=toolchain)
    project.write("kernels/k.hip", RICH)
    built = project.builder().build(project.entry("-O1", f"-mcode-object-version={version}"), "gfx1100")
    code = built.code_object
    assert (code.abi_version, code.target, set(code.kernels)) == (version, "gfx1100", {"rich", "empty"})
    assert_agrees(code, readobj(built.path, toolchain))


@pytest.mark.long
def test_what_a_kernel_needs_and_takes(toolchain: Toolchain, project: Project) -> None:
    project = dataclasses.replace(project, toolchain=toolchain)
    project.write("kernels/k.hip", RICH)
    kernel = project.builder().build(project.entry("-O1"), "gfx1100").code_object.kernels["rich"]
    assert [(a.name, a.offset, a.size, a.kind) for a in kernel.explicit_args] == [
        ("out", 0, 8, "global_buffer"),
        ("in", 8, 8, "global_buffer"),
        ("pair", 16, 16, "by_value"),
        ("small", 32, 1, "by_value"),
        ("big", 40, 8, "by_value"),
        ("n", 48, 4, "by_value"),
    ]
    assert all(a.hidden for a in kernel.args[6:])
    assert (kernel.lds_bytes, kernel.max_workgroup_size, kernel.wavefront_size) == (384, 128, 32)
    assert kernel.scratch_bytes >= 160


def test_wave64_and_target_features(project: Project) -> None:
    entry = project.entry(*BARE)
    code = project.builder().build(entry, "gfx90a:xnack+").code_object
    assert (code.target, code.kernels["fill"].wavefront_size) == ("gfx90a", 64)
    assert ":xnack+" in code.features


# --- what is no intact code object ------------------------------------------------------------------


@cache
def samples() -> tuple[bytes, ...]:
    """Whole code objects of this repository's kernels by both compilers, made once."""
    root = Path(__file__).parents[2]
    entry = load_manifest(root, Settings()).entries[0]
    cache_dir = root / ".rocverify/cache"
    return tuple(
        Builder(root, find_toolchain(name), cache_dir).build(entry, "gfx1100").path.read_bytes()
        for name in ("clang-19", "clang-15")
    )


def sample() -> bytearray:
    return bytearray(samples()[0])


def refuses(data: bytes | bytearray, message: str) -> None:
    with pytest.raises(CodeObjectError, match=message) as caught:
        read_code_object(bytes(data), "some.co")
    assert caught.value.where == "some.co"


def reads_or_refuses(data: bytes) -> None:
    """Damage may go unnoticed (a digest is what notices all), but nothing else may be raised."""
    try:
        read_code_object(data, "damaged.co")
    except CodeObjectError:
        return


# The first example compiles the samples, so no example has a deadline.
@settings(deadline=None)
@given(st.sampled_from((0, 1)), st.floats(0, 1, exclude_max=True))
def test_truncated_anywhere_is_refused(which: int, part: float) -> None:
    whole = samples()[which]
    reads_or_refuses(whole[: int(part * len(whole))])
    refuses(whole[: int(part * len(whole)) // 2], ".")


FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6)


@settings(deadline=None)
@given(st.sampled_from((0, 1)), FLIPS, st.booleans())
def test_flipped_bytes_raise_nothing_else(which: int, flips: list[tuple[float, int]], early: bool) -> None:
    damaged = bytearray(samples()[which])
    # Headers, notes and symbols stand in the first half; flips there hit what is parsed.
    reach = len(damaged) // 3 if early else len(damaged)
    for where, value in flips:
        damaged[int(where * reach)] = value
    reads_or_refuses(bytes(damaged))


_OTHER_BYTES = [pytest.param(first, marks=pytest.mark.exhaustive) for first in (1, 2)]


@pytest.mark.parametrize("first", [pytest.param(0, marks=pytest.mark.long), *_OTHER_BYTES])
@pytest.mark.parametrize("value", [0, 0xFF])
def test_every_byte_of_a_code_object(project: Project, value: int, first: int) -> None:
    built = project.builder().build(project.entry(*BARE), "gfx1100")
    whole = built.path.read_bytes()
    for at in range(first, len(whole), 3):
        reads_or_refuses(whole[:at] + bytes([value]) + whole[at + 1 :])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    refuses(data, ".")
    refuses(b"\x7fELF" + data, ".")


def test_empty_file() -> None:
    refuses(b"", "not an intact AMDGPU code object")


def test_host_program(clang19: Toolchain) -> None:
    refuses(clang19.objdump.read_bytes(), "EM_X86_64, not for an AMD GPU")


@pytest.mark.parametrize("version", [2, 3])
def test_old_versions_are_named(version: int) -> None:
    old = sample()
    old[8] = {2: 0, 3: 1}[version]
    refuses(old, f"code object version {version}; versions 4, 5 and 6")


def test_versions_that_contradict() -> None:
    wrong = sample()
    wrong[8] = {2: 3, 3: 2}[wrong[8]]
    refuses(wrong, "its metadata is of version")


def test_other_operating_system() -> None:
    mesa = sample()
    mesa[7] = 66
    refuses(mesa, "not for HSA")


def test_target_that_contradicts_the_flags() -> None:
    wrong = sample()
    wrong[0x30] = 0x36
    refuses(wrong, "gfx1100 in its metadata and gfx1030 in its ELF flags")


def replaced(old: bytes, new: bytes, *, last: bool = False) -> bytes:
    """The sample with one place changed: the first in the file (metadata) or the last (symbol names)."""
    data = bytes(sample())
    assert len(old) == len(new)
    at = data.rindex(old) if last else data.index(old)
    return data[:at] + new + data[at + len(old) :]


def test_waves_of_an_impossible_size() -> None:
    refuses(replaced(b".wavefront_size\x20", b".wavefront_size\x21"), "waves of 33 lanes")


def test_argument_past_the_kernarg_segment() -> None:
    data = bytes(sample())
    at = data.index(b".kernarg_segment_size") + len(b".kernarg_segment_size")
    assert data[at] == 0xCD  # MessagePack: a 16-bit number follows
    refuses(data[: at + 1] + struct.pack(">H", 8) + data[at + 3 :], "past its 8 bytes")


def test_arguments_that_overlap() -> None:
    data = bytes(sample())
    second = data.index(b".offset", data.index(b".offset") + 1) + len(b".offset")
    assert data[second] == 8
    refuses(data[:second] + b"\x04" + data[second + 1 :], "over the one before")


def test_kernel_without_a_descriptor() -> None:
    name = b"\0rope_kernel.kd\0"
    data = bytes(sample())
    at = data.index(name)
    refuses(data[:at] + b"\0rope_kernel.kx\0" + data[at + len(name) :], "no symbol rope_kernel.kd")


def test_metadata_with_a_wrong_type_names_the_key() -> None:
    refuses(replaced(b".wavefront_size\x20", b".wavefront_size\xc0"), r"amdhsa\.kernels\[0\]\.wavefront_size")


def test_offload_bundle_is_recognised() -> None:
    names = (b"host-x86_64-unknown-linux-gnu-", b"hipv4-amdgcn-amd-amdhsa--gfx1100")
    table = b"".join(struct.pack("<QQQ", 4096, 64, len(name)) + name for name in names)
    bundle = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(names)) + table
    refuses(bundle.ljust(4096, b"\0") + bytes(sample()), r"offload bundle \(of .*gfx1100\)")


def test_compressed_and_broken_bundles() -> None:
    refuses(b"CCOB" + bytes(40), "compressed offload bundle")
    refuses(b"__CLANG_OFFLOAD_BUNDLE__" + b"\xff" * 9, "offload bundle .of nothing readable")


def test_a_mistake_of_our_own_is_not_called_a_damaged_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codeobject, "_known", {})  # others have read it
    monkeypatch.setattr(codeobject, "_target", lambda: None)  # is called with three arguments
    with pytest.raises(TypeError):
        read_code_object(bytes(sample()), "k.hsaco")
