"""What a device reaches at best, measured on it: bytes per second by copying, operations by multiply-adds.

    ceiling_copy                              reads and writes what no cache holds
    ceiling_f32, _f64, _f16                   chains of multiply-adds by vector instructions
    ceiling_matrix_f16, _matrix_bf16          products of 16 x 16 matrices, where the target has WMMA

Each is the median of several launches between two events. A type's ceiling is that of the fastest kernel for
it; one that has no kernel of its own (bfloat16 without matrix instructions) is computed in float32.
"""

from __future__ import annotations

import ctypes
import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rocverify.errors import DeviceError
from rocverify.oracle.drive import checked
from rocverify.toolchain.manifest import ManifestEntry

if TYPE_CHECKING:
    from rocverify.checks.context import CheckContext
    from rocverify.device.process.client import RemoteDevice
    from rocverify.toolchain.build import BuiltObject

SOURCE = Path(__file__).with_name("ceilings.hip")
COPY = "ceiling_copy"
# As in ceilings.hip.
THREADS = 256
CHAINS = 8
_ELEMENT_BYTES = 16
_WARM_UP = 2
_LARGEST_COPY = 1 << 30


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """A kernel of multiply-adds: the type it computes, the operations of one work-item in one round, and the
    bytes that a work-item stores at the end. `matrix`: 1 as bits of the type, for matrix instructions."""

    dtype: str
    operations: int
    stored_bytes: int
    matrix: int | None = None


ARITHMETIC: Mapping[str, Arithmetic] = {
    "ceiling_f32": Arithmetic("f32", 2 * CHAINS, 4 * CHAINS),
    "ceiling_f64": Arithmetic("f64", 2 * CHAINS, 8 * CHAINS),
    "ceiling_f16": Arithmetic("f16", 4 * CHAINS, 4 * CHAINS),
    # A wave of 32 multiplies CHAINS / 2 pairs of matrices in a round.
    "ceiling_matrix_f16": Arithmetic("f16", CHAINS // 2 * 2 * 16**3 // 32, 16 * CHAINS, matrix=0x3C00),
    "ceiling_matrix_bf16": Arithmetic("bf16", CHAINS // 2 * 2 * 16**3 // 32, 16 * CHAINS, matrix=0x3F80),
}
# float16: halved in each round, and one added. The others: a half added. No chain ever overflows.
FACTOR, TERM = 0.5, 1.0


@dataclass(frozen=True, slots=True)
class Workload:
    """How much the kernels do: bytes to copy (a multiple of 16), workgroups, rounds of multiply-adds (a
    multiple of 16, as ceilings.hip unrolls them), and how often each launch is timed."""

    copy_bytes: int
    workgroups: int
    rounds: int
    repeats: int = 20


@dataclass(frozen=True, slots=True)
class Ceilings:
    """`copy_gb_per_s` counts bytes read and bytes written, in 10**9; `gflop_per_s` is by kernel."""

    device: str
    copy_gb_per_s: float
    gflop_per_s: Mapping[str, float]

    def of(self, dtype: str) -> float:
        """The most GFLOP/s of a type (`f16`, `bf16`, `f32`, `f64`)."""
        found = [n for name, n in self.gflop_per_s.items() if ARITHMETIC[name].dtype == dtype]
        return max(found, default=0.0) or self.gflop_per_s["ceiling_f32"]

    def seconds(self, flops: Mapping[str, float]) -> float:
        """The least time that so many operations of each type take."""
        return sum(count / (self.of(dtype) * 1e9) for dtype, count in flops.items())

    def to_json(self) -> dict[str, Any]:
        """The figures as JSON data."""
        return {
            "device": self.device,
            "copy_gb_per_s": self.copy_gb_per_s,
            "gflop_per_s": dict(self.gflop_per_s),
        }


def ceilings_of(ctx: CheckContext) -> Ceilings:
    """The ceilings of the device of the run, measured at the first call. Raises what compiling and HIP calls
    raise."""
    if ("ceilings",) not in ctx.memo:
        ctx.memo["ceilings",] = measure_ceilings(ctx.device, built_for(ctx), workload_for(ctx.device))
    found: Ceilings = ctx.memo["ceilings",]
    return found


def built_for(ctx: CheckContext) -> BuiltObject:
    """The code object of these kernels for the device of the run, from the cache or compiled now."""
    from rocverify.toolchain.build import Builder

    entry = ManifestEntry(SOURCE.name, (COPY, *ARITHMETIC), "ROCVERIFY_CEILINGS", flags=("-O3", "-std=c++17"))
    return Builder(SOURCE.parent, ctx.toolchain, ctx.cache_dir).build(entry, ctx.target)


def workload_for(device: RemoteDevice) -> Workload:
    """Enough for every compute unit to be full for some milliseconds, and a copy that no cache holds."""
    details = device.info.details
    copied = min(_LARGEST_COPY, int(details["global_memory_bytes"]) // 8)
    return Workload(copied // 4096 * 4096, 32 * int(details["multiprocessors"]), 4096)


def measure_ceilings(device: RemoteDevice, built: BuiltObject, workload: Workload) -> Ceilings:
    """Runs every kernel that the code object has. Raises DeviceError for a HIP call that fails, and for a
    launch that takes no time at all."""
    hip = device.hip
    items = workload.workgroups * THREADS
    with ExitStack() as stack:
        module = stack.enter_context(_loaded(hip, built.path.read_bytes()))
        source, target = (stack.enter_context(_allocated(hip, workload.copy_bytes)) for _ in range(2))
        ends = stack.enter_context(_allocated(hip, items * max(a.stored_bytes for a in ARITHMETIC.values())))

        def seconds(symbol: str, *arguments: Any) -> float:
            function = checked("hipModuleGetFunction", hip.hipModuleGetFunction(module, symbol.encode()))
            return _median_seconds(hip, function, workload, arguments, symbol)

        def gflop_per_s(symbol: str, one: Arithmetic) -> float:
            operations = items * workload.rounds * one.operations
            return operations / seconds(symbol, *_arguments(one, ends, workload)) / 1e9

        count = ctypes.c_uint64(workload.copy_bytes // _ELEMENT_BYTES)
        copying = seconds(COPY, ctypes.c_void_p(int(source)), ctypes.c_void_p(int(target)), count)
        there = {s: one for s, one in ARITHMETIC.items() if s in built.code_object.kernels}
        rates = {symbol: gflop_per_s(symbol, one) for symbol, one in there.items()}
    return Ceilings(device.name, 2 * workload.copy_bytes / copying / 1e9, rates)


def _arguments(one: Arithmetic, ends: Any, workload: Workload) -> tuple[Any, ...]:
    pointer, rounds = ctypes.c_void_p(int(ends)), ctypes.c_uint32(workload.rounds)
    if one.matrix is not None:
        return pointer, ctypes.c_uint32(one.matrix), rounds
    return pointer, ctypes.c_float(FACTOR), ctypes.c_float(TERM), rounds


def _median_seconds(hip: Any, function: Any, workload: Workload, arguments: Any, symbol: str) -> float:
    def launch() -> None:
        grid, block = (workload.workgroups, 1, 1), (THREADS, 1, 1)
        launched = hip.hipModuleLaunchKernel(function, *grid, *block, 0, None, None, arguments)
        checked("hipModuleLaunchKernel", launched)

    times = [between_events(hip, launch) for _ in range(_WARM_UP + workload.repeats)][_WARM_UP:]
    median = statistics.median(times) / 1000
    if median <= 0:
        raise DeviceError(f"{symbol} took no time between two events", where="ceilings")
    return median


def between_events(hip: Any, call: Any) -> float:
    """Milliseconds between an event before the call and one after it, on the default stream."""
    start, stop = (checked("hipEventCreate", hip.hipEventCreate()) for _ in range(2))
    try:
        checked("hipEventRecord", hip.hipEventRecord(start, None))
        call()
        checked("hipEventRecord", hip.hipEventRecord(stop, None))
        checked("hipEventSynchronize", hip.hipEventSynchronize(stop))
        return float(checked("hipEventElapsedTime", hip.hipEventElapsedTime(start, stop)))
    finally:
        for event in (start, stop):
            checked("hipEventDestroy", hip.hipEventDestroy(event))


@contextmanager
def _loaded(hip: Any, image: bytes) -> Iterator[Any]:
    module = checked("hipModuleLoadData", hip.hipModuleLoadData(image))
    try:
        yield module
    finally:
        checked("hipModuleUnload", hip.hipModuleUnload(module))


@contextmanager
def _allocated(hip: Any, size: int) -> Iterator[Any]:
    """Zeroed device memory: numbers as they come could be slow ones."""
    memory = checked("hipMalloc", hip.hipMalloc(size))
    try:
        checked("hipMemset", hip.hipMemset(memory, 0, size))
        yield memory
    finally:
        checked("hipFree", hip.hipFree(memory))
