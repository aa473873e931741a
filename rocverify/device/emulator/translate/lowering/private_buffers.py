"""Scratch of families whose waves are given it as a buffer: what goes through that buffer is scratch.

The resource of the wave's scratch comes in user SGPRs. Code adds the wave's offset to it, copies it, and
gives it to buffer loads and stores, whose swizzling makes one dword of every lane stand beside the others':
an offset in the instruction or in its VGPR counts bytes of a lane, one in its SGPR bytes of the whole wave
(LLVM's "User Guide for AMDGPU Backend", private segment buffer; SIFrameLowering.cpp). Which registers hold
the resource is followed over the graph. Where it cannot be told, the access is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rocverify.device.emulator.isa.descriptors import KernelDescriptor
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.family import InitialState
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.access_forms import OF_WAVE
from rocverify.device.emulator.translate.lowering.flow import Graph, successors
from rocverify.errors import UnsupportedInstructionError

RESOURCE = ("base", "base high", "records", "format")
"""The dwords of the resource; the wave's offset is followed as OFFSET."""

OFFSET, UNSURE = "offset", "unsure"
State = dict[int, str]
"""What SGPRs hold of these, by number; others hold something else. UNSURE: on some paths one of these."""

_LOADS, _STORES = "buffer_load_", "buffer_store_"
_SECOND_RESULTS = frozenset(
    {f"v_{name}_u32" for name in ("add_co", "sub_co", "subrev_co", "add_co_ci", "sub_co_ci", "subrev_co_ci")}
    | {"v_div_scale_f32", "v_div_scale_f64", "v_mad_u64_u32", "v_mad_i64_i32"}
)


def with_scratch(graph: Graph, descriptor: KernelDescriptor, initial: InitialState) -> Graph:
    """The graph with accesses to scratch by name; UnsupportedInstructionError where a buffer may be scratch,
    but need not be."""
    start = _start(descriptor, initial)
    if not start:
        return graph
    for address, state in _propagated(graph, start).items():
        block = graph.blocks[address]
        for place, inst in enumerate(block):
            if inst.mnemonic.startswith(("buffer_load_", "buffer_store_", "buffer_atomic_")):
                block[place] = _resolved(inst, state)
            _step(inst, state)
    return graph


def _start(descriptor: KernelDescriptor, initial: InitialState) -> State:
    """What the dispatcher puts where; nothing if the kernel is given no such buffer."""
    state: State = {}
    given = descriptor.user_sgprs(initial)
    if not initial.scratch_descriptor or not given or given[0][0] != "private_segment_buffer":
        return state
    state.update(enumerate(RESOURCE))
    if descriptor.private_segment:
        groups = descriptor.group_id_mask.bit_count()
        state[descriptor.user_sgpr_count + groups + descriptor.workgroup_info] = OFFSET
    return state


def _propagated(graph: Graph, start: State) -> dict[int, State]:
    """What holds where each block begins."""
    states, waiting = {graph.entry: start}, [graph.entry]
    while waiting:
        address = waiting.pop()
        state = dict(states[address])
        for inst in graph.blocks[address]:
            _step(inst, state)
        for target in successors(graph, graph.blocks[address][-1]):
            known = states.get(target)
            merged = dict(state) if known is None else _merged(known, state)
            if merged != known:
                states[target] = merged
                waiting.append(target)
    return states


def _merged(one: State, other: State) -> State:
    return {
        index: one[index] if one.get(index) == other.get(index) else UNSURE
        for index in one.keys() | other.keys()
    }


def _step(inst: Instruction, state: State) -> None:
    """What holds after an instruction."""
    held = _result(inst, state)
    for index in _written(inst):
        state.pop(index, None)
    state.update(held)


def _result(inst: Instruction, state: State) -> State:
    """What the registers that an instruction writes hold of what is followed."""
    if inst.mnemonic in ("s_mov_b32", "s_mov_b64"):
        target, source = inst.operands
        if source.kind is not OperandKind.SGPR:
            return {}
        pairs = ((target.index + half, state.get(source.index + half)) for half in range(target.count))
        return {index: what for index, what in pairs if what is not None}
    if inst.mnemonic in ("s_add_u32", "s_addc_u32"):
        target, first, second = inst.operands
        kept = RESOURCE[0] if inst.mnemonic == "s_add_u32" else RESOURCE[1]
        if state.get(first.index) == kept and first.kind is OperandKind.SGPR:
            is_zero = second.kind is OperandKind.INTEGER and second.index == 0
            is_offset = second.kind is OperandKind.SGPR and state.get(second.index) == OFFSET
            return {target.index: kept} if (is_offset if kept == RESOURCE[0] else is_zero) else {}
    return {}


def _written(inst: Instruction) -> Iterator[int]:
    """The SGPRs that an instruction may write."""
    results = 2 if inst.mnemonic in _SECOND_RESULTS else 1
    for operand in inst.operands[:results]:
        if operand.kind is OperandKind.SGPR:
            yield from range(operand.index, operand.index + operand.count)


def _resolved(inst: Instruction, state: State) -> Instruction:
    """An access through a buffer, by what its resource is."""
    resource = inst.operands[2]
    held = [state.get(resource.index + place) for place in range(4)]
    if not any(held):
        return inst
    if held != list(RESOURCE) or "idxen" in inst.modifiers or inst.mnemonic.startswith("buffer_atomic_"):
        raise UnsupportedInstructionError(
            f"the buffer may be the wave's scratch, or another: `{inst.text}`",
            where=f"{inst.address:#x}" + (f" ({inst.source})" if inst.source else ""),
            hint="run on a GPU (--device amd), or report the instruction",
        )
    data, address, _, offset = inst.operands
    vector = address if "offen" in inst.modifiers else Operand(OperandKind.OFF, name="off")
    stores = inst.mnemonic.startswith(_STORES)
    modifiers = {name: text for name, text in inst.modifiers.items() if name != "offen"} | {OF_WAVE: ""}
    return replace(
        inst,
        mnemonic=inst.mnemonic.replace("buffer_", "scratch_", 1),
        operands=(vector, data, offset) if stores else (data, vector, offset),
        modifiers=modifiers,
    )
