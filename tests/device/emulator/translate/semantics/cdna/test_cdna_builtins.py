"""Compiled kernels with MFMA and SMFMAC builtins: matrices of small whole numbers, so that every order of
additions gives what NumPy does."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from rocverify.toolchain.build import Builder
from rocverify.toolchain.manifest import ManifestEntry
from tests.toolchain.support import find_toolchain

SOURCE = Path(__file__).parent / "products.hip"
KERNELS = {
    "halves": (np.float16, np.float32, 32, 64),
    "doubles": (np.float64, np.float64, 16, 32),
    "sparse": (np.float16, np.float32, 16, 32),
}
"""Types of A and B and of Y, rows, and elements along k."""


@pytest.fixture(scope="module")
def code(translations: Path, target: str) -> bytes:
    root = translations / "products"
    root.mkdir(exist_ok=True)
    shutil.copy(SOURCE, root)
    builder = Builder(root, find_toolchain("clang-19"), translations / "products-cache")
    entry = ManifestEntry("products.hip", (), "PRODUCTS", flags=("-O2",))
    return builder.build(entry, target).path.read_bytes()


def _product(machine: Machine, code: bytes, name: str, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    rows, of_y = KERNELS[name][2], np.zeros((a.shape[0], b.shape[1]), KERNELS[name][1])
    module, memory = machine.load(code), machine.memory
    pointers = [memory.malloc(one.nbytes) for one in (a, b, of_y)]
    try:
        for pointer, one in zip(pointers, (a, b, of_y), strict=True):
            memory.write(pointer, one.tobytes())
        kernarg = b"".join(pointer.to_bytes(8, "little") for pointer in pointers)
        kernarg += a.shape[1].to_bytes(4, "little")
        machine.launch(module.kernel(name), (1, 1, 1), (64, 1, 1), 0, kernarg)
        return np.frombuffer(memory.read(pointers[2], of_y.nbytes), of_y.dtype).reshape(rows, rows)
    finally:
        for pointer in pointers:
            memory.free(pointer)
        machine.unload(module)


@pytest.mark.parametrize("name", ["halves", "doubles"])
def test_products_of_builtins_are_those_of_numpy(machine: Machine, code: bytes, name: str) -> None:
    a, b = _numbers(name)
    _agrees(machine, code, name, a, b)


def test_a_sparse_product_is_that_of_numpy(machine: Machine, code: bytes, target: str) -> None:
    a, b = _numbers("sparse")
    rows, depth = a.shape
    order = np.random.default_rng(8).permuted(np.tile(np.arange(4), (rows, depth // 4, 1)), axis=2)
    a[order.reshape(rows, depth) < 2] = 0
    if target == "gfx90a":  # CDNA 2 has no SMFMAC
        assert b"sparse.kd" not in code
    else:
        _agrees(machine, code, "sparse", a, b)


def _numbers(name: str) -> tuple[np.ndarray, np.ndarray]:
    kind, _, rows, depth = KERNELS[name]
    rng = np.random.default_rng(7)
    return rng.integers(-8, 9, (rows, depth)).astype(kind), rng.integers(-8, 9, (depth, rows)).astype(kind)


def _agrees(machine: Machine, code: bytes, name: str, a: np.ndarray, b: np.ndarray) -> None:
    seen = _product(machine, code, name, a, b)
    np.testing.assert_array_equal(seen, a.astype(np.float64) @ b.astype(np.float64))
    assert np.count_nonzero(seen) > len(a)
