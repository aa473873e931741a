"""Right kernels that the emulator once refused or accused: tests/bugs/kernels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.bugs.emulated import Seen, emulate

KERNELS = Path(__file__).parent / "kernels"

COMMANDS = {
    "wmma_swapped_halves": "gemm16 --grid 1 --block 32 --arg f16[256]:random --arg f16[256]:random"
    " --arg f32[256]:out",
    "noreturn_call": "guarded<3> --grid 1 --block 32 --arg i32[1]:2 --arg i32[32]:out",
    "device_malloc": "heap_user --grid 1 --block 32 --arg i32[32]:out",
    "printf_sanitize": "say --grid 1 --block 32 --arg i32:3",
    "buffer_oob": "clipped --grid 1 --block 32 --arg f32[16]:1 --arg f32[32]:out --arg i32:16",
    "lds_float_max": "blockmax --grid 2 --block 64 --arg f32[128]:random --arg f32[2]:out",
    "grid_sync": "gs --grid 4 --block 64 --cooperative --arg i32[256]:range --arg i32[256]:out",
    "spin_block": "swbar --grid 4 --block 64 --arg u32[1]:zeros --arg i32[256]:out --arg i32[256]:out",
    "clock64": "timed --grid 1 --block 32 --arg f32[32]:1 --arg i64[1]:out",
    "calls": "sw --grid 1 --block 32 --arg i32:4 --arg i32[32]:out",
    "hsin": "k_hsin --grid 1 --block 32 --arg f16[32]:random --arg f16[32]:out",
    "mm": "mm --grid 2,2 --block 16,16 --arg f32[1024]:random --arg f32[1024]:random --arg f32[1024]:out"
    " --arg i32:32",
    "printf_many": "many --grid 2 --block 32 --arg u8[4]:zeros",
    "simple": "scale --grid 2 --block 64 --arg f32[100]:random --arg f32:2.5 --arg i32:100",
}
FAST = ("wmma_swapped_halves", "buffer_oob", "lds_float_max")


def run(name: str, *more: str) -> Seen:
    return emulate(KERNELS / f"{name}.hip", COMMANDS[name], *more)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FAST else pytest.mark.long) for name in COMMANDS]
)
def test_a_right_kernel_is_clean(name: str) -> None:
    for more in ((), ("--sanitize",)):
        seen = run(name, *more)
        assert (seen.code, seen.places) == (0, set()), more


@pytest.mark.long
def test_a_right_kernel_is_clean_under_ten_seeds() -> None:
    for name in COMMANDS:
        for seed in range(10):
            seen = run(name, "--sanitize", "--seed", str(seed), "--order", "drawn")
            assert (seen.code, seen.places) == (0, set()), (name, seed)


def test_every_kernel_has_a_command() -> None:
    assert set(COMMANDS) == {path.stem for path in KERNELS.glob("*.hip")}


@pytest.mark.long
def test_what_right_kernels_store() -> None:
    """sw: (lane + sel) % 9 picks one of eight branches; halfs: max(x, 0.5) * the neighbour's x.
    Nothing is asked of hsin's values: ocml of ROCm 5.2 selects NaN for every finite half."""

    def branch(lane: int) -> int:
        taken = (5, lane * 3, lane - 7, lane ^ 0x55, ~lane, lane << 3, 99, -1, -1)
        return taken[(lane + 4) % 9]

    stored = run("calls").array(1)
    assert stored == [branch(lane) for lane in range(8)]
    halfs = "halfs --grid 1 --block 32 --arg f16[32]:2 --arg f16[32]:out"
    assert set(emulate(KERNELS / "calls.hip", halfs).array(1)) == {4.0}
    hcos = emulate(KERNELS / "hsin.hip", "k_hcos --grid 1 --block 32 --arg f16[32]:0.5 --arg f16[32]:out")
    np.testing.assert_allclose(hcos.array(1), np.cos(0.5), rtol=2**-10)
    product = (
        "mm --grid 2,2 --block 16,16 --arg f32[1024]:2 --arg f32[1024]:3 --arg f32[1024]:out --arg i32:32"
    )
    assert set(emulate(KERNELS / "mm.hip", product).array(2)) == {192.0}
    scaled = "scale --grid 2 --block 64 --arg f32[100]:2 --arg f32:2.5 --arg i32:100"
    assert set(emulate(KERNELS / "simple.hip", scaled).array(0)) == {5.0}


def test_halves_of_the_wave_may_have_k_in_different_orders(tmp_path: Path) -> None:
    a, b = (np.random.default_rng(seed).uniform(-1, 1, (16, 16)).astype(np.float16) for seed in (0, 1))
    for name, array in (("a", a), ("b", b)):
        np.save(tmp_path / f"{name}.npy", array)
    command = (
        f"gemm16 --grid 1 --block 32 --arg f16[]:@{tmp_path}/a.npy --arg f16[]:@{tmp_path}/b.npy"
        f" --arg f32[256]:out --save 2={tmp_path}/d.npy"
    )
    assert emulate(KERNELS / "wmma_swapped_halves.hip", command).code == 0
    product = np.load(tmp_path / "d.npy").reshape(16, 16)
    np.testing.assert_allclose(product, a.astype(np.float64) @ b.astype(np.float64), atol=1e-5)


def test_a_load_beyond_num_records_is_zero() -> None:
    seen = run("buffer_oob")
    (out,) = (one for one in seen.document["buffers"] if one["index"] == 1)
    assert (out["min"], out["max"], out["not_finite"]) == (0.0, 1.0, 0)


@pytest.mark.long
def test_a_function_that_never_returns_is_called() -> None:
    command = "never<1> --grid 1 --block 32 --arg i32[32]:out"
    seen = emulate(KERNELS / "noreturn_call.hip", command)
    assert (seen.code, seen.document["fault"]["kind"]) == (1, "trap")
