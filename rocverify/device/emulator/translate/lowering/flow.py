"""Which code a kernel reaches: basic blocks, and the functions that indirect jumps may enter.

Control flow of machine code is scalar, so the wave's control-flow graph is the function's. Indirect
jumps (s_swappc_b64, s_setpc_b64) go through one dispatch: to return sites, and to every function
whose address the code forms with s_getpc_b64 or finds in a table that relocations fill.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from rocverify.device.emulator.isa.disassembly import Instruction, Listing
from rocverify.device.emulator.isa.operands import OperandKind
from rocverify.device.emulator.load.image import Image
from rocverify.errors import DeviceError, UnsupportedInstructionError

BRANCHES = {"s_branch", "s_cbranch_scc0", "s_cbranch_scc1", "s_cbranch_vccz", "s_cbranch_vccnz"} | {
    "s_cbranch_execz",
    "s_cbranch_execnz",
}
PAUSES = {"s_barrier", "s_sleep", "ds_gws_barrier"}
"""Where a wave gives the others a turn and goes on at the next instruction."""
ENDS = {"s_endpgm", "s_setpc_b64", "s_swappc_b64", "s_trap", "s_endpgm_saved", "s_call_b64"} | PAUSES
NO_FALLTHROUGH = {"s_branch", "s_endpgm", "s_setpc_b64", "s_swappc_b64", "s_trap", "s_endpgm_saved"}
BLOCK_ENDS = BRANCHES | ENDS
_FOLLOWED = BLOCK_ENDS | {"s_getpc_b64"}
_GOES_ON = BLOCK_ENDS - NO_FALLTHROUGH | {"s_swappc_b64"}
ADDRESS_WINDOW = 12
"""How many instructions after s_getpc_b64 its additions are looked for in."""
UNOPTIMIZED_LEAST, UNOPTIMIZED_SCRATCH = 500, 32
"""Code of -O0 has hundreds of instructions, and more than one in so many is one of scratch: one in 7 to 25 as
clang 15 and 19 leave the kernels of tests/corpus."""

ALLOCATOR = ("__ockl_dm_alloc", "__ockl_dm_dealloc")
"""The device libraries' malloc and free."""


@dataclass(slots=True)
class Graph:
    """Reached code: block starts, what an indirect jump may go to (virtual addresses), and where device
    malloc and free lie."""

    entry: int
    blocks: dict[int, list[Instruction]] = field(default_factory=dict)
    indirect_targets: set[int] = field(default_factory=set)
    allocator: tuple[range, ...] = ()

    @property
    def instruction_count(self) -> int:
        """How many instructions control can reach."""
        return sum(len(block) for block in self.blocks.values())

    @property
    def unoptimized(self) -> bool:
        """Whether the code is long and lives in scratch, as compilers leave it at -O0."""
        count = self.instruction_count
        if count < UNOPTIMIZED_LEAST:
            return False
        scratch = sum(i.mnemonic.startswith("scratch_") for block in self.blocks.values() for i in block)
        return scratch > count // UNOPTIMIZED_SCRATCH


def discover(listing: Listing, image: Image, entry: int) -> Graph:
    """The code reached from `entry`.

    Raises UnsupportedInstructionError where control runs into bytes that are no instruction.
    """
    symbols = [image.symbols[name] for name in ALLOCATOR if name in image.symbols]
    graph = Graph(entry, allocator=tuple(range(s.address, s.address + s.size) for s in symbols))
    leaders: set[int] = {entry}
    seen: set[int] = set()
    waiting = [entry]
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        for inst in _straight(listing, address, seen):
            if inst.mnemonic not in _FOLLOWED:
                continue
            targets = set(_successors(inst))
            if inst.mnemonic == "s_swappc_b64" and not _is_followed(listing, image, inst):
                targets.discard(inst.next_address)
            elif inst.mnemonic in ("s_swappc_b64", "s_call_b64"):
                graph.indirect_targets.add(inst.next_address)
            if inst.mnemonic == "s_getpc_b64":
                functions = set(functions_of(listing, image, inst))
                graph.indirect_targets |= functions
                targets |= functions
            leaders |= targets
            waiting.extend(targets)
    graph.blocks = dict(_blocks(listing, leaders, seen))
    return graph


def _is_followed(listing: Listing, image: Image, call: Instruction) -> bool:
    """Whether code stands behind a call. The last instruction of a function may be the call of one that never
    returns; what comes next is padding, or another function."""
    after = call.next_address
    inside = [s for s in image.symbols.values() if s.address <= call.address < s.address + s.size]
    return after in listing and all(after < s.address + s.size for s in inside)


def _straight(listing: Listing, address: int, seen: set[int]) -> Iterator[Instruction]:
    while address not in seen:
        try:
            inst = listing.at(address)
        except DeviceError:
            raise UnsupportedInstructionError(
                "control reaches bytes that are not an instruction",
                where=f"{address:#x}",
                hint="the code object is damaged, or calls code that it does not hold",
            ) from None
        seen.add(address)
        yield inst
        if inst.mnemonic in NO_FALLTHROUGH:
            return
        address = inst.next_address


def _successors(inst: Instruction) -> Iterator[int]:
    if inst.mnemonic in BRANCHES or inst.mnemonic == "s_call_b64":
        yield inst.branch_target
    if inst.mnemonic in _GOES_ON:
        yield inst.next_address


def functions_of(listing: Listing, image: Image, getpc: Instruction) -> Iterator[int]:
    """Function addresses that `s_getpc_b64` plus literals stands for, directly or through a table."""
    register, address, low = getpc.operands[0].index, getpc.next_address, None
    for _ in range(ADDRESS_WINDOW):
        if address not in listing:
            return
        inst = listing.at(address)
        address = inst.next_address
        if not inst.operands or inst.operands[0].kind is not OperandKind.SGPR:
            continue
        literal = _added_literal(inst)
        if inst.mnemonic == "s_add_u32" and inst.operands[0].index == register and literal is not None:
            low = literal
        elif inst.mnemonic == "s_addc_u32" and inst.operands[0].index == register + 1 and low is not None:
            offset = (literal or 0) << 32 | low
            offset -= 1 << 64 if offset >> 63 else 0
            yield from _functions_at(image, getpc.next_address + offset)
            return


def _added_literal(inst: Instruction) -> int | None:
    for operand in inst.operands[1:]:
        if operand.kind in (OperandKind.LITERAL, OperandKind.INTEGER):
            return operand.index & 0xFFFFFFFF
    return None


def _functions_at(image: Image, address: int) -> Iterator[int]:
    if address in image.text:
        yield address
        return
    table = next((s for s in image.symbols.values() if s.address <= address < s.address + s.size), None)
    words: Iterable[int] = range(table.address, table.address + table.size, 8) if table else (address,)
    for word in words:
        target = image.pointers.get(word)
        if target is not None and target in image.text:
            yield target


def _blocks(listing: Listing, leaders: set[int], seen: set[int]) -> Iterator[tuple[int, list[Instruction]]]:
    for leader in sorted(leaders & seen):
        block, address = [], leader
        while True:
            inst = listing.at(address)
            block.append(inst)
            address = inst.next_address
            if inst.mnemonic in BLOCK_ENDS or address in leaders or address not in seen:
                break
        yield leader, block


def successors(graph: Graph, last: Instruction) -> Iterator[int]:
    """The blocks that control may go to after the last instruction of one, by their addresses."""
    if last.mnemonic in BRANCHES or last.mnemonic == "s_call_b64":
        yield last.branch_target
    if last.mnemonic in ("s_setpc_b64", "s_swappc_b64"):
        yield from graph.indirect_targets & graph.blocks.keys()
    falls_through = last.mnemonic not in (ENDS | NO_FALLTHROUGH) or last.mnemonic in PAUSES
    if falls_through and last.next_address in graph.blocks:
        yield last.next_address
