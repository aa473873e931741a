"""The three float kernels of the speed figures, on an emulated machine or for any other device.

rope    rotary embedding in place, 2048 tokens x 32 heads x 128
qkt     attention scores, 1 x 8 heads x 512 x 64
flash   fused causal attention, 1 x 8 heads x 512 x 64
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rocverify.device.emulator.load.kernarg import Triple
from rocverify.device.emulator.machine import LaunchStats, LoadedKernel, Machine

Array = Any
SEQ, HEADS, HEAD_DIM = 2048, 32, 128
ATTENTION_HEADS, ATTENTION_SEQ, ATTENTION_DIM = 8, 512, 64
SCALE = ATTENTION_DIM**-0.5
FLASH_LDS = 4 * ((64 + 32) * (64 + 4) + 64 * 40)
"""Bytes of LDS that flash attention asks for at 64 elements a head: tiles of queries and keys, weights."""
NAMES = ("rope", "qkt", "flash")


@dataclass(frozen=True)
class Workload:
    """A kernel with its inputs. `arrays` are its buffers in the order of its arguments, `scalars` what comes
    behind them, packed; `output` is the index of the buffer that `expected` belongs to."""

    name: str
    source: str
    symbol: str
    arrays: tuple[Array, ...]
    scalars: bytes
    grid: Triple
    block: Triple
    lds: int
    output: int
    expected: Array

    def check(self, result: Array) -> None:
        """AssertionError if the output buffer, as floats, is not what NumPy computed."""
        np.testing.assert_allclose(result, self.expected, rtol=2e-4, atol=2e-4)


def rope() -> Workload:
    random = np.random.default_rng(0)
    angles = random.uniform(0, 6, (SEQ, HEAD_DIM // 2))
    x = random.standard_normal((SEQ, HEADS, HEAD_DIM)).astype(np.float32)
    cos, sin = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    first, second = np.split(x, 2, axis=2)
    c, s = cos[:, None], sin[:, None]
    expected = np.concatenate([first * c - second * s, first * s + second * c], axis=2)
    grid, scalars = (SEQ, HEADS // 4, 1), struct.pack("<III", SEQ, HEADS, HEAD_DIM)
    return Workload("rope", "rope", "rope_kernel", (x, cos, sin), scalars, grid, (64, 4, 1), 0, 0, expected)


def _heads(count: int) -> tuple[Array, ...]:
    random = np.random.default_rng(1)
    shape = (ATTENTION_HEADS, ATTENTION_SEQ, ATTENTION_DIM)
    return tuple(random.standard_normal(shape).astype(np.float32) for _ in range(count))


_SCALARS = struct.pack(
    "<IIIIIIIf",
    ATTENTION_HEADS, ATTENTION_HEADS, ATTENTION_SEQ, ATTENTION_SEQ, ATTENTION_SEQ, ATTENTION_DIM, 0, SCALE,
)  # fmt: skip
"""heads, kv_heads, seq_q, seq_k, kv_capacity, head_dim, seq_major, scale."""


def qkt() -> Workload:
    q, k = _heads(2)
    expected = (q @ k.transpose(0, 2, 1)) * np.float32(SCALE)
    grid = (ATTENTION_SEQ // 32, ATTENTION_SEQ // 32, ATTENTION_HEADS)
    arrays = (q, k, np.zeros_like(expected))
    return Workload(
        "qkt", "qkt_matmul", "qkt_matmul_kernel", arrays, _SCALARS, grid, (256, 1, 1), 0, 2, expected
    )


def flash() -> Workload:
    q, k, v = _heads(3)
    scores = (q.astype(np.float64) @ k.transpose(0, 2, 1)) * SCALE
    scores[:, np.triu(np.ones(scores.shape[1:], bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=2, keepdims=True))
    expected = (weights / weights.sum(axis=2, keepdims=True)) @ v
    return Workload(
        "flash", "flash_attention_causal", "flash_attention_causal_kernel_d64", (q, k, v, np.zeros_like(q)),
        _SCALARS, (ATTENTION_SEQ // 64, ATTENTION_HEADS, 1), (256, 1, 1), FLASH_LDS, 3, expected,
    )  # fmt: skip


MADE: dict[str, Callable[[], Workload]] = {"rope": rope, "qkt": qkt, "flash": flash}


@dataclass(frozen=True)
class Emulated:
    """A workload with its buffers on one machine: calling it is one launch."""

    workload: Workload
    machine: Machine
    kernel: LoadedKernel
    pointers: tuple[int, ...]

    @classmethod
    def on(cls, machine: Machine, workload: Workload, code_object: bytes) -> Emulated:
        pointers = tuple(machine.memory.malloc(array.nbytes) for array in workload.arrays)
        made = cls(workload, machine, machine.load(code_object).kernel(workload.symbol), pointers)
        for pointer, array in zip(pointers, workload.arrays, strict=True):
            machine.memory.write(pointer, array.tobytes())
        return made

    def __call__(self) -> LaunchStats:
        w = self.workload
        kernarg = struct.pack(f"<{len(self.pointers)}Q", *self.pointers) + w.scalars
        return self.machine.launch(self.kernel, w.grid, w.block, w.lds, kernarg)

    def checked(self) -> LaunchStats:
        """The first launch, its result compared with NumPy's."""
        stats = self()
        expected = self.workload.expected
        raw = self.machine.memory.read(self.pointers[self.workload.output], expected.size * 4)
        self.workload.check(np.frombuffer(raw, np.float32).reshape(expected.shape))
        return stats
