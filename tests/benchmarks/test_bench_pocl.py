"""The emulator against a CPU's OpenCL: the same three algorithms as attention.cl, one thread each, in turns.

    apt-get install pocl-opencl-icd && pip install -e '.[bench]'
    make bench PYTEST_ARGS="-k pocl"

`extra_info` holds the medians in milliseconds and their ratio. It takes PoCL's OpenCL for CPUs.
"""

from __future__ import annotations

import os
import statistics
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rocverify.device.emulator.machine import Machine
from tests.benchmarks.timing import in_turns, ratio_of_medians
from tests.benchmarks.workloads import ATTENTION_SEQ, MADE, NAMES, SCALE, Emulated, Workload

pytestmark = pytest.mark.exhaustive

ROUNDS = 11
INSTALL = "install Debian's pocl-opencl-icd, and pyopencl (pip install -e '.[bench]')"
THREADS = {"POCL_MAX_PTHREAD_COUNT": "1", "POCL_CPU_MAX_CU_COUNT": "1"}
"""One thread, in the words of PoCL before and from version 5."""


class Native:
    """A workload on PoCL with its buffers: calling it is one launch."""

    def __init__(self, cl: Any, queue: Any, program: Any, workload: Workload) -> None:
        flags = cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR
        self._cl, self._queue, self._workload = cl, queue, workload
        self._buffers = [cl.Buffer(queue.context, flags, hostbuf=array) for array in workload.arrays]
        self._kernel = cl.Kernel(program, workload.name)
        scale = np.float32(SCALE)
        length = np.uint32(ATTENTION_SEQ)
        scalars = {
            "rope": [np.uint32(value) for value in struct.unpack("<III", workload.scalars[:12])],
            "qkt": [length, length, scale],
            "flash": [length, scale],
        }[workload.name]
        self._kernel.set_args(*self._buffers, *scalars)
        self._grid = [size * count for size, count in zip(workload.block, workload.grid, strict=True)]

    def __call__(self) -> None:
        self._cl.enqueue_nd_range_kernel(self._queue, self._kernel, self._grid, self._workload.block)
        self._queue.finish()

    def check(self) -> None:
        """The first launch, its result compared with NumPy's."""
        self()
        result = np.empty(self._workload.expected.shape, np.float32)
        self._cl.enqueue_copy(self._queue, result, self._buffers[self._workload.output])
        self._queue.finish()
        self._workload.check(result)


@pytest.fixture(scope="module")
def opencl() -> tuple[Any, Any, Any]:
    """pyopencl, a queue of PoCL's CPU, and attention.cl compiled for it."""
    os.environ.update(THREADS)
    cl = pytest.importorskip("pyopencl", reason=f"no pyopencl: {INSTALL}")
    try:
        platforms = cl.get_platforms()
    except cl.LogicError as error:
        pytest.skip(f"no OpenCL ({error}): {INSTALL}")
    found = [platform for platform in platforms if "Portable Computing Language" in platform.name]
    if not found:
        pytest.skip(f"no PoCL among {[platform.name for platform in platforms]}: {INSTALL}")
    context = cl.Context(found[0].get_devices()[:1])
    source = (Path(__file__).parent / "attention.cl").read_text()
    return cl, cl.CommandQueue(context), cl.Program(context, source).build(["-cl-std=CL1.2"])


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("name", NAMES)
def test_against_pocl(
    benchmark: Any,
    new_machine: Callable[..., Machine],
    code_objects: dict[str, bytes],
    opencl: tuple[Any, Any, Any],
    name: str,
) -> None:
    workload = MADE[name]()
    native = Native(*opencl, workload)
    emulated = Emulated.on(new_machine(1), workload, code_objects[workload.source])
    native.check()
    emulated.checked()
    pocl, own = in_turns([native, emulated], ROUNDS)
    benchmark.pedantic(emulated, rounds=3)
    benchmark.extra_info.update(
        pocl_ms=round(1e3 * statistics.median(pocl), 1),
        emulator_ms=round(1e3 * statistics.median(own), 1),
        emulator_by_pocl=round(ratio_of_medians(pocl, own), 2),
    )
