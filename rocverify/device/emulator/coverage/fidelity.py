"""Instructions whose result on the emulator is a model of the hardware's: which of them were executed, how
far the two may be apart, and what such a value may decide.

What it decides is told from the code alone: a value flows from register to register, through no memory. So a
branch or an address that is named may depend on it; one that gets it through memory is not named.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rocverify.device.emulator.coverage.executed import Modelled
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC, VCC, OperandKind
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, Graph
from rocverify.device.emulator.translate.semantics.matrix_cdna import PRODUCTS as CDNA_PRODUCTS
from rocverify.device.emulator.translate.semantics.matrix_rdna4 import PRODUCTS

_SINGLE = "within 1 ULP of the exact value, as the hardware is; the last bit may differ"
_HALF = "within 0.51 ULP of the exact value, as the hardware is; the last bit may differ"
_DOUBLE = "within 1 ULP here, within 2**29 ULP on the hardware: refined by the code that uses it"
_ANGLE = "within 1 ULP here; the hardware's error is absolute, and larger for large angles"
_WMMA = "the sum over k in ascending order, each step fused; the hardware's order is not documented"
_CLOCK = "four cycles an instruction, from a fixed start: nothing of the hardware's time"
_STOCHASTIC = "a neighbour of the exact value; which of the two a seed gives is a model"
_PLACE = "a plausible place on the GPU"

MODELS: dict[str, str] = {
    **{f"v_{name}_f32": _SINGLE for name in ("exp", "log", "rcp", "rcp_iflag", "rsq", "sqrt")},
    **{f"v_{name}_f16": _HALF for name in ("exp", "log", "rcp", "rsq", "sqrt")},
    **{f"v_{name}_f64": _DOUBLE for name in ("rcp", "rsq", "sqrt")},
    **{f"v_{name}_f{bits}": _ANGLE for name in ("sin", "cos") for bits in (16, 32)},
    **{
        f"v_wmma_{form}": _WMMA
        for form in ("f32_16x16x16_f16", "f32_16x16x16_bf16", "f16_16x16x16_f16", "bf16_16x16x16_bf16")
    },
    **{f"v_s_{name}_f32": _SINGLE for name in ("exp", "log", "rcp", "rsq", "sqrt")},
    **{f"v_s_{name}_f16": _HALF for name in ("exp", "log", "rcp", "rsq", "sqrt")},
    **{name: _WMMA for name, product in PRODUCTS.items() if product.result.is_float},
    **{name: _WMMA for name, product in CDNA_PRODUCTS.items() if not product.is_integer},
    **dict.fromkeys(("s_memtime", "s_memrealtime", "s_sendmsg_rtn_b64"), _CLOCK),
    "s_getreg_b32": _PLACE,
    **dict.fromkeys(("v_cvt_sr_fp8_f32", "v_cvt_sr_bf8_f32"), _STOCHASTIC),
}
"""By mnemonic: how far the result is the hardware's. Bounds are the ISA manual's, and those of
translate/semantics."""

_SCC = -1
_VECTOR = 1000
_ACCESSES = ("global_", "flat_", "scratch_", "buffer_", "tbuffer_", "ds_", "s_load_", "s_buffer_load_")
_NO_RESULT = ("s_cbranch", "s_branch", "s_wait", "s_nop", "s_barrier", "s_delay", "s_clause", "s_endpgm")


def modelled(kernel: LoadedKernel, executed: Iterable[int]) -> tuple[Modelled, ...]:
    """Of the blocks that were executed, by their addresses."""
    graph, ran = kernel.graph, set(executed)
    found: dict[str, list[int]] = {}
    for address in sorted(ran):
        for part in _parts(graph.blocks[address]):
            if part.mnemonic in MODELS:
                found.setdefault(part.mnemonic, []).append(part.address)
    return tuple(
        Modelled(name, MODELS[name], tuple(places), *_decided(graph, ran, name))
        for name, places in sorted(found.items())
    )


def _parts(block: Iterable[Instruction]) -> Iterator[Instruction]:
    for inst in block:
        yield inst
        if inst.second is not None:
            yield inst.second


def _decided(graph: Graph, ran: set[int], name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Branches and accesses that may depend on a result of the instruction: registers that hold it, followed
    through the blocks until nothing changes."""
    entering: dict[int, frozenset[int]] = {address: frozenset() for address in ran}
    branches: set[int] = set()
    addresses: set[int] = set()
    waiting = set(ran)
    while waiting:
        address = waiting.pop()
        held = set(entering[address])
        for part in _parts(graph.blocks[address]):
            _step(part, name, held, branches, addresses)
        for following in _followers(graph, address) & ran:
            if not held <= entering[following]:
                entering[following] |= held
                waiting.add(following)
    return tuple(sorted(branches)), tuple(sorted(addresses))


def _followers(graph: Graph, address: int) -> set[int]:
    last = graph.blocks[address][-1]
    found = {last.next_address}
    if last.mnemonic in BRANCHES or last.mnemonic == "s_call_b64":
        found.add(last.branch_target)
    if last.mnemonic in ("s_setpc_b64", "s_swappc_b64"):
        found |= graph.indirect_targets
    return found & graph.blocks.keys()


def _step(inst: Instruction, name: str, held: set[int], branches: set[int], addresses: set[int]) -> None:
    """One instruction: what it decides, and what holds the value after it."""
    writes, reads = _registers(inst)
    tainted = bool(reads & held)
    if inst.mnemonic in BRANCHES:
        if _condition(inst.mnemonic) & held:
            branches.add(inst.address)
        return
    if inst.mnemonic.startswith(_ACCESSES):
        if _address(inst) & held:
            addresses.add(inst.address)
        held -= writes
        return
    if tainted and (EXEC in writes or inst.mnemonic.startswith("v_cmpx_")):
        branches.add(inst.address)
    if tainted or inst.mnemonic == name:
        held |= writes
    else:
        held -= writes
    held.discard(EXEC)


def _condition(mnemonic: str) -> set[int]:
    what = mnemonic.removeprefix("s_cbranch_")
    return {_SCC} if what.startswith("scc") else {VCC, VCC + 1} if what.startswith("vcc") else set()


def _registers(inst: Instruction) -> tuple[set[int], set[int]]:
    """What an instruction writes, and reads: SGPRs by their index, VGPRs behind them."""
    if inst.mnemonic.startswith(_NO_RESULT):
        return set(), set()
    stores = "_store_" in inst.mnemonic
    compares = inst.mnemonic.startswith(("s_cmp", "s_bitcmp"))
    results = 0 if stores or compares else 2 if "_co_" in inst.mnemonic or "div_scale" in inst.mnemonic else 1
    writes = {r for operand in inst.operands[:results] for r in _of(operand)}
    reads = {r for operand in inst.operands[results:] for r in _of(operand)}
    if inst.mnemonic.startswith(("v_fmac", "v_dot2acc", "v_pk_fmac", "s_fmac", "v_writelane")):
        reads |= writes
    if inst.mnemonic.startswith("s_") and not inst.mnemonic.startswith(("s_mov", "s_load")):
        writes.add(_SCC)
    if inst.mnemonic.startswith(("s_cselect", "s_cmov", "s_addc", "s_subb")):
        reads.add(_SCC)
        writes -= {_SCC} if inst.mnemonic.startswith(("s_cselect", "s_cmov")) else set()
    if inst.mnemonic.startswith(("v_div_fmas", "v_cndmask")) and len(inst.operands) < 5:
        reads |= {VCC, VCC + 1}
    return writes, reads


def _address(inst: Instruction) -> set[int]:
    """The registers that an access makes its address of: loads name them behind the result, stores first."""
    stores = "_store_" in inst.mnemonic or inst.mnemonic.startswith("ds_")
    skipped = 0 if stores and "_load_" not in inst.mnemonic and "_rtn_" not in inst.mnemonic else 1
    if inst.mnemonic.startswith(("buffer_", "tbuffer_")):
        skipped = 1
    operands = inst.operands[skipped:]
    if inst.mnemonic.startswith("ds_"):
        operands = operands[:1]
    elif "_store_" in inst.mnemonic and not inst.mnemonic.startswith(("buffer_", "tbuffer_")):
        operands = (*operands[:1], *operands[2:])
    return {r for operand in operands for r in _of(operand)}


def _of(operand: Any) -> set[int]:
    if operand.kind is OperandKind.VGPR:
        return {_VECTOR + operand.index + i for i in range(operand.count)}
    if operand.kind is OperandKind.SGPR:
        return {operand.index + i for i in range(operand.count)}
    return set()
