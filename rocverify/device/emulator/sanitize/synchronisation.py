"""What machine code itself tells of synchronisation: stores that release, loads of a loop that waits, loops
that compare and swap. Nothing else tells relaxed atomics from plain accesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.family import Ordering
from rocverify.device.emulator.isa.operands import Operand, OperandKind
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, Graph

_RELEASED = ("global_store_", "flat_store_", "global_atomic_", "flat_atomic_")
_RETURNING = (
    "global_load_",
    "global_atomic_",
    "flat_load_",
    "flat_atomic_",
    "buffer_load_",
    "buffer_atomic_",
)
_BETWEEN = frozenset({"s_clause", "s_delay_alu", "s_nop"})
_SWAPS = ("ds_cmpstore_", "ds_cmpst_")
_COMPARES = ("v_cmp", "v_readfirstlane_")
_STORES = ("_store_", "_atomic_", "ds_add", "ds_wrxchg")


def _between(inst: Instruction, ordering: Ordering) -> bool:
    """Whether an instruction may stand between a wait and what it is for."""
    return inst.mnemonic in _BETWEEN or inst.mnemonic in ordering.waits


def releases_of(
    block: Sequence[Instruction], ordering: Ordering
) -> Iterator[tuple[Instruction, Instruction]]:
    """The waits for all stores that compilers put right before a store or an atomic that releases, and the
    latter: caches write through, so that nothing else tells them from plain or relaxed ones."""
    waiting: Instruction | None = None
    for inst in block:
        if ordering.waits_for_stores(inst.mnemonic, inst.word & 0xFFFF):
            waiting = inst
        elif waiting is not None and inst.mnemonic.startswith(_RELEASED):
            yield waiting, inst
        if not _between(inst, ordering):
            waiting = None


def invalidations_in_vain(block: Sequence[Instruction], ordering: Ordering) -> Iterator[Instruction]:
    """Invalidations of the device's caches that order nothing which was read before: of one level alone, or
    without a wait for a load or an atomic to return, which may bring an old value only then."""
    for place, inst in enumerate(block):
        if inst.scoped in ordering.far:
            whole = not ordering.both or _beside(block, place, ordering)
            if not (whole and _waited(block[:place], ordering)):
                yield inst


def _beside(block: Sequence[Instruction], place: int, ordering: Ordering) -> bool:
    """Whether the level beside is invalidated too, with nothing but waits between."""
    for part in (reversed(block[:place]), block[place + 1 :]):
        first = next((inst for inst in part if not _between(inst, ordering)), None)
        if first is not None and first.scoped in ordering.near:
            return True
    return False


def _waited(before: Sequence[Instruction], ordering: Ordering) -> bool:
    """Whether the loads of a block that read past the caches, and its atomics, have returned at its end. A
    wait for all but N of them leaves the last N."""
    left, waited = 0, False
    for inst in reversed(before):
        count = ordering.loads_left(inst.mnemonic, inst.word & 0xFFFF)
        load = "_load_" in inst.mnemonic
        if count is not None and not waited:
            left, waited = count, True
        elif inst.mnemonic.startswith(_RETURNING) and (load or inst.returns_old):
            if (inst.reads_past_caches if load else True) and (not waited or left > 0):
                return False
            left -= waited
    return True


def is_swap(inst: Instruction) -> bool:
    """Whether it compares and swaps."""
    return "_cmpswap_" in inst.mnemonic or is_lds_swap(inst)


def is_lds_swap(inst: Instruction) -> bool:
    """Whether it compares and swaps in LDS."""
    return inst.mnemonic.startswith(_SWAPS)


def place_of(inst: Instruction) -> tuple[str, ...]:
    """What a memory instruction makes its address of. The loop that a compiler makes of an atomic which the
    target lacks begins with a plain load from where it then compares and swaps."""
    operands = list(inst.operands)
    if inst.mnemonic.startswith("ds_"):
        place = int("_load_" in inst.mnemonic or "_rtn_" in inst.mnemonic)
        return ("ds", operands[place].name if len(operands) > place else "", str(inst.offset))
    if "_load_" in inst.mnemonic or ("_atomic_" in inst.mnemonic and inst.returns_old):
        operands.pop(0)
    words = [operand.name for operand in operands[:1] + operands[1 + ("_atomic_" in inst.mnemonic) :]]
    return (*words, str(inst.offset))


def polled_loads(graph: Graph) -> Iterator[Instruction]:
    """Loads of LDS by which a loop waits: it stores nothing, loads from one place again and again, and
    compares what it gets. Operations of one wave on LDS are in order: whoever has seen the value that ends
    such a loop sees what the wave that wrote it wrote before."""
    for block in graph.blocks.values():
        last = block[-1]
        if last.mnemonic in BRANCHES and last.branch_target <= last.address:
            yield from _waiting(_body(graph, last.branch_target, last.address))


def _body(graph: Graph, first: int, last: int) -> list[Instruction]:
    """The code of a loop, as compilers lay it out: from its head to the branch back."""
    return [inst for start, block in graph.blocks.items() if first <= start <= last for inst in block]


def _waiting(body: Sequence[Instruction]) -> Iterator[Instruction]:
    parts = [part for inst in body for part in (inst, inst.second) if part is not None]
    if any(word in part.mnemonic for part in parts for word in _STORES):
        return
    written = {register for part in parts for register in _registers(part.operands[:1])}
    compared = {
        register
        for part in parts
        if part.mnemonic.startswith(_COMPARES)
        for register in _registers(part.operands)
    }
    for part in parts:
        if part.mnemonic.startswith("ds_load_") and len(part.operands) > 1:
            address, result = _registers(part.operands[1:2]), _registers(part.operands[:1])
            if not address & written and result & compared:
                yield part


def _registers(operands: Sequence[Operand]) -> set[int]:
    """The VGPRs that operands name."""
    return {
        operand.index + place
        for operand in operands
        if operand.kind is OperandKind.VGPR
        for place in range(operand.count)
    }


@dataclass(frozen=True)
class Synchronisation:
    """What a kernel's code tells of it: the places of loops that compare and swap, and the registers that
    hold their addresses; the places that loops wait by; the code of device malloc and free; the addresses of
    waits before stores that release, of those stores, and of invalidations in vain."""

    retried: frozenset[tuple[str, ...]] = frozenset()
    retried_bases: frozenset[str] = frozenset()
    polled: frozenset[tuple[str, ...]] = frozenset()
    allocator: tuple[range, ...] = ()
    releases: frozenset[int] = frozenset()
    released: frozenset[int] = frozenset()
    vain: frozenset[int] = frozenset()

    @classmethod
    def of(cls, graph: Graph | None, ordering: Ordering | None) -> Synchronisation:
        """What a kernel synchronises by; nothing where its instructions or their ordering are not known."""
        if graph is None or ordering is None:
            return cls()
        blocks = tuple(graph.blocks.values())
        loops = [inst for block in blocks for inst in block if is_swap(inst)]
        pairs = [pair for block in blocks for pair in releases_of(block, ordering)]
        return cls(
            retried=frozenset(place_of(inst) for inst in loops),
            retried_bases=frozenset(o.name for inst in loops for o in inst.operands if o.count == 2),
            polled=frozenset(place_of(inst) for inst in polled_loads(graph)),
            allocator=tuple(graph.allocator),
            releases=frozenset(wait.address for wait, _ in pairs),
            released=frozenset(store.address for _, store in pairs),
            vain=frozenset(
                inst.address for block in blocks for inst in invalidations_in_vain(block, ordering)
            ),
        )

    def allocates(self, inst: Instruction) -> bool:
        """Whether it is of device malloc or free: their loads and stores are relaxed atomics."""
        return any(inst.address in function for function in self.allocator)
