"""What coverage has to know of a kernel's code: its basic blocks, the ones that a right run never enters, and
the instructions whose result is a model. All of it follows from the code object, so it is kept in a cache: a
launch whose translation is there needs no disassembly for it.

Not counted as code of the kernel's are functions whose names C reserves for the implementation
(`__assert_fail`, the device libraries), and what only leads to a trap or comes after one.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rocverify.device.emulator.coverage.executed import Modelled
from rocverify.device.emulator.coverage.fidelity import modelled
from rocverify.device.emulator.isa.disassembly import Instruction
from rocverify.device.emulator.isa.operands import EXEC, OperandKind
from rocverify.device.emulator.load.loaded import LoadedKernel
from rocverify.device.emulator.load.source_lines import is_header_line
from rocverify.device.emulator.translate.identity import translator_digest
from rocverify.device.emulator.translate.lowering.flow import BRANCHES, NO_FALLTHROUGH, Graph, functions_of
from rocverify.store.content_cache import ContentCache
from rocverify.store.digests import digest_of

Lines = Mapping[int, tuple[str, ...]]
"""The project's own source lines (`file:line`) of each block, by its address; a block of library code, or
one without line tables, has none."""

_FORMAT = "2"


@dataclass(frozen=True, slots=True)
class CodeMap:
    """Addresses of all basic blocks that a kernel can reach, in the order of its graph, of those that count
    as its own code, and its modelled instructions. Addresses are those of the code object's file."""

    blocks: tuple[int, ...]
    own: frozenset[int]
    models: tuple[Modelled, ...]

    def executed_models(self, executed: Iterable[int]) -> tuple[Modelled, ...]:
        """The modelled instructions in executed blocks, and what in executed blocks they may decide."""
        starts, ran = sorted(self.blocks), frozenset(executed)

        def kept(places: tuple[int, ...]) -> tuple[int, ...]:
            return tuple(p for p in places if starts[bisect_right(starts, p) - 1] in ran)

        return tuple(
            Modelled(one.mnemonic, one.model, places, kept(one.branches), kept(one.addresses))
            for one in self.models
            if (places := kept(one.places))
        )

    def to_bytes(self) -> bytes:
        """For the cache."""
        models = [[m.mnemonic, m.model, m.places, m.branches, m.addresses] for m in self.models]
        return json.dumps([self.blocks, sorted(self.own), models]).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> CodeMap:
        """What `to_bytes` made."""
        blocks, own, models = json.loads(data)
        made = (Modelled(m[0], m[1], *(tuple(places) for places in m[2:])) for m in models)
        return cls(tuple(blocks), frozenset(own), tuple(made))


class CodeMaps:
    """Code maps and source lines of kernels, each made once: in this process, and in the cache.
    Thread-safe."""

    def __init__(self, cache: ContentCache | None = None) -> None:
        self._cache = ContentCache(None) if cache is None else cache
        self._maps: dict[tuple[str, str], CodeMap] = {}
        self._lines: dict[tuple[str, str], Lines] = {}
        self._lock = threading.Lock()

    def of(self, kernel: LoadedKernel) -> CodeMap:
        """The kernel's map."""
        key = kernel.module.metadata.sha256, kernel.name
        with self._lock:
            if key not in self._maps:
                made = self._cache.get(_name("blocks", key), lambda: _map_of(kernel).to_bytes())
                self._maps[key] = CodeMap.from_bytes(made)
            return self._maps[key]

    def lines(self, kernel: LoadedKernel) -> Lines:
        """The kernel's source lines, as far as line tables tell."""
        key = kernel.module.metadata.sha256, kernel.name
        with self._lock:
            if key not in self._lines:
                made = self._cache.get(_name("lines", key), lambda: _lines_of(kernel))
                found = json.loads(made or b"{}")
                self._lines[key] = {int(address): tuple(lines) for address, lines in found.items()}
            return self._lines[key]


def _name(what: str, key: tuple[str, str]) -> str:
    return digest_of("coverage", what, _FORMAT, translator_digest(), *key)


def _map_of(kernel: LoadedKernel) -> CodeMap:
    graph = kernel.graph
    return CodeMap(tuple(graph.blocks), own_blocks(kernel), modelled(kernel, graph.blocks))


def _lines_of(kernel: LoadedKernel) -> bytes:
    """Empty where there are no line tables: the cache asks again then."""
    blocks = kernel.graph.blocks
    found = kernel.module.user_lines(inst.address for block in blocks.values() for inst in block)
    lines = {
        address: tuple(dict.fromkeys(_project(found.get(inst.address, inst.source) for inst in block)))
        for address, block in blocks.items()
    }
    return json.dumps(lines).encode() if any(lines.values()) else b""


def _project(lines: Iterable[str | None]) -> Iterator[str]:
    return (line.removeprefix("./") for line in lines if line is not None and not is_header_line(line))


def own_blocks(kernel: LoadedKernel) -> frozenset[int]:
    """The blocks that a run may enter in which no assertion fails and nothing traps."""
    graph = kernel.graph
    library = _library(kernel)
    failing = {
        address
        for address, block in graph.blocks.items()
        if block[-1].mnemonic == "s_trap" or _fails_an_assertion(kernel, block)
    }
    after = {address: _followers(graph, address) for address in graph.blocks}
    _prune(graph, after)
    ends = {a for a, block in graph.blocks.items() if block[-1].mnemonic in ("s_endpgm", "s_setpc_b64")}
    before: dict[int, set[int]] = {address: set() for address in graph.blocks}
    for address, followers in after.items():
        for following in followers:
            before[following].add(address)
    returning = _reached(ends - failing, before, failing)
    entered = _reached({graph.entry}, after, set(graph.blocks) - returning)
    return frozenset(entered - library)


def _library(kernel: LoadedKernel) -> set[int]:
    """Blocks of functions whose names are the implementation's."""
    symbols = kernel.module.image.symbols.items()
    ranges = [
        range(s.address, s.address + s.size)
        for name, s in symbols
        if name.startswith("__") and name != kernel.name
    ]
    return {address for address in kernel.graph.blocks if any(address in code for code in ranges)}


def _fails_an_assertion(kernel: LoadedKernel, block: list[Instruction]) -> bool:
    symbols = kernel.module.image.symbols
    asserts = {s.address for name, s in symbols.items() if name.startswith("__assert")}
    if not asserts:
        return False
    jumps = (inst for inst in block if inst.mnemonic == "s_getpc_b64")
    return any(
        asserts & set(functions_of(kernel.module.listing, kernel.module.image, inst)) for inst in jumps
    )


def _followers(graph: Graph, address: int) -> set[int]:
    last = graph.blocks[address][-1]
    found = {last.next_address} if last.mnemonic not in NO_FALLTHROUGH else set()
    if last.mnemonic in BRANCHES or last.mnemonic == "s_call_b64":
        found.add(last.branch_target)
    if last.mnemonic == "s_swappc_b64":
        found |= {last.next_address, *graph.indirect_targets}
    return found & graph.blocks.keys()


def _prune(graph: Graph, after: dict[int, set[int]]) -> None:
    """Compilers end a path on which lanes fail by two branches where EXEC is not 0, the second on the first's
    way: nothing ever falls through it."""
    for address, block in graph.blocks.items():
        last = block[-1]
        if last.mnemonic != "s_cbranch_execnz" or any(_writes_exec(inst) for inst in block):
            continue
        entries = [graph.blocks[a][-1] for a, following in after.items() if address in following]
        if entries and all(
            e.mnemonic == "s_cbranch_execnz" and e.branch_target == address != e.next_address for e in entries
        ):
            after[address] &= {last.branch_target}


def _writes_exec(inst: Instruction) -> bool:
    if "saveexec" in inst.mnemonic or inst.mnemonic.startswith("v_cmpx"):
        return True
    target = inst.operands[0] if inst.operands else None
    return target is not None and target.kind is OperandKind.SGPR and target.index in (EXEC, EXEC + 1)


def _reached(first: set[int], edges: Mapping[int, set[int]], without: set[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(first - without)
    while waiting:
        address = waiting.pop()
        if address not in found:
            found.add(address)
            waiting.extend(edges[address] - without)
    return found
