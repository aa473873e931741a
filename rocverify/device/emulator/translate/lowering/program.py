"""A kernel's machine code as one LLVM function, `u32 wave(Worker *, Wave *)`.

The function runs one wave until it ends, meets a barrier or faults; called again after a barrier, it
goes on where the wave stopped (`resume` holds the index of that place).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from llvmlite import ir

from rocverify.device.emulator import abi
from rocverify.device.emulator.isa.descriptors import KernelDescriptor
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.family import Family
from rocverify.device.emulator.isa.operands import M0
from rocverify.device.emulator.translate.builder.dialect import Dialect, Handler
from rocverify.device.emulator.translate.builder.modes import Mode
from rocverify.device.emulator.translate.builder.observers import Observer
from rocverify.device.emulator.translate.builder.types import I32, I64, TYPES, Value
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering import strips
from rocverify.device.emulator.translate.lowering.flow import BLOCK_ENDS, Graph
from rocverify.device.emulator.translate.lowering.mode_flow import propagate
from rocverify.device.emulator.translate.semantics import directed, lanes, sdwa
from rocverify.device.emulator.translate.semantics.refused import no_semantics
from rocverify.device.emulator.translate.semantics.tables import handlers
from rocverify.errors import DeviceError, UnsupportedInstructionError


@dataclass(frozen=True, slots=True)
class Translation:
    """LLVM IR of one kernel, and how many machine instructions it stands for. `unoptimized`: not worth much
    of LLVM's time either."""

    ir: str
    instruction_count: int
    unoptimized: bool


def translate(
    family: Family,
    graph: Graph,
    descriptor: KernelDescriptor,
    kernel: str,
    function: str,
    observer: Observer | None = None,
) -> Translation:
    """Translates all code that the kernel reaches, by the semantics of a family, into an LLVM function of
    the given name; `observer` may add code at the events of builder/observers.py.

    Raises UnsupportedInstructionError naming mnemonic, address and source line of the first
    instruction without semantics.
    """
    module = ir.Module(name=kernel)
    k = wave_builder(family, module, function, 32 if descriptor.wave32 else 64, observer)
    with _uncollected():
        start = Mode(descriptor.initial_mode(family.initial))
        _Program(k, graph, kernel, propagate(graph, start)).emit()
        strips.strip(k.function, k.lanes)
        return Translation(str(module), graph.instruction_count, graph.unoptimized)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Python's collector of cycles would walk all of the IR again and again while it grows, for nothing:
    up to half of the time of a large kernel."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def wave_builder(
    family: Family, module: ir.Module, function: str, lanes: int, observer: Observer | None = None
) -> WaveBuilder:
    """A builder of a wave function whose instructions mean what the family says."""
    return WaveBuilder(module, function, lanes, observer, Dialect(family, handlers(family)))


def handler_name(inst: Instruction) -> str:
    """VOPD halves have the semantics of the instruction that they name."""
    return inst.mnemonic.replace("v_dual_", "v_", 1)


CYCLES_PER_SLEEP = 64
"""Of each that s_sleep counts."""


class _Program:
    def __init__(self, k: WaveBuilder, graph: Graph, kernel: str, block_modes: dict[int, Mode]) -> None:
        self.k, self.graph, self.kernel, self.block_modes = k, graph, kernel, block_modes
        self.labels = {a: k.function.append_basic_block(f"x{a:x}") for a in graph.blocks}
        self.resume_points = {graph.entry: 0}
        self.dispatch: ir.Block | None = None
        self.target: Value = None
        if graph.indirect_targets:
            self.dispatch = k.function.append_basic_block("dispatch")

    def emit(self) -> None:
        k, entry = self.k, self.k.b.block
        k.observer.start(k)
        if self.dispatch is not None:
            self.target = k.b.alloca(I64)
        for address, block in self.graph.blocks.items():
            k.start_block(self.labels[address])
            k.mode = self.block_modes[address]
            self._block(block)
        if self.dispatch is not None:
            self._emit_dispatch(self.dispatch)
        k.start_block(entry)
        resume = k.load_field(abi.Wave.resume.offset, I32)
        choice = k.b.switch(resume, self.labels[self.graph.entry])
        for address, place in self.resume_points.items():
            choice.add_case(ir.Constant(I32, place), self.labels[address])

    def _emit_dispatch(self, dispatch: ir.Block) -> None:
        """Jumps to the code at `target`, a device address; anywhere else is a fault."""
        k = self.k
        k.start_block(dispatch)
        unknown = k.function.append_basic_block("unknown")
        address = k.b.load(self.target, typ=I64)
        choice = k.b.switch(k.b.sub(address, k.code_base()), unknown)
        for place in sorted(self.graph.indirect_targets & self.labels.keys()):
            choice.add_case(ir.Constant(I64, place), self.labels[place])
        k.start_block(unknown)
        self._fault(abi.FaultKind.JUMP, address, self.graph.entry)

    def _block(self, block: list[Instruction]) -> None:
        count = sum(1 for _ in block)
        total = self.k.load_field(abi.Wave.instructions.offset, I64)
        self.k.store_field(abi.Wave.instructions.offset, self.k.b.add(total, self.k.i64(count)))
        self.k.observer.block(self.k, block)
        for place, inst in enumerate(block):
            self.k.ahead = count - place
            if inst.mnemonic in BLOCK_ENDS:
                self.k.observer.before(self.k, inst)
                _ENDS.get(inst.mnemonic, _Program._branch)(self, inst)
            else:
                self._instruction(inst)
        if not self.k.b.block.is_terminated:
            self.k.flush()
            self.k.b.branch(self.labels[block[-1].next_address])

    def _instruction(self, inst: Instruction) -> None:
        k = self.k
        k.lane_override = None
        try:
            if inst.second is None:
                self._one(inst)
                return
            k.begin_pair()
            self._one(inst)
            self._one(inst.second)
            k.end_pair()
        except UnsupportedInstructionError:
            raise
        except DeviceError as error:
            raise self._refusal(inst, error.message) from None

    def _one(self, inst: Instruction) -> None:
        handler, k = self._handler(inst), self.k
        k.placement = sdwa.placement(inst)
        k.zeroes_other_half = inst.mnemonic in k.dialect.family.zeroing
        k.observer.before(k, inst)
        handler(k, inst)
        k.observer.after(k, inst)
        k.placement = None

    def _handler(self, inst: Instruction) -> Handler:
        name, known = handler_name(inst), self.k.dialect.handlers
        handler = directed.handler(name, known) if self.k.mode.directed else known.get(name)
        if handler is None:
            raise self._refusal(inst, no_semantics(inst.mnemonic))
        return handler

    def _refusal(self, inst: Instruction, message: str) -> UnsupportedInstructionError:
        source = f" ({inst.source})" if inst.source else ""
        return UnsupportedInstructionError(
            f"{message}: `{inst.text}`",
            where=f"{self.kernel}+{inst.address - self.graph.entry:#x} at {inst.address:#x}{source}",
            hint="run on a GPU (--device amd), or report the instruction",
        )

    # ---- ends of blocks

    def _branch(self, inst: Instruction) -> None:
        k, target = self.k, inst.branch_target
        condition = None if inst.mnemonic == "s_branch" else self._condition(inst.mnemonic)
        if condition is not None:
            k.observer.branched(k, inst, condition)
        k.flush()
        if target <= inst.address:
            self._check_limit(inst, condition, target)
        if condition is None:
            k.b.branch(self.labels[target])
        else:
            k.b.cbranch(condition, self.labels[target], self.labels[inst.next_address])

    def _condition(self, mnemonic: str) -> Value:
        k, what = self.k, mnemonic.removeprefix("s_cbranch_")
        if what in ("scc0", "scc1"):
            scc = k.scc()
            return k.invert(scc) if what == "scc0" else scc
        bits = k.exec_bits() if what.startswith("exec") else k.read_mask(k.vcc)
        return k.b.icmp_unsigned("==" if what.endswith("z") and "nz" not in what else "!=", bits, k.i64(0))

    def _check_limit(self, inst: Instruction, condition: Value | None, resume_at: int | None) -> None:
        """On the way back in a loop: has the wave had its turn? Then it yields, to go on at an address."""
        k = self.k
        done = k.load_field(abi.Wave.instructions.offset, I64)
        over = k.b.icmp_unsigned(">", done, k.load_field(abi.Wave.limit.offset, I64))
        if condition is not None:
            over = k.b.and_(over, condition)
        ask, onward = (k.function.append_basic_block(name) for name in ("over", "onward"))
        k.b.cbranch(over, ask, onward)
        k.b.position_at_end(ask)
        may_yield = resume_at is not None
        answer = k.call("rt_over_limit", I32, [k.worker, k.wave, k.i32(inst.address), k.i32(may_yield)])
        if resume_at is None:
            k.b.cbranch(k.b.icmp_unsigned("!=", answer, k.i32(0)), k.fault_block, onward)
        else:
            self._pause(inst, abi.Status.YIELDED, resume_at)
        k.b.position_at_end(onward)

    def _pause(self, inst: Instruction, status: abi.Status, resume_at: int) -> None:
        """Returns to the driver; the wave, whose registers are in memory, goes on at an address."""
        k = self.k
        place = self.resume_points.setdefault(resume_at, len(self.resume_points))
        k.store_field(abi.Wave.pc.offset, k.i32(inst.address))
        k.store_field(abi.Wave.resume.offset, k.i32(place))
        k.b.ret(k.i32(status))

    def _end(self, _: Instruction) -> None:
        self.k.b.ret(self.k.i32(abi.Status.ENDED))

    def _barrier(self, inst: Instruction) -> None:
        """The wave goes on at the next instruction when all have come."""
        k = self.k
        k.flush()
        met = k.load_field(abi.Wave.barriers.offset, I64)
        k.store_field(abi.Wave.barriers.offset, k.b.add(met, k.i64(1)))
        self._pause(inst, abi.Status.BARRIER, inst.next_address)

    def _grid_barrier(self, inst: Instruction) -> None:
        """ds_gws_barrier: waits until as many waves as the barrier counts have come. M0 and the offset choose
        the barrier; the first active lane's value, plus one, is its count from the next time on."""
        k = self.k
        count = k.b.extract_element(k.vgpr(inst.operands[0].index), lanes.first_lane(k))
        chosen = k.b.add(k.b.lshr(k.sgpr(M0), k.i32(16)), k.i32(inst.offset))
        k.store_field(abi.Wave.reload.offset, k.b.add(count, k.i32(1)))
        k.store_field(abi.Wave.resource.offset, k.b.and_(chosen, k.i32(abi.GRID_BARRIERS - 1)))
        k.flush()
        self._pause(inst, abi.Status.GRID, inst.next_address)

    def _sleep(self, inst: Instruction) -> None:
        """A wave that sleeps has nothing to do before another wave, or the host, has gone on."""
        k, cycles = self.k, CYCLES_PER_SLEEP * (inst.word & 0x7F)
        asleep = k.load_field(abi.Wave.asleep.offset, I64)
        k.store_field(abi.Wave.asleep.offset, k.b.add(asleep, k.i64(cycles)))
        k.flush()
        self._pause(inst, abi.Status.YIELDED, inst.next_address)

    def _jump(self, inst: Instruction) -> None:
        """s_setpc_b64 and s_swappc_b64."""
        k = self.k
        target = k.read_scalar(inst.operands[-1], TYPES["b64"])
        if inst.mnemonic == "s_swappc_b64":
            k.write_scalar(inst.operands[0], k.b.add(k.code_base(), k.i64(inst.next_address)))
        k.flush()
        if self.dispatch is None:
            self._fault(abi.FaultKind.JUMP, target, inst.address)
            return
        self._check_limit(inst, None, None)
        k.b.store(target, self.target)
        k.b.branch(self.dispatch)

    def _call(self, inst: Instruction) -> None:
        k = self.k
        k.write_scalar(inst.operands[0], k.b.add(k.code_base(), k.i64(inst.next_address)))
        k.flush()
        k.b.branch(self.labels[inst.branch_target])

    def _trap(self, inst: Instruction) -> None:
        self._fault(abi.FaultKind.TRAP, self.k.i64(inst.word & 0xFFFF), inst.address)

    def _fault(self, kind: abi.FaultKind, address: Value, pc: int) -> None:
        k = self.k
        k.call("rt_trap", I32, [k.worker, k.wave, k.i32(kind), address, k.i32(pc)])
        k.b.branch(k.fault_block)


_ENDS: dict[str, Callable[[_Program, Instruction], None]] = {
    "s_endpgm": _Program._end,
    "s_endpgm_saved": _Program._end,
    "s_barrier": _Program._barrier,
    "s_sleep": _Program._sleep,
    "ds_gws_barrier": _Program._grid_barrier,
    "s_setpc_b64": _Program._jump,
    "s_swappc_b64": _Program._jump,
    "s_call_b64": _Program._call,
    "s_trap": _Program._trap,
}
