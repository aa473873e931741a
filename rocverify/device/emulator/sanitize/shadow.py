"""Undefined bits of registers, carried along with the values (an observer of the translation).

Every VGPR, SGPR and SCC has a shadow of its own width behind the wave's registers: a set bit means that
the register's bit is undefined. For most instructions a result is undefined, in a lane, if anything that
it was computed from is; rules.py has those of which bits can be told one by one. What is undefined may be
moved about freely: it is reported where it decides an address, a branch, or what global memory gets.
"""

from __future__ import annotations

from collections.abc import Sequence

from llvmlite import ir

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import M0
from rocverify.device.emulator.sanitize.bits import lanes_undefined
from rocverify.device.emulator.sanitize.copies import is_copied
from rocverify.device.emulator.sanitize.decisions import check_branch, check_exec, check_target, report_if
from rocverify.device.emulator.sanitize.layout import Decides, Space
from rocverify.device.emulator.sanitize.register_notes import RegisterNotes
from rocverify.device.emulator.sanitize.rules import RULES
from rocverify.device.emulator.sanitize.spilled import loads_before_loops
from rocverify.device.emulator.sanitize.spreading import spread_to_scalars, spread_to_vectors, together
from rocverify.device.emulator.sanitize.synchronisation import Synchronisation, place_of
from rocverify.device.emulator.translate.builder.observers import Access
from rocverify.device.emulator.translate.builder.registers import SHADOW
from rocverify.device.emulator.translate.builder.types import I32, Value, null_pointer
from rocverify.device.emulator.translate.builder.wave import WaveBuilder
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, ENDS, Graph
from rocverify.device.emulator.translate.lowering.program import handler_name
from rocverify.device.emulator.translate.semantics.relative import HANDLERS as RELATIVE

K = WaveBuilder

_SPACES = {"global": Space.GLOBAL, "lds": Space.LDS, "flat": Space.FLAT, "scratch": Space.SCRATCH}
_FRESH, _RELEASES, _ATOMIC, _LDS_ATOMIC, _POLLED, _COPIED = (1 << bit for bit in range(16, 22))
_NEAR, _FAR, _FENCE_RELEASES = range(3)
"""What ends at a fence, for rt_san_fence: the workgroup's, the device's, or a wait for stores alone."""

_FLAGS = ("src_scc", "src_vccz")


class ShadowObserver(RegisterNotes):
    """Adds the computation of shadows, and calls of the runtime at memory accesses, barriers and fences."""

    def __init__(self, graph: Graph | None = None, wave_barriers: frozenset[int] = frozenset()) -> None:
        """wave_barriers: the instructions before which the lanes of a wave are brought in order."""
        super().__init__()
        self._graph = graph
        self._code, self._first = Synchronisation(), frozenset[int]()
        self._wave_barriers = wave_barriers
        self._block: Sequence[Instruction] = ()
        self._compared: Value | None = None  # EXEC as a comparison finds it that writes it

    def start(self, k: K) -> None:
        """Learns which instructions of the kernel synchronise."""
        self._code = Synchronisation.of(self._graph, k.dialect.family.ordering)
        self._first = frozenset(loads_before_loops(self._graph) if self._graph else ())

    # ---- instructions

    def block(self, k: K, block: Sequence[Instruction]) -> None:
        """Keeps the block, for what its later instructions say."""
        self._block = block

    def before(self, k: K, inst: Instruction) -> None:
        """Begins the record of what an instruction reads and writes."""
        for record in (self._vectors, self._scalars, self._written, self._written_scalars):
            record.clear()
        flagged = any(operand.name in _FLAGS for operand in inst.operands)
        rule = None if flagged else RULES.get(handler_name(inst))
        self._ending = inst.mnemonic in ENDS
        self._recording = rule is None and not self._ending
        self._announce(k, inst)
        self._compared = k.exec_bits() if inst.mnemonic.startswith("v_cmpx_") else None
        if handler_name(inst) in RELATIVE:
            distance = k.b.icmp_unsigned("!=", k.quiet_sgpr(SHADOW + M0), k.i32(0))
            report_if(k, inst, Decides.ADDRESS, k.b.select(distance, k.exec_bits(), k.i64(0)))
        if rule is not None:
            rule(k, inst)
            k.lane_override = None
        if inst.mnemonic in BRANCHES:
            self._recording = False
            check_branch(k, inst)
        elif inst.mnemonic in ("s_setpc_b64", "s_swappc_b64"):
            check_target(k, inst)

    def after(self, k: K, inst: Instruction) -> None:
        """Spreads undefined bits from what was read to what was written."""
        if self._recording:
            self._spread(k, inst)
        check_exec(k, inst)

    def _spread(self, k: K, inst: Instruction) -> None:
        self._recording = False
        vector, scalar = together(k, self._vectors), together(k, self._scalars)
        if self._written:
            spread_to_vectors(k, self._written, vector, scalar)
        if self._written_scalars:
            spread_to_scalars(k, inst, self._written_scalars, vector, scalar, self._compared)

    # ---- reports

    def _announce(self, k: K, inst: Instruction) -> None:
        pc = k.i32(inst.address)
        if inst.address in self._wave_barriers:
            k.call_void("rt_san_wave_barrier", [k.worker, k.wave])
        if inst.mnemonic == "s_barrier":
            k.call_void("rt_san_barrier", [k.worker, k.wave, k.exec_bits(), pc])
        elif inst.mnemonic.startswith("global_atomic_") and self._code.allocates(inst):
            # Who frees a block and who gets it next are in order, though malloc's own atomics are relaxed.
            k.call_void("rt_san_fence", [k.worker, k.wave, k.i32(_FAR)])
        elif (fence := self._fence(k, inst)) is not None:
            k.call_void("rt_san_fence", [k.worker, k.wave, k.i32(fence)])
        elif inst.address in self._code.releases:
            k.call_void("rt_san_fence", [k.worker, k.wave, k.i32(_FENCE_RELEASES)])

    def _fence(self, k: K, inst: Instruction) -> int | None:
        """What an invalidation of caches ends; None of what is none."""
        ordering = k.dialect.family.ordering
        if ordering is not None and inst.scoped in ordering.far:
            return _FENCE_RELEASES if inst.address in self._code.vain else _FAR
        return _NEAR if ordering is not None and inst.scoped in ordering.near else None

    def _check_address(self, k: K, inst: Instruction) -> None:
        """What was read so far, the address was made of."""
        vector, scalar = together(k, self._vectors), together(k, self._scalars)
        undefined = k.i64(0) if vector is None else lanes_undefined(k, vector)
        if scalar is not None:
            some = k.b.icmp_unsigned("!=", scalar, k.i32(0))
            undefined = k.b.or_(undefined, k.b.select(some, k.exec_bits(), k.i64(0)))
        report_if(k, inst, Decides.ADDRESS, undefined)

    # ---- memory

    def addressed(self, k: K, inst: Instruction) -> None:
        """Before the access: an address made of undefined bits may well lead to a fault."""
        if self._recording:
            self._check_address(k, inst)
            self._vectors.clear()
            self._scalars.clear()

    def scalar_loaded(
        self, k: K, inst: Instruction, address: Value, target: int, size: int, signed: bool = False
    ) -> None:
        """Loads the undefined bits of what a scalar load loads."""
        self._recording = False
        pointer = k.sgpr_pointer(SHADOW + target)
        fresh = int(size <= 8 and inst.operands[1].name in self._code.retried_bases)
        form = k.i32(size | signed << 8)
        k.call_void(
            "rt_san_scalar_load",
            [k.worker, k.wave, pointer, address, form, k.i32(fresh), k.i32(inst.address)],
        )
        k.forget_sgprs(SHADOW + target, -(-size // 4))

    def accessed(self, k: K, inst: Instruction, access: Access) -> None:
        """Has the runtime compare an access, and move its undefined bits."""
        self._recording = False
        place = place_of(inst)
        retried = place in self._code.retried or self._code.allocates(inst) or inst.address in self._first
        order = 0
        if access.space == "lds" and access.kind == "load":
            order = _LDS_ATOMIC | _POLLED if place in self._code.polled else _LDS_ATOMIC if retried else 0
        form = k.i32(_form(inst, access, retried) | order)
        exec_bits, pc = k.exec_bits(), k.i32(inst.address)
        dwords = max(access.size // 4, 1)
        if access.data is not None:
            k.flush_vgprs(SHADOW + access.data, dwords)
        if access.result is not None:
            k.flush_vgprs(SHADOW + access.result, dwords)
        if access.kind == "load":
            assert access.result is not None
            pointer = k.vgpr_pointer(SHADOW + access.result)
            k.call_void("rt_san_load", [k.worker, k.wave, pointer, exec_bits, form, pc])
        elif access.kind == "store":
            assert access.data is not None
            pointer = k.vgpr_pointer(SHADOW + access.data)
            stored = _RELEASES if inst.address in self._code.released else 0
            stored |= _ATOMIC if self._code.allocates(inst) else 0
            struct = access.space in ("global", "flat") and access.size > 4
            stored |= _COPIED if struct and is_copied(self._block, inst, access.data, dwords) else 0
            arguments = [k.worker, k.wave, pointer, exec_bits, k.b.or_(form, k.i32(stored)), pc]
            k.call_void("rt_san_store", arguments)
        elif access.data is None:
            self._count_lanes(k, inst, form)
        else:
            given = k.vgpr_pointer(SHADOW + access.data)
            result = null_pointer() if access.result is None else k.vgpr_pointer(SHADOW + access.result)
            k.call_void("rt_san_atomic", [k.worker, k.wave, given, result, exec_bits, form, pc])
            if self._code.allocates(inst):
                k.call_void("rt_san_fence", [k.worker, k.wave, k.i32(_FAR)])
        if access.result is not None:
            k.forget_vgprs(SHADOW + access.result, dwords)

    def _count_lanes(self, k: K, inst: Instruction, form: Value) -> None:
        """ds_append and ds_consume: one lane counts for all, and all get what it found."""
        target, exec_bits = SHADOW + inst.operands[0].index, k.exec_bits()
        k.flush_vgprs(target, 1)
        pointer = k.vgpr_pointer(target)
        arguments = [k.worker, k.wave, null_pointer(), pointer, exec_bits, form, k.i32(inst.address)]
        k.call_void("rt_san_atomic", arguments)
        k.forget_vgprs(target, 1)
        counting = k.b.and_(k.b.cttz(exec_bits, ir.Constant(ir.IntType(1), 0)), k.i64(k.lanes - 1))
        self._vectors.append(k.splat(k.b.extract_element(k.quiet_vgpr(target), k.b.trunc(counting, I32))))
        self._recording = True


def _form(inst: Instruction, access: Access, retried: bool) -> int:
    """As FORM_SIZE and its fellows in runtime/sanitize.c take it apart; `retried`: see
    synchronisation.py."""
    half = 0 if not access.name.startswith("d16") else 2 if "_hi_" in access.name else 1
    signed = access.name.endswith("i8") or access.name.endswith("i16")
    fresh = _FRESH if (retried or inst.reads_past_caches) and access.kind == "load" else 0
    return access.size | signed << 8 | half << 9 | int(_SPACES[access.space]) << 12 | fresh
