"""Emulated machines and the code objects of the kernels that are measured."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rocverify.device.emulator.counters import CounterInstrument
from rocverify.device.emulator.launch.instruments import Instrument
from rocverify.device.emulator.machine import LaunchStats, LoadedKernel, Machine
from rocverify.device.emulator.sanitize.memory import SanitizedMemory
from rocverify.device.emulator.sanitize.sanitizer import Sanitizer
from rocverify.settings import load_settings
from rocverify.toolchain.build import Builder
from rocverify.toolchain.discover import Toolchain
from rocverify.toolchain.manifest import load_manifest

SEQ, HEADS, HEAD_DIM = 2048, 32, 128
BLOCK = (64, 4, 1)
SOURCES = ("rope", "qkt_matmul", "flash_attention_causal")
WATCHED: dict[str, Callable[[], Instrument]] = {"counted": CounterInstrument, "sanitized": Sanitizer}


@pytest.fixture(scope="session")
def toolchain(repo_root: Path) -> Toolchain:
    return Toolchain.discover(load_settings(repo_root))


@pytest.fixture(scope="session")
def code_objects(repo_root: Path, toolchain: Toolchain, own_cache: Path) -> dict[str, bytes]:
    """The measured kernels' code objects by the names of their sources."""
    manifest = load_manifest(repo_root, load_settings(repo_root))
    entries = {Path(entry.source).stem: entry for entry in manifest.entries}
    builder = Builder(repo_root, toolchain, own_cache)
    return {name: builder.build(entries[name], "gfx1100").path.read_bytes() for name in SOURCES}


@pytest.fixture(scope="session")
def rope_code_object(code_objects: dict[str, bytes]) -> bytes:
    return code_objects["rope"]


@pytest.fixture
def new_machine(toolchain: Toolchain) -> Iterator[Callable[..., Machine]]:
    """Makes emulated machines without a translation cache; all are closed at the end."""
    made: list[Machine] = []

    def make(threads: int, cache_dir: Path | None = None, watched: str = "plain") -> Machine:
        """`watched` is one of "plain", "counted" and "sanitized"."""
        machine = Machine(
            "gfx1100",
            objdump=toolchain.objdump,
            clang=toolchain.clang,
            threads=threads,
            cache_dir=cache_dir,
            memory=SanitizedMemory() if watched == "sanitized" else None,
            instruments=[WATCHED[watched]()] if watched in WATCHED else (),
        )
        made.append(machine)
        return machine

    yield make
    for machine in made:
        machine.close()


@dataclass
class Rope:
    """rope_kernel with its buffers on one machine: calling it is one launch."""

    machine: Machine
    kernel: LoadedKernel
    kernarg: bytes
    seq: int

    @classmethod
    def on(cls, machine: Machine, code_object: bytes, seq: int = SEQ) -> Rope:
        random = np.random.default_rng(0)
        angles = random.uniform(0, 6, (seq, HEAD_DIM // 2))
        arrays = (
            random.standard_normal((seq, HEADS, HEAD_DIM)).astype(np.float32),
            np.cos(angles).astype(np.float32),
            np.sin(angles).astype(np.float32),
        )
        pointers = [machine.memory.malloc(array.nbytes) for array in arrays]
        for pointer, array in zip(pointers, arrays, strict=True):
            machine.memory.write(pointer, array.tobytes())
        kernarg = struct.pack("<QQQIII", *pointers, seq, HEADS, HEAD_DIM)
        return cls(machine, machine.load(code_object).kernel("rope_kernel"), kernarg, seq)

    def __call__(self) -> LaunchStats:
        grid = (self.seq, -(-HEADS // BLOCK[1]), -(-HEAD_DIM // 2 // BLOCK[0]))
        return self.machine.launch(self.kernel, grid, BLOCK, 0, self.kernarg)
