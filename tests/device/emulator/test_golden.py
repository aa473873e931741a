"""Small kernels, compiled as people compile them, against NumPy: golden/NAME/{case.hip,case.py}.

A case module has KERNEL, GRID, BLOCK, optionally SHARED, FLAGS and RELATIVE (the error allowed), and
case(rng): the arguments (arrays become buffers, NumPy scalars and bytes are passed by value) and, by
index, what the output buffers must hold.
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from rocverify.device.emulator.machine import LoadedModule, Machine
from rocverify.toolchain.build import Builder
from rocverify.toolchain.manifest import ManifestEntry
from tests.toolchain.support import find_toolchain

FOLDER = Path(__file__).parent / "golden"
NAMES = sorted(path.name for path in FOLDER.iterdir() if (path / "case.hip").exists())
SLOW = {"transcendental", "wide"}
"""Translated in the long suite only."""

WAYS = (
    ("clang-19", "-O0", "-mno-wavefrontsize64"),
    ("clang-15", "-O1", "-mwavefrontsize64"),
    ("clang-15", "-O2", "-mno-wavefrontsize64"),
    ("clang-19", "-O3", "-mwavefrontsize64"),
)
"""Each level, compiler and wave; tests/corpus goes through all sixteen combinations."""

Compile = Callable[[str, str, str, tuple[str, ...]], bytes]


@pytest.fixture(scope="session")
def compiled_case(translations: Path) -> Compile:
    """case.hip of a golden case, compiled by a named compiler with flags; kept from run to run."""
    cache = translations / "golden"
    cache.mkdir(exist_ok=True)

    def build(name: str, compiler: str, level: str, flags: tuple[str, ...]) -> bytes:
        toolchain = find_toolchain(compiler)
        root = cache / name
        root.mkdir(exist_ok=True)
        shutil.copy(FOLDER / name / "case.hip", root / "case.hip")
        entry = ManifestEntry("case.hip", (), "GOLDEN", flags=(level, *flags))
        return Builder(root, toolchain, cache).build(entry, "gfx1100").path.read_bytes()

    return build


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"golden_{name}", FOLDER / name / "case.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pack(module: LoadedModule, kernel: str, arguments: tuple[object, ...], buffers: dict[int, int]) -> bytes:
    metadata = module.metadata.kernels[kernel]
    packed = bytearray(max(arg.offset + arg.size for arg in metadata.explicit_args))
    for index, (value, arg) in enumerate(zip(arguments, metadata.explicit_args, strict=True)):
        data = buffers[index].to_bytes(8, "little") if index in buffers else bytes(memoryview(value))  # type: ignore[arg-type]
        assert len(data) == arg.size
        packed[arg.offset : arg.offset + arg.size] = data
    return bytes(packed)


def _run(machine: Machine, code: bytes, made: ModuleType, seed: int) -> None:
    arguments, expected = made.case(np.random.default_rng(seed))
    module, memory = machine.load(code), machine.memory
    buffers = {
        index: memory.malloc(value.nbytes)
        for index, value in enumerate(arguments)
        if isinstance(value, np.ndarray)
    }
    try:
        for index, address in buffers.items():
            memory.write(address, arguments[index].tobytes())
        kernarg = _pack(module, made.KERNEL, arguments, buffers)
        kernel = module.kernel(made.KERNEL)
        machine.launch(kernel, made.GRID, made.BLOCK, getattr(made, "SHARED", 0), kernarg)
        for index, wanted in expected.items():
            seen = np.frombuffer(memory.read(buffers[index], wanted.nbytes), wanted.dtype)
            relative = getattr(made, "RELATIVE", 0)
            np.testing.assert_allclose(
                seen, wanted, rtol=relative, atol=relative, err_msg=f"argument {index}"
            )
    finally:
        for address in buffers.values():
            memory.free(address)
        machine.unload(module)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in SLOW])
def test_golden_kernel(machine: Machine, compiled_case: Compile, name: str) -> None:
    made = _module(name)
    _run(machine, compiled_case(name, "clang-19", "-O3", getattr(made, "FLAGS", ())), made, seed=1)


@pytest.mark.drawn(2)
@pytest.mark.parametrize(("compiler", "level", "wave"), WAYS)
@pytest.mark.parametrize("name", NAMES)
def test_golden_kernel_in_other_ways(
    machine: Machine, compiled_case: Compile, name: str, compiler: str, level: str, wave: str
) -> None:
    made = _module(name)
    if wave == "-mwavefrontsize64" and name in WAVE32_ONLY:
        pytest.skip("its expectation is for waves of 32")
    for seed in (2, 3):
        _run(machine, compiled_case(name, compiler, level, (wave, *getattr(made, "FLAGS", ()))), made, seed)


WAVE32_ONLY = {"reduction"}
