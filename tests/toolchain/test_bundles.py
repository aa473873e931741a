"""Code objects out of bundles, compressed bundles and host programs: written by the tools, and by hand from
the documented layouts."""

from __future__ import annotations

import hashlib
import struct
import subprocess
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from rocverify.errors import CodeObjectError, WrongTargetError
from rocverify.toolchain.bundles import (
    DeviceCode,
    code_object_for,
    device_code,
    for_target,
    is_device_code,
    write_bundle,
)
from rocverify.toolchain.discover import Toolchain
from tests.toolchain.support import BARE, BARE_KERNEL, find_toolchain

HOST = ("host-x86_64-unknown-linux-gnu-", b"")
TARGETS = ("gfx90a:xnack+", "gfx90a:xnack-", "gfx1100")


def entry(target_id: str, data: bytes, kind: str = "hipv4-amdgcn-amd-amdhsa-") -> tuple[str, bytes]:
    return f"{kind}-{target_id}", data


def bundle(entries: Sequence[tuple[str, bytes]], align: int = 1) -> bytes:
    """An offload bundle, as clang's documentation lays it out."""
    head = b"__CLANG_OFFLOAD_BUNDLE__" + struct.pack("<Q", len(entries))
    start = len(head) + sum(24 + len(name) for name, _ in entries)
    table, body = b"", b""
    for name, data in entries:
        body += bytes(-(start + len(body)) % align)
        table += struct.pack("<QQQ", start + len(body), len(data), len(name)) + name.encode()
        body += data
    return head + table + body


def compressed(plain: bytes, version: int, method: int) -> bytes:
    """A compressed bundle, as the comments of LLVM's OffloadBundle.h lay it out."""
    packed = zlib.compress(plain) if method == 0 else zstandard.compress(plain)
    digest = hashlib.md5(plain).digest()[:8]
    size = len(packed)
    lengths = {
        1: struct.pack("<I", len(plain)),
        2: struct.pack("<II", size + 24, len(plain)),
        3: struct.pack("<QQ", size + 32, len(plain)),
    }[version]
    return b"CCOB" + struct.pack("<HH", version, method) + lengths + digest + packed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bundles")
    (made / "k.hip").write_text(BARE_KERNEL)
    for name in ("fill_first", "fill_again"):
        kernel = BARE_KERNEL.replace("fill", name)
        (made / f"{name}.hip").write_text(f"#include <hip/hip_runtime.h>\n{kernel}")
    return made


@pytest.fixture(scope="module")
def clang() -> Toolchain:
    return find_toolchain("clang-19")


def compile_with(clang: Toolchain, folder: Path, output: str, *flags: str, source: str = "k.hip") -> bytes:
    if not (clang.clang.resolve().parent / "clang-offload-bundler").is_file():
        pytest.fail("the test suite needs clang-offload-bundler (run scripts/bootstrap.sh test)")
    bare = BARE if "--cuda-device-only" in flags else BARE[1:]
    command = [str(clang.clang), "-x", "hip", *bare, "-DVALUE=1", "-O1", f"--rocm-path={clang.rocm_path}"]
    subprocess.run([*command, *flags, "-c", source, "-o", output], cwd=folder, check=True, timeout=120)
    return (folder / output).read_bytes()


def targets(*names: str) -> list[str]:
    return [f"--offload-arch={name}" for name in names]


def test_a_plain_code_object(clang: Toolchain, folder: Path) -> None:
    flags = ("--cuda-device-only", "--no-gpu-bundle-output", *targets("gfx90a:xnack-"))
    data = compile_with(clang, folder, "k.co", *flags)
    assert device_code(data, "k.co") == (DeviceCode("gfx90a", ":xnack-", data),)
    assert code_object_for(data, "gfx1100") == data
    assert is_device_code(data)


@pytest.mark.parametrize("flag", ["--no-offload-compress", "--offload-compress"])
def test_bundles_of_the_compiler(clang: Toolchain, folder: Path, flag: str) -> None:
    flags = ("--cuda-device-only", "--gpu-bundle-output", flag, *targets(*TARGETS))
    codes = device_code(compile_with(clang, folder, f"k{flag}.hipfb", *flags), "k.hipfb")
    assert sorted(code.target_id for code in codes) == sorted(TARGETS)
    for code in codes:
        assert device_code(code.data, "entry") == (DeviceCode(code.target, code.features, code.data),)
    assert [c.target_id for c in for_target(codes, "gfx90a", "")] == ["gfx90a:xnack-"]
    assert [c.target_id for c in for_target(codes, "gfx90a:sramecc+:xnack+", "")] == ["gfx90a:xnack+"]


@pytest.mark.long
@pytest.mark.parametrize("flag", ["--no-offload-compress", "--offload-compress"])
def test_a_program_of_two_sources(clang: Toolchain, folder: Path, flag: str) -> None:
    objects = []
    for source in ("fill_first.hip", "fill_again.hip"):
        name = f"{source}{flag}.o"
        data = compile_with(clang, folder, name, flag, "-fPIC", *targets("gfx1030", "gfx1100"), source=source)
        assert [c.target for c in device_code(data, name)] == ["gfx1030", "gfx1100"]
        objects.append(name)
    # Undefined symbols of the HIP runtime are fine in a library: nothing of it is run.
    library = folder / f"both{flag}.so"
    command = [str(clang.clang), "-shared", "-nostdlib", *objects, "-o", library.name]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    codes = device_code(library.read_bytes(), library.name)
    assert [(c.bundle, c.target) for c in codes] == [
        (bundle, target) for bundle in (0, 1) for target in ("gfx1030", "gfx1100")
    ]
    chosen = for_target(codes, "gfx1100", library.name)
    assert [b"fill_again" in code.data for code in chosen] == [False, True]


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("method", [0, 1])
def test_every_header_and_method_one_after_another(version: int, method: int) -> None:
    first = bundle([HOST, entry("gfx90a:sramecc+:xnack-", b"one" * 5000)], align=4096)
    second = bundle([HOST, entry("gfx1100", b"two"), entry("gfx1101", b"three")])
    data = compressed(first, version, method) + bytes(100) + compressed(second, version, method) + bytes(7)
    assert device_code(data, "x") == (
        DeviceCode("gfx90a", ":sramecc+:xnack-", b"one" * 5000, 0),
        DeviceCode("gfx1100", "", b"two", 1),
        DeviceCode("gfx1101", "", b"three", 1),
    )


def test_the_magic_of_a_bundle_within_a_compressed_one_is_no_bundle() -> None:
    inner = b"CCOB" + b"__CLANG_OFFLOAD_BUNDLE__" * 3
    data = compressed(bundle([entry("gfx1100", inner)]), 2, 1)
    assert [code.data for code in device_code(data, "x")] == [inner]


@pytest.mark.parametrize(
    ("name", "target_id"),
    [
        ("hip-amdgcn-amd-amdhsa--gfx906", "gfx906"),
        ("hipv4-amdgcn-amd-amdhsa--gfx90a:sramecc+:xnack-", "gfx90a:sramecc+:xnack-"),
        ("hipv4-amdgcn-amd-amdhsa-unknown-gfx1100", "gfx1100"),
        ("hip-amdgcn-amd-amdhsa-gfx803", "gfx803"),
        ("hipv4-amdgcn-amd-amdhsa--gfx11-generic", "gfx11-generic"),
    ],
)
def test_entry_names_of_old_and_new_compilers(name: str, target_id: str) -> None:
    assert [code.target_id for code in device_code(bundle([HOST, (name, b"code")]), "x")] == [target_id]


def test_the_most_specific_entry_that_a_device_can_run() -> None:
    names = ("gfx90a", "gfx90a:xnack+", "gfx90a:sramecc+:xnack+", "gfx90a:sramecc-")
    codes = device_code(bundle([entry(name, name.encode()) for name in names]), "x")

    def chosen(device: str) -> str:
        (code,) = for_target(codes, device, "x")
        return code.data.decode()

    assert chosen("gfx90a") == "gfx90a"
    assert chosen("gfx90a:xnack+") == "gfx90a:sramecc+:xnack+"
    assert chosen("gfx90a:sramecc-:xnack+") in ("gfx90a:xnack+", "gfx90a:sramecc-")
    assert chosen("gfx90a:sramecc-:xnack-") == "gfx90a:sramecc-"


def test_nothing_for_the_device_says_what_there_is_and_what_to_do() -> None:
    data = bundle([HOST, entry("gfx942", b"a"), entry("gfx90a", b"b")])
    with pytest.raises(WrongTargetError) as caught:
        code_object_for(data, "gfx1100", "app")
    assert str(caught.value) == (
        "app: holds gfx942 and gfx90a; this device is gfx1100: "
        "compile with --offload-arch=gfx1100 or use --target"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"int main() {}", "neither a code object"),
        (b"!<arch>\n", "static library"),
        (b"BC\xc0\xde....", "bitcode"),
        (bundle([HOST]), "without device code"),
        (bundle([entry("gfx1100", b"BC\xc0\xde....")]), "bitcode"),
        (bundle([entry("gfx1100", b"code")])[:-1], "beyond its end"),
        (bundle([entry("gfx1100", b"code")])[:40], "truncated"),
        (b"__CLANG_OFFLOAD_BUNDLE__" + b"\xff" * 8, "claims"),
        (compressed(bundle([HOST]), 2, 1)[:-1], "cut short"),
        (compressed(bundle([HOST]), 1, 0)[:-5], "does not give"),
        (compressed(bundle([HOST]), 1, 1)[:20], "does not give"),
        (b"CCOB" + struct.pack("<HHII", 9, 0, 0, 0), "version 9"),
        (b"CCOB" + struct.pack("<HHII", 1, 7, 5, 0) + bytes(8), "method 7"),
        (b"CCOB" + struct.pack("<HHII", 1, 0, 5, 0) + bytes(8), "decompressed"),
        (b"CCOB" + struct.pack("<HHII", 1, 1, 5, 0) + b"nonsense", "decompressed"),
        (b"CCOB", "truncated"),
        (Path("/bin/true").resolve().read_bytes(), "without HIP device code"),
    ],
)
def test_what_holds_nothing_usable(data: bytes, said: str) -> None:
    with pytest.raises(CodeObjectError, match=said):
        device_code(data, "x")


def test_a_bomb_is_not_unpacked_beyond_what_it_claims() -> None:
    bomb = zstandard.compress(bytes(1 << 28))
    data = b"CCOB" + struct.pack("<HHI", 1, 1, 100) + bytes(8) + bomb
    with pytest.raises(CodeObjectError, match="does not give"):
        device_code(data, "x")


@given(st.data())
def test_damaged_bundles_are_errors_of_their_own(data: st.DataObject) -> None:
    plain = bundle([HOST, entry("gfx1030", b"a" * 40), entry("gfx1100", b"b" * 40)])
    version = data.draw(st.integers(0, 3))
    whole = compressed(plain, version, data.draw(st.integers(0, 1))) if version else plain
    damaged = bytearray(whole[: data.draw(st.integers(4, len(whole)))])
    position = data.draw(st.integers(4, max(4, len(damaged) - 1)))
    if position < len(damaged):
        damaged[position] ^= data.draw(st.integers(1, 255))
    with suppress(CodeObjectError):
        assert len(code_object_for(bytes(damaged), "gfx1100")) <= len(whole)


def test_what_is_written_is_read_back() -> None:
    codes = (DeviceCode("gfx90a", ":xnack-", b"one"), DeviceCode("gfx1100", "", b"two" * 3000))
    data = write_bundle(codes)
    assert device_code(data, "x") == codes
    assert data[4096:4099] == b"one"
