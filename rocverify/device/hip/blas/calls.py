"""Calls of hipBLAS and rocBLAS: queued on the handle's stream, and in the trace as library calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rocverify.device.hip.blas.arithmetic import compute
from rocverify.device.hip.blas.job import PLAIN, RESULTS, Batching, BlasJob, Operand, Operation
from rocverify.device.hip.calls import Answer, Call, Caller, serve
from rocverify.device.hip.errors import HipError
from rocverify.device.hip.items import Access, Item, Kind
from rocverify.device.hip.transfer import as_read
from rocverify.device.trace.events import Category
from rocverify.errors import DeviceError

if TYPE_CHECKING:
    from rocverify.device.hip.context import Context


def accesses(job: BlasJob) -> list[Access]:
    """What a call reads and writes, for the search for races; of a batch of pointers nothing is known yet."""
    if job.batching is Batching.BATCHED:
        return []
    found = []
    for operand, rows, columns, write in _shapes(job):
        size = operand.dtype.itemsize
        for i in range(job.batch):
            start = operand.address + i * operand.stride * size
            found.append(Access(start, rows * size, write, pitch=abs(operand.step) * size, rows=columns))
    return found


def _shapes(job: BlasJob) -> list[tuple[Operand, int, int, bool]]:
    """Each operand that is used, its rows and columns, and whether it is written."""
    a, b, c, d = job.a, job.b, job.c, job.d
    if job.operation is Operation.GEMM:
        left = (job.m, job.k) if job.transposes[0] == PLAIN else (job.k, job.m)
        right = (job.k, job.n) if job.transposes[1] == PLAIN else (job.n, job.k)
        used = [(a, *left, False), (b, *right, False), (c, job.m, job.n, False), (d, job.m, job.n, True)]
    elif job.operation is Operation.GEMV:
        inner, outer = (job.n, job.m) if job.transposes[0] == PLAIN else (job.m, job.n)
        used = [(a, job.m, job.n, False), (b, 1, inner, False), (c, 1, outer, True)]
    elif job.operation in (Operation.NRM2, Operation.ASUM):
        used = [(b, 1, job.n, False)]
    elif job.operation is Operation.SCAL:
        used = [(c, 1, job.n, True)]
    else:
        used = [
            (b, 1, job.n, job.operation is Operation.SWAP),
            (c, 1, job.n, job.operation is not Operation.DOT),
        ]
    return [one for one in used if one[1] > 0 and one[2] > 0]


@serve("rv_blas", category=Category.LIBRARY, waits=True)
def blas(context: Context, call: Call, caller: Caller | None) -> Answer:
    """Queues a function of hipBLAS or rocBLAS; waits for it where its result goes to the host."""
    job = BlasJob.of(call.args)
    entry = context.entry(call)
    entry.function = call.text
    if job.operation not in RESULTS:
        entry.fields["dst"] = job.d.address
    results: list[bytes] = []

    def run(_caller: Caller | None) -> None:
        try:
            data = compute(job, context.backend)
            if job.operation in RESULTS and job.on_device:
                context.backend.write(job.result, data)
        except DeviceError as error:
            raise HipError("hipErrorIllegalAddress", f"{call.text}: {error.message}", sticky=True) from None
        results.append(data)

    item = Item(
        run, f"{call.text} ({job.words})", accesses=accesses(job) if context.control.sanitize else (),
        site=call.site, seq=entry.seq, kind=Kind.KERNEL,
    )  # fmt: skip
    context.streams.submit(job.stream, call.slot, item, caller)
    if job.operation not in RESULTS or job.on_device:
        return Answer()
    context.wait(job.stream, call, caller)
    return Answer(payload=bytes(as_read(context, results[-1])) if results else b"")
