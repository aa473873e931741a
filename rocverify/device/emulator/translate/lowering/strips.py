"""Wave-wide code as loops over strips of lanes.

The semantics write one IR instruction for all lanes of a wave. No CPU has vectors that wide: LLVM splits each
into several, keeps all parts of all values alive at once, and takes several times as long over it. Most of
these instructions are lane-wise, though: lane i of the result depends on lane i of the operands alone. So
runs of them become a loop over strips of `STRIP` lanes. What is not lane-wise (permutations, calls of the
runtime) ends a run and stays as it was written; values that cross such an end go through memory.

The order of accesses to memory does not change, but for those of one loop: of these no two touch the same
bytes unless they lie in the same strip.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from copy import copy
from dataclasses import dataclass, field

from llvmlite import ir

from rocverify.device.emulator.translate.builder.types import Value, splatted
from rocverify.device.emulator.translate.lowering.lanewise import Kind, Place, classify, is_dead, place_of
from rocverify.device.emulator.translate.lowering.strip_loop import Slots, StripLoop

WORTH = 5
"""Lane-wise instructions from which on a run is worth a loop."""

MOST = 500
"""Lane-wise instructions of one loop: register allocation and scheduling take more than linear time in it."""


def strip(function: ir.Function, lanes: int) -> None:
    """Rewrites a wave function (Emitter) whose blocks all end in terminators and hold no phi."""
    _Stripper(function, lanes).rewrite()


@dataclass(slots=True)
class _Run:
    """Lane-wise instructions under way, those of them whose result is a scalar, and the places in the wave
    that they touch: by 64 bytes, which, and whether one stores."""

    members: list[ir.Instruction] = field(default_factory=list)
    results: set[Value] = field(default_factory=set)
    inside: set[Value] = field(default_factory=set)
    touched: dict[int, tuple[Place, bool]] = field(default_factory=dict)

    def add(self, inst: ir.Instruction, place: Place | None) -> None:
        self.members.append(inst)
        self.inside.add(inst)
        if isinstance(inst.type, ir.IntType):
            self.results.add(inst)
        if place is None:
            return
        for line in place.lines():
            known = self.touched.get(line)
            self.touched[line] = (place, place.stores or (known is not None and known[1]))

    def collides(self, place: Place | None) -> bool:
        """Whether an access is of bytes that the run has in another strip."""
        if place is None:
            return False
        for line in place.lines():
            known = self.touched.get(line)
            if known is not None and (place.stores or known[1]) and not known[0].is_like(place):
                return True
        return False


class _Stripper:
    def __init__(self, function: ir.Function, lanes: int) -> None:
        self.function, self.lanes = function, lanes
        self.wave = function.args[1]
        self.slots = Slots(function, lanes)
        self.users: defaultdict[Value, list[ir.Instruction]] = defaultdict(list)
        self.chain_of: dict[ir.Instruction, int] = {}
        self.kinds: dict[ir.Instruction, Kind] = {}
        self.striped: set[Value] = set()
        self.run = _Run()
        self.splats: dict[Value, Value] = {}
        self.block: ir.Block = function.entry_basic_block
        self.chains = list(_chains(function))
        self._look()

    def _look(self) -> None:
        """Of what kind each instruction is and who uses it; those that nobody needs have no kind."""
        for number, chain in enumerate(self.chains):
            for block in chain:
                self.chain_of.update(dict.fromkeys(block.instructions, number))
        for inst in reversed(self.chain_of):
            if is_dead(inst, self.users):
                continue
            self.kinds[inst] = classify(inst, self.lanes, self.wave)
            for operand in inst.operands:
                if isinstance(operand, ir.Instruction):
                    self.users[operand].append(inst)

    def rewrite(self) -> None:
        for chain in self.chains:
            for block in chain:
                self._block(block)
        self.slots.finish()

    def _block(self, block: ir.Block) -> None:
        instructions, block.instructions = block.instructions, []
        terminator, block.terminator = block.terminator, None
        self._go_on_in(block)
        for inst in instructions:
            kind = self.kinds.get(inst)
            if kind is Kind.LANEWISE:
                self._lanewise(inst)
            elif kind is not None and kind is not Kind.SPLAT:
                self._other(inst, kind)
        self.block.terminator = terminator

    def _go_on_in(self, block: ir.Block) -> None:
        self.block = block
        self.splats = {}

    # ---- one instruction

    def _lanewise(self, inst: ir.Instruction) -> None:
        place = place_of(inst, self.wave)
        if self.run.collides(place) or self._needs(inst, self.run.results) or len(self.run.members) == MOST:
            self._close()
        self.run.add(inst, place)

    def _other(self, inst: ir.Instruction, kind: Kind) -> None:
        """Goes before the run, unless it needs what the run makes or comes after it in memory."""
        if (
            kind is Kind.APART
            or self._needs(inst, self.run.inside)
            or self.run.collides(place_of(inst, self.wave))
        ):
            self._close()
        self._put(inst)
        self._keep(inst, ())

    def _needs(self, inst: ir.Instruction, values: set[Value]) -> bool:
        if not values:
            return False
        for operand in inst.operands:
            scalar = splatted(operand)
            source = operand if scalar is None else scalar
            if isinstance(source, ir.Instruction) and source in values:
                return True
        return False

    # ---- instructions for all lanes at once

    def _put(self, inst: ir.Instruction) -> None:
        """Puts an instruction as it was written at the end of the block."""
        operands = list(inst.operands)
        inst.operands = [self._whole(operand) for operand in operands]
        self._append(inst)
        self.slots.release(operands)

    def _append(self, inst: ir.Instruction) -> None:
        inst.parent = self.block
        self.block.instructions.append(inst)

    def _whole(self, value: Value) -> Value:
        """A value of all lanes: read back if it was made in strips, made if it is a scalar in every lane."""
        if not isinstance(value, ir.Instruction):
            return value
        if value in self.striped:
            return self.slots.load(ir.IRBuilder(self.block), value)
        if splatted(value) is None:
            return value
        if value not in self.splats:
            first, whole = copy(value.operands[0]), copy(value)
            for part in (first, whole):
                part._set_name("")
            whole.operands = [first, *value.operands[1:]]
            self._append(first)
            self._append(whole)
            self.splats[value] = whole
        return self.splats[value]

    def _keep(self, value: ir.Instruction, beside: Container[Value]) -> None:
        """Stores a value of all lanes where loops may read it; the instructions `beside` it are in none."""
        if not isinstance(value.type, ir.VectorType):
            return
        users = self.users[value]
        if any(self.kinds[user] is Kind.LANEWISE and user not in beside for user in users):
            self.slots.make(value, self._lifetime(value, users))
            self.slots.store(ir.IRBuilder(self.block), value)

    def _lifetime(self, value: ir.Instruction, users: Iterable[ir.Instruction]) -> int | None:
        """How many uses come; None if there are some in another chain, which may come back."""
        chains = [self.chain_of[user] for user in users]
        return len(chains) if set(chains) == {self.chain_of[value]} else None

    # ---- runs

    def _close(self) -> None:
        """Emits the run."""
        run, self.run = self.run, _Run()
        if len(run.members) >= WORTH:
            self._loop(run)
            return
        for inst in run.members:
            self._put(inst)
            self._keep(inst, run.inside)

    def _loop(self, run: _Run) -> None:
        loop = StripLoop(self.function, self.lanes, self.block, self.slots)
        for inst in run.members:
            loop.add(inst)
            later = [user for user in self.users[inst] if user not in run.inside]
            if later and isinstance(inst.type, ir.VectorType):
                self.slots.make(inst, self._lifetime(inst, later))
                self.striped.add(inst)
                loop.keep(inst)
        self._go_on_in(loop.finish())
        for inst in run.members:
            self.slots.release(operand for operand in inst.operands if operand not in run.inside)
            if inst in run.results:
                self._append(inst)


def _chains(function: ir.Function) -> Iterator[list[ir.Block]]:
    """Blocks that are entered at the first only, each before those that it goes to: a block of machine code
    with the blocks that its instructions were given."""
    sources: defaultdict[ir.Block, list[ir.Block]] = defaultdict(list)
    for block in function.blocks:
        for target in _targets(block):
            sources[target].append(block)
    head: dict[ir.Block, ir.Block] = {}
    for block in function.blocks:
        known = {head.get(source) for source in sources[block]}
        head[block] = next(iter(known)) if len(known) == 1 and None not in known else block
    chains: defaultdict[ir.Block, list[ir.Block]] = defaultdict(list)
    for block in function.blocks:
        chains[head[block]].append(block)
    return iter(chains.values())


def _targets(block: ir.Block) -> Iterator[ir.Block]:
    if block.terminator is None:
        return
    yield from (operand for operand in block.terminator.operands if isinstance(operand, ir.Block))
    if isinstance(block.terminator, ir.SwitchInstr):
        yield block.terminator.default
        yield from (target for _, target in block.terminator.cases)
